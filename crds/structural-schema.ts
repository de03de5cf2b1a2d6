/** zod schema -> structural OpenAPI v3 schema of a CRD. What Kubernetes could not hold is refused, never dropped silently. */
import { z } from "zod";

type JsonSchema = Readonly<Record<string, unknown>>;

/** What Kubernetes takes; the keywords by which one schema holds others are named. */
export interface StructuralSchema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
}

const kept = new Set([
  "type",
  "format",
  "description",
  "required",
  "enum",
  "default",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
  "maxProperties",
]);

/** `propertyNames` repeats an enum of keys that the schema's own description states; Kubernetes has no such keyword. */
const dropped = new Set(["$schema", "propertyNames"]);
const nested = new Set(["properties", "items", "additionalProperties"]);

/** Converts a zod schema of what users write (`io: "input"`). Throws where the result would not be structural. */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const json = z.toJSONSchema(schema, {
    target: "openapi-3.0",
    io: "input",
    reused: "inline",
    cycles: "throw",
    unrepresentable: "throw",
  });
  return structural(json, "$");
}

function structural(node: JsonSchema, path: string): StructuralSchema {
  const entries = Object.entries(path.includes("[]") ? defaultInWords(node) : node).flatMap(([key, value]) =>
    entry(key, value, path),
  );
  const out = Object.fromEntries(entries);
  if (typeof out["type"] !== "string") throw new Error(`${path}: a structural schema needs one type`);
  return out["type"] === "integer" ? { ...out, format: "int64" } : out;
}

/**
 * `kubectl apply` replaces a list of a custom resource as a whole: what the API server had filled into an item it would take
 * out, and the server fill in again, at every apply. So below a list only the reader fills in, and the sentence says what.
 */
function defaultInWords({ default: value, ...node }: JsonSchema): JsonSchema {
  if (value === undefined) return node;
  const { description } = node;
  const said = `Absent: ${typeof value === "string" ? value : JSON.stringify(value)}.`;
  return { ...node, description: typeof description === "string" ? `${description} ${said}` : said };
}

function entry(key: string, value: unknown, path: string): [string, unknown][] {
  if (dropped.has(key) || isFreeBound(key, value)) return [];
  if (key === "pattern" && /\(\?[=!<]|\\[1-9]/.test(String(value))) throw new Error(`${path}: the pattern is not RE2`);
  if (kept.has(key) || key.startsWith("x-kubernetes-")) return [[key, value]];
  if (nested.has(key)) return nestedEntry(key, value, path);
  throw new Error(`${path}: keyword ${key} has no place in a structural schema`);
}

function nestedEntry(key: string, value: unknown, path: string): [string, unknown][] {
  if (key === "items") return [[key, structural(value as JsonSchema, `${path}[]`)]];
  if (key === "additionalProperties") {
    return typeof value === "object" ? [[key, structural(value as JsonSchema, `${path}{}`)]] : [];
  }
  const properties = Object.entries(value as Record<string, JsonSchema>);
  return [[key, Object.fromEntries(properties.map(([name, child]) => [name, structural(child, `${path}.${name}`)]))]];
}

/** zod bounds every integer by what JavaScript can hold; that is no bound of ours. */
function isFreeBound(key: string, value: unknown): boolean {
  return (
    (key === "maximum" && value === Number.MAX_SAFE_INTEGER) || (key === "minimum" && value === Number.MIN_SAFE_INTEGER)
  );
}
