/** Judges an object by its schema, in the words of the real server. Values that an update leaves alone are not judged. */
import { fromRfc3339 } from "../../domain/time.ts";
import { isList, isObject, quoted, sameJson } from "./json.ts";
import type { FieldError } from "./status.ts";
import {
  mapKey,
  memberPath,
  memberSchema,
  type Previous,
  previousItem,
  previousMember,
  type StructuralSchema,
} from "./structural-schema.ts";

interface Place {
  readonly path: string;
  readonly previous: Previous;
}

/** The errors of a value against its schema, those of list keys last. Rules in CEL are judged apart, by `cel-rules.ts`. */
export function schemaErrors(value: unknown, schema: StructuralSchema, previous: Previous): readonly FieldError[] {
  const top = { path: "", previous };
  return [...errorsAt(value, schema, top), ...listErrorsAt(value, schema, top)];
}

/** After these the server does not try CEL rules: the value may not have the type that they were written for. */
export function hindersRules(error: FieldError): boolean {
  return [
    "FieldValueRequired",
    "FieldValueNotSupported",
    "FieldValueTypeInvalid",
    "FieldValueTooLong",
    "FieldValueTooMany",
  ].includes(error.reason);
}

/** What the server adds when it did not try CEL rules. */
export const rulesNotChecked: FieldError = {
  reason: "FieldValueInvalid",
  field: "<nil>",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; " +
    "correct the existing errors to complete validation",
};

function errorsAt(value: unknown, schema: StructuralSchema, place: Place): readonly FieldError[] {
  if (unchanged(value, place)) return [];
  if (value === null && schema.nullable === true) return [];
  const typeError = typeErrorAt(value, schema, place.path);
  // A text of the wrong format is held to its pattern and length all the same.
  if (typeError !== undefined)
    return [...(typeof value === "string" ? ownErrors(value, schema, place.path) : []), typeError];
  return [
    ...ownErrors(value, schema, place.path),
    ...enumErrors(value, schema, place.path),
    ...inner(value, schema, place),
  ];
}

function unchanged(value: unknown, place: Place): boolean {
  return place.previous !== undefined && sameJson(value, place.previous.value);
}

function inner(value: unknown, schema: StructuralSchema, place: Place): readonly FieldError[] {
  if (isList(value)) return members(value, schema, place, errorsAt);
  if (!isObject(value)) return [];
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name));
  const required = missing.map((name) => requiredError(memberPath(place.path, name)));
  return [...required, ...members(value, schema, place, errorsAt)];
}

/** Duplicates in sets and maps. */
function listErrorsAt(value: unknown, schema: StructuralSchema, place: Place): readonly FieldError[] {
  if (unchanged(value, place)) return [];
  const own = isList(value) ? duplicates(value, schema, place.path) : [];
  return [...own, ...members(value, schema, place, listErrorsAt)];
}

/** Judges the members of an object or a list, each at its own place. */
function members(
  value: unknown,
  schema: StructuralSchema,
  place: Place,
  judge: (value: unknown, schema: StructuralSchema, place: Place) => readonly FieldError[],
): readonly FieldError[] {
  if (isObject(value)) {
    return Object.entries(value).flatMap(([name, member]) => {
      const known = memberSchema(schema, name);
      if (known === undefined) return [];
      return judge(member, known, {
        path: memberPath(place.path, name),
        previous: previousMember(place.previous, name),
      });
    });
  }
  const items = schema.items;
  if (!isList(value) || items === undefined) return [];
  return value.flatMap((item, index) =>
    judge(item, items, {
      path: `${place.path}[${String(index)}]`,
      previous: previousItem(schema, place.previous, item),
    }),
  );
}

function typeErrorAt(value: unknown, schema: StructuralSchema, path: string): FieldError | undefined {
  const found = typeOf(value);
  if (schema["x-kubernetes-int-or-string"] === true) {
    return found === "integer" || found === "string" ? undefined : typeError(path, "integer,string", found);
  }
  if (schema.type === undefined || schema.type === found || (schema.type === "number" && found === "integer")) {
    return formatError(value, schema, path);
  }
  return typeError(path, schema.type, found);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeError(path: string, wanted: string, found: string): FieldError {
  const message = `Invalid value: "${found}": ${path} in body must be of type ${wanted}: "${found}"`;
  return { reason: "FieldValueTypeInvalid", field: path === "" ? "<nil>" : path, message };
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

function formatError(value: unknown, schema: StructuralSchema, path: string): FieldError | undefined {
  if (schema.format !== "date-time" || typeof value !== "string") return undefined;
  if (rfc3339.test(value) && fromRfc3339(value) !== undefined) return undefined;
  const message = `Invalid value: ${quoted(value)}: ${path} in body must be of type date-time: ${quoted(value)}`;
  return { reason: "FieldValueTypeInvalid", field: path, message };
}

function ownErrors(value: unknown, schema: StructuralSchema, path: string): readonly FieldError[] {
  if (typeof value === "string") return stringErrors(value, schema, path);
  if (typeof value === "number") return numberErrors(value, schema, path);
  if (isList(value)) return countErrors(value.length, "items", { min: schema.minItems, max: schema.maxItems }, path);
  if (!isObject(value)) return [];
  const bounds = { min: schema.minProperties, max: schema.maxProperties };
  return countErrors(Object.keys(value).length, "properties", bounds, path);
}

function stringErrors(value: string, schema: StructuralSchema, path: string): readonly FieldError[] {
  const length = Array.from(value).length;
  const shown = quoted(value);
  const errors: FieldError[] = [];
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    const message = `Too long: may not be more than ${String(schema.maxLength)} bytes`;
    errors.push({ reason: "FieldValueTooLong", field: path, message });
  }
  if (schema.minLength !== undefined && length < schema.minLength) {
    errors.push(invalidError(path, shown, `should be at least ${String(schema.minLength)} chars long`));
  }
  if (schema.pattern !== undefined && !patternOf(schema.pattern).test(value)) {
    errors.push(invalidError(path, shown, `should match '${schema.pattern}'`));
  }
  return errors;
}

function patternOf(pattern: string): RegExp {
  return new RegExp(pattern, "u");
}

function numberErrors(value: number, schema: StructuralSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const wrong = (says: string): void => void errors.push(invalidError(path, String(value), says));
  const { minimum, maximum, multipleOf } = schema;
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true) {
      if (value >= maximum) wrong(`should be less than ${String(maximum)}`);
    } else if (value > maximum) wrong(`should be less than or equal to ${String(maximum)}`);
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true) {
      if (value <= minimum) wrong(`should be greater than ${String(minimum)}`);
    } else if (value < minimum) wrong(`should be greater than or equal to ${String(minimum)}`);
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) wrong(`should be a multiple of ${String(multipleOf)}`);
  return errors;
}

function countErrors(
  count: number,
  what: string,
  bounds: { readonly min: number | undefined; readonly max: number | undefined },
  path: string,
): readonly FieldError[] {
  if (bounds.max !== undefined && count > bounds.max) {
    const message = `Too many: ${String(count)}: must have at most ${String(bounds.max)} items`;
    return [{ reason: "FieldValueTooMany", field: path, message }];
  }
  if (bounds.min === undefined || count >= bounds.min) return [];
  return [invalidError(path, String(count), `should have at least ${String(bounds.min)} ${what}`)];
}

function invalidError(path: string, shown: string, says: string): FieldError {
  return { reason: "FieldValueInvalid", field: path, message: `Invalid value: ${shown}: ${path} in body ${says}` };
}

function requiredError(path: string): FieldError {
  return { reason: "FieldValueRequired", field: path, message: "Required value" };
}

function enumErrors(value: unknown, schema: StructuralSchema, path: string): readonly FieldError[] {
  const allowed = schema.enum;
  if (allowed === undefined || allowed.some((one) => sameJson(one, value))) return [];
  const supported = allowed.map((one) => JSON.stringify(one)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
  return [{ reason: "FieldValueNotSupported", field: path, message }];
}

function duplicates(list: readonly unknown[], schema: StructuralSchema, path: string): readonly FieldError[] {
  const identity = identityOf(schema);
  if (identity === undefined) return [];
  const seen = new Set<string>();
  const reported = new Set<string>();
  return list.flatMap((item, index) => {
    const id = identity(item);
    const isNew = !seen.has(id);
    seen.add(id);
    if (isNew || reported.has(id)) return [];
    reported.add(id);
    return [duplicateError(`${path}[${String(index)}]`, id)];
  });
}

function duplicateError(field: string, id: string): FieldError {
  return { reason: "FieldValueDuplicate", field, message: `Duplicate value: ${id}` };
}

/** What may occur only once in a set or a list-map, as JSON; undefined for other lists. */
function identityOf(schema: StructuralSchema): ((item: unknown) => string) | undefined {
  const keys = [...(schema["x-kubernetes-list-map-keys"] ?? [])].sort();
  const listType = schema["x-kubernetes-list-type"];
  if (listType === "set") return (item) => JSON.stringify(item);
  if (listType === "map") return (item) => JSON.stringify(isObject(item) ? mapKey(keys, item) : item);
  return undefined;
}

/** Whether the patterns of a schema can be read; the error names the first that cannot. */
export function checkPatterns(schema: StructuralSchema): void {
  if (schema.pattern !== undefined) patternOf(schema.pattern);
  for (const property of innerSchemas(schema)) checkPatterns(property);
}

/** The schemas directly below one. */
export function innerSchemas(schema: StructuralSchema): readonly StructuralSchema[] {
  const values = typeof schema.additionalProperties === "object" ? [schema.additionalProperties] : [];
  return [...Object.values(schema.properties ?? {}), ...values, ...(schema.items === undefined ? [] : [schema.items])];
}
