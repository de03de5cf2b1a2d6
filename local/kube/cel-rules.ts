/** The rules of `x-kubernetes-validations`, compiled once for each schema and judged for each object. */
import { Environment } from "@marcbachmann/cel-js";
import { messageOf } from "../../runtime/thrown.ts";
import { isList, isObject, sameJson } from "./json.ts";
import { innerSchemas } from "./schema-validation.ts";
import type { FieldError } from "./status.ts";
import {
  type CelRule,
  memberPath,
  memberSchema,
  type Previous,
  previousItem,
  previousMember,
  type StructuralSchema,
} from "./structural-schema.ts";

type Evaluate = (context: { readonly self: unknown; readonly oldSelf?: unknown }) => unknown;

interface CompiledRule {
  readonly rule: CelRule;
  readonly holds: Evaluate;
  readonly message: Evaluate | undefined;
  /** A transition rule is judged only where there was a value before. */
  readonly comparesOld: boolean;
}

/** A rule that cannot be compiled: a fault of the schema, found at the start. */
export class CelRuleError extends Error {
  override readonly name = "CelRuleError";
}

const reasons = new Set(["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"]);

/** The rules of one schema. Throws CelRuleError where one of them cannot be compiled. */
export class CelRules {
  readonly #schema: StructuralSchema;
  readonly #rules = new Map<StructuralSchema, readonly CompiledRule[]>();

  constructor(schema: StructuralSchema) {
    this.#schema = schema;
    const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false })
      .registerVariable("self", "dyn")
      .registerVariable("oldSelf", "dyn");
    this.#compile(schema, environment);
  }

  get isEmpty(): boolean {
    return this.#rules.size === 0;
  }

  /** The rules that the value breaks. */
  errors(value: unknown, previous: Previous): readonly FieldError[] {
    return this.isEmpty ? [] : this.#errorsAt(value, this.#schema, "", previous);
  }

  #compile(schema: StructuralSchema, environment: Environment): void {
    const rules = schema["x-kubernetes-validations"] ?? [];
    if (rules.length > 0)
      this.#rules.set(
        schema,
        rules.map((rule) => compile(rule, environment)),
      );
    for (const inner of innerSchemas(schema)) this.#compile(inner, environment);
  }

  #errorsAt(value: unknown, schema: StructuralSchema, path: string, previous: Previous): readonly FieldError[] {
    if (value === null || value === undefined) return [];
    const same = previous !== undefined && sameJson(previous.value, value);
    const own = (this.#rules.get(schema) ?? []).flatMap((rule) =>
      same && !rule.comparesOld ? [] : judge(rule, { value, previous, schema, path }),
    );
    return [...own, ...this.#innerErrors(value, schema, path, previous)];
  }

  #innerErrors(value: unknown, schema: StructuralSchema, path: string, previous: Previous): readonly FieldError[] {
    if (isObject(value)) {
      return Object.entries(value).flatMap(([name, inner]) => {
        const known = memberSchema(schema, name);
        if (known === undefined) return [];
        const isMapValue = schema.properties?.[name] === undefined;
        const at = isMapValue ? `${path}[${name}]` : memberPath(path, name);
        return this.#errorsAt(inner, known, at, previousMember(previous, name));
      });
    }
    const items = schema.items;
    if (!isList(value) || items === undefined) return [];
    return value.flatMap((item, index) =>
      this.#errorsAt(item, items, `${path}[${String(index)}]`, previousItem(schema, previous, item)),
    );
  }
}

function compile(rule: CelRule, environment: Environment): CompiledRule {
  const expression = rule.messageExpression;
  return {
    rule,
    holds: compiled(rule.rule, environment),
    message: expression === undefined ? undefined : compiled(expression, environment),
    comparesOld: /\boldSelf\b/.test(rule.rule),
  };
}

function compiled(expression: string, environment: Environment): Evaluate {
  try {
    const parsed = environment.parse(expression);
    const check = parsed.check();
    if (!check.valid) throw check.error ?? new Error("invalid");
    return (context): unknown => parsed(context);
  } catch (cause) {
    const why = messageOf(cause);
    throw new CelRuleError(`the rule "${expression}" cannot be compiled here: ${why}`, { cause });
  }
}

interface Subject {
  readonly value: unknown;
  readonly previous: Previous;
  readonly schema: StructuralSchema;
  readonly path: string;
}

function judge(compiledRule: CompiledRule, subject: Subject): readonly FieldError[] {
  const { rule, holds, message, comparesOld } = compiledRule;
  if (comparesOld && subject.previous === undefined && rule.optionalOldSelf !== true) return [];
  const context = contextOf(subject);
  const verdict = attempt(holds, context);
  if (verdict.value === true) return [];
  const spoken = message === undefined ? undefined : attempt(message, context).value;
  const fallback = rule.message ?? `failed rule: ${rule.rule}`;
  const says =
    verdict.error === undefined ? (typeof spoken === "string" ? spoken : fallback) : ruleFailure(rule, verdict.error);
  return [
    {
      reason: reasonOf(rule.reason),
      field: subject.path + (rule.fieldPath ?? "") === "" ? "<nil>" : trimmed(subject.path + (rule.fieldPath ?? "")),
      message: `Invalid value: "${shownType(subject)}": ${says}`,
    },
  ];
}

function contextOf(subject: Subject): { self: unknown; oldSelf?: unknown } {
  const self = toCel(subject.value, subject.schema);
  return subject.previous === undefined ? { self } : { self, oldSelf: toCel(subject.previous.value, subject.schema) };
}

function attempt(
  evaluate: Evaluate,
  context: { self: unknown; oldSelf?: unknown },
): { value?: unknown; error?: string } {
  try {
    return { value: evaluate(context) };
  } catch (error) {
    return { error: firstLine(messageOf(error)) };
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1).join("");
}

function ruleFailure(rule: CelRule, error: string): string {
  return `rule evaluation error: ${error}: ${rule.rule}`;
}

function reasonOf(reason: string | undefined): FieldError["reason"] {
  return reason !== undefined && reasons.has(reason) ? (reason as FieldError["reason"]) : "FieldValueInvalid";
}

function trimmed(path: string): string {
  return path.startsWith(".") ? path.slice(1) : path;
}

function shownType(subject: Subject): string {
  return subject.schema.type ?? (isObject(subject.value) ? "object" : typeof subject.value);
}

const reserved = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** A field's name as CEL writes it: `a-b` is `a__dash__b`, `namespace` is `__namespace__`. */
function celName(name: string): string {
  if (reserved.has(name)) return `__${name}__`;
  return name
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
}

/** The value with the types of its schema: CEL tells 1 from 1.0. */
function toCel(value: unknown, schema: StructuralSchema | undefined): unknown {
  if (typeof value === "number") return isCelInteger(value, schema) ? BigInt(value) : value;
  if (isList(value)) return value.map((item) => toCel(item, schema?.items));
  if (typeof value === "string" && schema?.format === "date-time") return new Date(value);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    const isProperty = schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
    const known = schema === undefined ? undefined : memberSchema(schema, name);
    return [isProperty ? celName(name) : name, toCel(inner, known)];
  });
  return Object.fromEntries(entries);
}

function isCelInteger(value: number, schema: StructuralSchema | undefined): boolean {
  return schema?.type === "integer" || (schema?.type !== "number" && Number.isInteger(value));
}
