/** The schema of a CRD as a tree that tests walk, fill and cross. */
import { customResourceDefinitions } from "../../crds/definitions.ts";
import type { Kind } from "../../crds/names.ts";

export interface SchemaNode {
  readonly type: "object" | "array" | "string" | "integer" | "boolean" | "number";
  readonly description?: string;
  readonly format?: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly additionalProperties?: SchemaNode;
  readonly "x-kubernetes-list-type"?: "map" | "set";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly { readonly rule: string; readonly message?: string }[];
}

/** Path from the object's root: names of fields, `0` into a list, a key into a map. */
export type Path = readonly (string | number)[];

export interface Place {
  readonly path: Path;
  readonly schema: SchemaNode;
}

interface Version {
  readonly schema: { readonly openAPIV3Schema: SchemaNode };
}

/** The schema of one kind, as the CRD has it. */
export function schemaOf(kind: Kind): SchemaNode {
  const definition = customResourceDefinitions().find(({ spec }) => spec.names["kind"] === kind);
  const [version] = (definition?.spec.versions ?? []) as unknown as readonly Version[];
  if (version === undefined) throw new Error(`there is no CRD of kind ${kind}`);
  return version.schema.openAPIV3Schema;
}

/** The place itself and all that lie below it. */
export function placesOf(place: Place): readonly Place[] {
  return [place, ...childrenOf(place).flatMap(placesOf)];
}

function childrenOf({ path, schema }: Place): readonly Place[] {
  const fields = Object.entries(schema.properties ?? {}).map(([name, child]) => ({
    path: [...path, name],
    schema: child,
  }));
  const item = schema.items === undefined ? [] : [{ path: [...path, 0], schema: schema.items }];
  const { additionalProperties: value } = schema;
  return [...fields, ...item, ...(value === undefined ? [] : [{ path: [...path, keyOf(path)], schema: value }])];
}

/** A key that the map at this path may have. */
function keyOf(path: Path): string {
  return path.at(-1) === "transitions" ? "Running" : "key";
}

/** A value with every field of the schema, lists and maps with one entry where they may have one. */
export function fullValue(schema: SchemaNode, path: Path = []): unknown {
  switch (schema.type) {
    case "object":
      return Object.fromEntries([
        ...Object.entries(schema.properties ?? {}).map(([name, child]) => [name, fullValue(child, [...path, name])]),
        ...(schema.additionalProperties === undefined
          ? []
          : [[keyOf(path), fullValue(schema.additionalProperties, path)]]),
      ]);
    case "array":
      return schema.items === undefined ? [] : [fullValue(schema.items, path)];
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return true;
    case "string":
      return schema.enum?.[0] ?? (schema.format === "date-time" ? "2026-01-01T00:00:00Z" : textOf(schema));
  }
}

/** Where a pattern asks for more than a letter, the default shows what. */
function textOf(schema: SchemaNode): string {
  const text = schema.default ?? statedDefault(schema);
  return typeof text === "string" ? text : "a";
}

/** What the sentence of a field in a list says that it counts as when it is absent: no default of the schema can be there. */
function statedDefault({ description = "", type }: SchemaNode): unknown {
  const text = / Absent: (\S+)\.$/.exec(description)?.[1];
  return text === undefined || type === "string" ? text : (JSON.parse(text) as unknown);
}

/** The value with the defaults that the schema has or states: only where the parent is there. */
export function withDefaults(schema: SchemaNode, value: unknown): unknown {
  const { items } = schema;
  if (items !== undefined && Array.isArray(value)) return value.map((item) => withDefaults(items, item));
  if (typeof value !== "object" || value === null) return value;
  const given = value as Readonly<Record<string, unknown>>;
  const out: Record<string, unknown> = { ...given };
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const found = given[name] ?? child.default ?? statedDefault(child);
    if (found !== undefined) out[name] = withDefaults(child, found);
  }
  return out;
}

/** A copy of the value with another one at the path; `undefined` leaves the field out. */
export function replaced(value: unknown, path: Path, next: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return next;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.map((item, index) => (index === step ? replaced(item, rest, next) : item));
  }
  const given = value as Readonly<Record<string, unknown>>;
  const inner = replaced(given[step], rest, next);
  const others = Object.entries(given).filter(([name]) => name !== step);
  return Object.fromEntries(inner === undefined ? others : [...others, [step, inner]]);
}
