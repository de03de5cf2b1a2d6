/** The part of OpenAPI v3 that a custom resource's schema may use. */
import { isObject, type JsonObject, sameJson } from "./json.ts";

export interface CelRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

export interface StructuralSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly required?: readonly string[];
  readonly items?: StructuralSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-validations"?: readonly CelRule[];
}

/** A value that was there before an update, or the knowledge that there was none. */
export type Previous = { readonly value: unknown } | undefined;

/** The schema of a member of an object: its own, the one of a map's values, or undefined where it is unknown. */
export function memberSchema(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  const own = schema.properties;
  if (own !== undefined && Object.hasOwn(own, name)) return own[name];
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** Whether members that the schema does not name are kept as they are. */
export function keepsUnknown(schema: StructuralSchema): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties === true;
}

export function memberPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The member of the previous object that the same member of the new one is compared with. */
export function previousMember(previous: Previous, name: string): Previous {
  if (previous === undefined || !isObject(previous.value) || !Object.hasOwn(previous.value, name)) return undefined;
  return { value: previous.value[name] };
}

/** The former item of a list-map with the same keys; items of other lists have no former self. */
export function previousItem(schema: StructuralSchema, previous: Previous, item: unknown): Previous {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] !== "map" || keys === undefined) return undefined;
  if (previous === undefined || !Array.isArray(previous.value) || !isObject(item)) return undefined;
  const wanted = mapKey(keys, item);
  const found = (previous.value as readonly unknown[]).find(
    (old) => isObject(old) && sameJson(mapKey(keys, old), wanted),
  );
  return found === undefined ? undefined : { value: found };
}

export function mapKey(keys: readonly string[], item: JsonObject): JsonObject {
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]));
}
