/** Sets of fields of an object, by path: what `managedFields` keeps, and what server-side apply merges and removes by. */
import { isList, isObject, type JsonObject, sameJson } from "./json.ts";
import { mapKey, memberSchema, type StructuralSchema } from "./structural-schema.ts";

/** One step of a path as FieldsV1 writes it: `f:NAME` a member, `k:{KEYS}` an item of a list-map, `v:VALUE` one of a set. */
type Step = string;

/** Paths of fields. A path is the JSON of its steps, so that sets compare by value. */
export type FieldSet = ReadonlySet<string>;

export function stepsOf(path: string): readonly Step[] {
  return JSON.parse(path) as readonly Step[];
}

/** Every field that has a value of its own: scalars, lists without keys, empty maps, items of list-maps and sets. */
export function fieldsOf(value: unknown, schema: StructuralSchema): FieldSet {
  return new Set(pathsOf(value, schema, []).map((steps) => JSON.stringify(steps)));
}

function pathsOf(value: unknown, schema: StructuralSchema, at: readonly Step[]): readonly (readonly Step[])[] {
  if (isObject(value) && isGranular(schema)) {
    const members = Object.entries(value).flatMap(([name, inner]) =>
      pathsOf(inner, memberSchema(schema, name) ?? {}, [...at, `f:${name}`]),
    );
    return members.length === 0 && at.length > 0 ? [at] : members;
  }
  const items = isList(value) ? keyedItems(value, schema) : undefined;
  if (items === undefined) return [at];
  return [...items].flatMap(([step, item]) => {
    const below = isObject(item) ? pathsOf(item, schema.items ?? {}, [...at, step]) : [];
    return [[...at, step], ...below.filter((path) => path.length > at.length + 1)];
  });
}

function isGranular(schema: StructuralSchema): boolean {
  return schema.properties !== undefined || schema.additionalProperties !== undefined;
}

/** The items of a list whose schema says by what they are known, under their steps; undefined for a list that is one value. */
function keyedItems(list: readonly unknown[], schema: StructuralSchema): ReadonlyMap<Step, unknown> | undefined {
  const type = schema["x-kubernetes-list-type"];
  if (type !== "map" && type !== "set") return undefined;
  return new Map(list.map((item) => [itemStep(item, schema), item]));
}

function itemStep(item: unknown, schema: StructuralSchema): Step {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (keys === undefined || !isObject(item)) return `v:${JSON.stringify(item)}`;
  const sorted = Object.entries(mapKey(keys, item)).sort(([a], [b]) => (a < b ? -1 : 1));
  return `k:${JSON.stringify(Object.fromEntries(sorted))}`;
}

/** The value at a path, or undefined. */
export function valueAt(value: unknown, steps: readonly Step[], schema: StructuralSchema): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (isList(value)) {
    const item = keyedItems(value, schema)?.get(step);
    return item === undefined ? undefined : valueAt(item, rest, schema.items ?? {});
  }
  const name = step.slice(2);
  if (!isObject(value) || !step.startsWith("f:") || !Object.hasOwn(value, name)) return undefined;
  return valueAt(value[name], rest, memberSchema(schema, name) ?? {});
}

/** The live value with the applied one merged into it: maps by member, list-maps by key, sets by value, the rest replaced. */
export function mergedFields(live: unknown, applied: unknown, schema: StructuralSchema): unknown {
  if (isObject(live) && isObject(applied) && isGranular(schema)) {
    const merged = Object.entries(applied).map(([name, value]): [string, unknown] => [
      name,
      Object.hasOwn(live, name) ? mergedFields(live[name], value, memberSchema(schema, name) ?? {}) : value,
    ]);
    return { ...live, ...Object.fromEntries(merged) };
  }
  const before = isList(live) ? keyedItems(live, schema) : undefined;
  const after = isList(applied) ? keyedItems(applied, schema) : undefined;
  if (before === undefined || after === undefined) return applied;
  const kept = [...before].map(([step, item]) =>
    after.has(step) ? mergedFields(item, after.get(step), schema.items ?? {}) : item,
  );
  return [...kept, ...[...after].filter(([step]) => !before.has(step)).map(([, item]) => item)];
}

/** The value without these fields; a map that loses its last member goes as well. */
export function withoutFields(value: unknown, fields: FieldSet, schema: StructuralSchema): unknown {
  return remaining(value, schema, [], fields);
}

function remaining(value: unknown, schema: StructuralSchema, at: readonly Step[], gone: FieldSet): unknown {
  if (isObject(value) && isGranular(schema)) return remainingMembers(value, schema, at, gone);
  const items = isList(value) ? keyedItems(value, schema) : undefined;
  if (items === undefined) return value;
  return [...items].flatMap(([step, item]) => {
    const path = [...at, step];
    return gone.has(JSON.stringify(path)) ? [] : [remaining(item, schema.items ?? {}, path, gone)];
  });
}

function remainingMembers(value: JsonObject, schema: StructuralSchema, at: readonly Step[], gone: FieldSet): unknown {
  const kept = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const path = [...at, `f:${name}`];
    if (gone.has(JSON.stringify(path))) return [];
    const left = remaining(inner, memberSchema(schema, name) ?? {}, path, gone);
    return hasBeenEmptied(inner, left) ? [] : [[name, left]];
  });
  return Object.fromEntries(kept);
}

function hasBeenEmptied(before: unknown, after: unknown): boolean {
  const isEmpty = (value: unknown): boolean =>
    typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty(after) && !isEmpty(before);
}

/** Fields that one of the two has and the other has not, or has with another value. */
export function changedFields(before: unknown, after: unknown, schema: StructuralSchema): FieldSet {
  const all = [...fieldsOf(before, schema), ...fieldsOf(after, schema)];
  const isChanged = (path: string): boolean => {
    const steps = stepsOf(path);
    return !sameJson(leafOf(valueAt(before, steps, schema)), leafOf(valueAt(after, steps, schema)));
  };
  return new Set(all.filter(isChanged));
}

/** An item of a list-map is there or not; what it holds has paths of its own. */
function leafOf(value: unknown): unknown {
  return isObject(value) ? true : value;
}

type Tree = Map<Step, Tree>;

/** As `metadata.managedFields[].fieldsV1`. The items of lists say by `.` that they are fields themselves. */
export function toFieldsV1(fields: FieldSet): JsonObject {
  const root: Tree = new Map();
  for (const path of fields) {
    const steps = stepsOf(path);
    let tree = root;
    for (const step of steps) {
      const next = tree.get(step) ?? new Map<Step, Tree>();
      tree.set(step, next);
      tree = next;
    }
    if (steps.at(-1)?.startsWith("k:") === true) tree.set(".", new Map());
  }
  return written(root);
}

function written(tree: Tree): JsonObject {
  const sorted = [...tree].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([step, below]) => [step, written(below)]));
}

/** Reads `fieldsV1`; what is no step is passed over. */
export function fromFieldsV1(tree: unknown): FieldSet {
  return new Set(readPaths(tree, []).map((steps) => JSON.stringify(steps)));
}

function readPaths(tree: unknown, at: readonly Step[]): readonly (readonly Step[])[] {
  if (!isObject(tree)) return [];
  const below = Object.entries(tree).filter(([step]) => /^[fkv]:/.test(step));
  const own = at.length > 0 && (below.length === 0 || Object.hasOwn(tree, ".")) ? [at] : [];
  return [...own, ...below.flatMap(([step, inner]) => readPaths(inner, [...at, step]))];
}

/** As the real server names a field in a conflict: `.spec.roles[role="edge"].count`. */
export function fieldName(path: string): string {
  return stepsOf(path).map(shownStep).join("");
}

function shownStep(step: Step): string {
  const text = step.slice(2);
  if (step.startsWith("f:")) return `.${text}`;
  if (step.startsWith("v:")) return `[=${text}]`;
  const keys = Object.entries(JSON.parse(text) as JsonObject);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}
