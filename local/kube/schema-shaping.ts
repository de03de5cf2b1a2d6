/** What becomes of an object before it is judged: unknown fields and empty nulls go, defaults come. */
import { isList, isObject, type JsonObject } from "./json.ts";
import { keepsUnknown, memberPath, memberSchema, type StructuralSchema } from "./structural-schema.ts";

/** The value without the fields that the schema does not know; their paths are added to `unknown`. */
export function pruned(value: unknown, schema: StructuralSchema, path: string, unknown: string[]): unknown {
  if (isList(value)) {
    const items = schema.items;
    return items === undefined
      ? value
      : value.map((item, index) => pruned(item, items, `${path}[${String(index)}]`, unknown));
  }
  if (!isObject(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const at = memberPath(path, name);
    const known = memberSchema(schema, name);
    if (known !== undefined) kept.push([name, pruned(inner, known, at, unknown)]);
    else if (keepsUnknown(schema)) kept.push([name, inner]);
    else unknown.push(at);
  }
  return Object.fromEntries(kept);
}

/** The value with defaults filled in. A null that is not allowed counts as absent. */
export function defaulted(value: unknown, schema: StructuralSchema): unknown {
  if (isList(value)) {
    const items = schema.items;
    return items === undefined ? value : value.map((item) => defaulted(item, items));
  }
  return isObject(value) ? defaultedObject(value, schema) : value;
}

function defaultedObject(value: JsonObject, schema: StructuralSchema): JsonObject {
  const filled = new Map<string, unknown>();
  for (const [name, inner] of Object.entries(value)) {
    const known = memberSchema(schema, name);
    if (known === undefined) filled.set(name, inner);
    else if (!isEmptyNull(inner, known)) filled.set(name, defaulted(inner, known));
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default !== undefined && !filled.has(name)) filled.set(name, defaulted(property.default, property));
  }
  return Object.fromEntries(filled);
}

function isEmptyNull(value: unknown, schema: StructuralSchema): boolean {
  return value === null && schema.nullable !== true && !keepsUnknown(schema);
}
