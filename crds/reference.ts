/** The kinds as a page to read: every field with its bounds and default, the rules, the conditions with their reasons. */
import { type CustomResourceDefinition, customResourceDefinitions } from "./definitions.ts";
import { conditionReasons, type Kind } from "./names.ts";
import type { StructuralSchema } from "./structural-schema.ts";

/** Whoever writes a field, by the first part of its path. */
const parts = [
  ["spec", "What people write"],
  ["status", "What the operator writes"],
] as const;

/** The page, as Markdown. */
export function reference(): string {
  const pages = customResourceDefinitions().map(page);
  return [
    "# Reference of the kinds",
    "",
    "Generated from the schemas in `crds/*.ts` by `npm run generate`. Do not edit. A field without a default may be left out unless it is required.",
    "",
    ...pages,
  ].join("\n");
}

function page({ spec }: CustomResourceDefinition): string {
  const { kind, plural, shortNames } = spec.names;
  const [version] = spec.versions;
  const schema = version?.schema.openAPIV3Schema ?? {};
  const sections = parts.flatMap(([name, title]) => {
    const part = child(schema, name);
    return part === undefined ? [] : [`### ${title}`, "", fieldTable(part, name), ""];
  });
  return [
    `## ${kind}`,
    "",
    `\`${plural}\`, \`${shortNames.join("`, `")}\`. ${text(schema["description"])}`,
    "",
    ...sections,
    ...ruleList(schema),
    ...conditionTable(kind),
  ].join("\n");
}

function fieldTable(schema: StructuralSchema, path: string): string {
  const rows = fields(schema, path).map(
    ({ name, type, required, description }) =>
      `| \`${name}\` | ${type}${required ? ", required" : ""} | ${cell(description)} |`,
  );
  return ["| Field | Value | Meaning |", "|---|---|---|", ...rows].join("\n");
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

function fields(schema: StructuralSchema, path: string): readonly Field[] {
  const { required = [], properties = {} } = schema;
  return Object.entries(properties).flatMap(([name, property]) => {
    const { items } = property;
    const own = `${path}.${name}${items === undefined ? "" : "[]"}`;
    const field = {
      ...{ name: own, type: typeText(property), required: required.includes(name) },
      description: text(property["description"]),
    };
    return [field, ...fields(items ?? property, own)];
  });
}

function typeText(schema: StructuralSchema): string {
  const { items } = schema;
  const of = items === undefined ? schema : { ...items, minItems: schema["minItems"], maxItems: schema["maxItems"] };
  const words = [
    items === undefined ? text(schema["type"]) : `list of ${text(items["type"])}`,
    ...(Array.isArray(of["enum"]) ? [of["enum"].map((value) => `\`${String(value)}\``).join(" or ")] : []),
    ...range(of["minimum"], of["maximum"], ""),
    ...range(of["minLength"], of["maxLength"], " characters"),
    ...range(of["minItems"], of["maxItems"], " entries"),
    ...range(undefined, of["maxProperties"], " keys"),
    ...patternText(text(of["pattern"])),
    ...(schema["default"] === undefined ? [] : [`default \`${JSON.stringify(schema["default"])}\``]),
  ];
  return words.join(", ");
}

function patternText(pattern: string): readonly string[] {
  if (pattern === "") return [];
  return [pattern.startsWith("^\\d{4}-") ? "a time as RFC 3339 has it" : `\`${cell(pattern)}\``];
}

function range(least: unknown, most: unknown, unit: string): readonly string[] {
  const [from, to] = [least, most].map((bound) => (typeof bound === "number" ? String(bound) : undefined));
  if (from !== undefined && to !== undefined) return [`${from} to ${to}${unit}`];
  if (from !== undefined) return [`at least ${from}${unit}`];
  return to === undefined ? [] : [`at most ${to}${unit}`];
}

/** Rules beyond single fields, wherever they stand. */
function ruleList(schema: StructuralSchema): readonly string[] {
  const messages = [...new Set(rules(schema))];
  return messages.length === 0 ? [] : ["### Rules", "", ...messages.map((message) => `- ${message}`), ""];
}

function rules(schema: StructuralSchema): readonly string[] {
  const { properties = {}, items } = schema;
  const own = (schema["x-kubernetes-validations"] ?? []) as readonly { readonly message?: string }[];
  const below = [...Object.values(properties), ...(items === undefined ? [] : [items])];
  return [...own.flatMap(({ message }) => message ?? []), ...below.flatMap(rules)];
}

function conditionTable(kind: Kind): readonly string[] {
  const rows = Object.entries(conditionReasons[kind]).map(
    ([type, reasons]) =>
      `| \`${type}\` | ${(reasons as readonly string[]).map((reason) => `\`${reason}\``).join(", ")} |`,
  );
  return ["### Conditions", "", "| Condition | Reasons |", "|---|---|", ...rows, ""];
}

function child(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  return schema.properties?.[name];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A pipe would end the cell. */
function cell(words: string): string {
  return words.replaceAll("|", "\\|").replaceAll("\n", " ");
}
