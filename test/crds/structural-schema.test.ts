import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { listMap, listSet, withRules } from "../../crds/schema.ts";
import { structuralSchema } from "../../crds/structural-schema.ts";

interface Tree {
  readonly children: readonly Tree[];
}

const tree: z.ZodType<Tree> = z.object({
  get children() {
    return z.array(tree);
  },
});

describe("a structural schema", () => {
  it.each<readonly [string, z.ZodType, object]>([
    ["a text with its bounds", z.string().min(1).max(9), { type: "string", minLength: 1, maxLength: 9 }],
    ["a whole number without JavaScript's own bounds", z.int(), { type: "integer", format: "int64" }],
    ["a whole number with bounds", z.int().min(0).max(9), { type: "integer", format: "int64", minimum: 0, maximum: 9 }],
    ["words", z.enum(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    ["a list", z.array(z.boolean()).max(2), { type: "array", items: { type: "boolean" }, maxItems: 2 }],
    [
      "a map",
      z.record(z.string(), z.string().max(3)),
      { type: "object", additionalProperties: { type: "string", maxLength: 3 } },
    ],
    [
      "a map of known keys",
      z.partialRecord(z.enum(["a"]), z.boolean()),
      { type: "object", additionalProperties: { type: "boolean" } },
    ],
    [
      "an object, whose fields with a default may be left out",
      z.object({ a: z.boolean(), b: z.boolean().default(true), c: z.boolean().optional() }),
      {
        type: "object",
        required: ["a"],
        properties: { a: { type: "boolean" }, b: { type: "boolean", default: true }, c: { type: "boolean" } },
      },
    ],
    [
      "an object that knows its fields, which the API server checks by itself",
      z.strictObject({ a: z.boolean() }),
      { type: "object", required: ["a"], properties: { a: { type: "boolean" } } },
    ],
    [
      "the operator's own marks",
      listMap(z.array(z.object({ a: z.string() })), "a"),
      {
        type: "array",
        items: { type: "object", required: ["a"], properties: { a: { type: "string" } } },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["a"],
      },
    ],
    [
      "a set with rules and a description",
      withRules(listSet(z.array(z.string())), { rule: "true", message: "m" }).describe("d"),
      {
        type: "array",
        items: { type: "string" },
        description: "d",
        "x-kubernetes-list-type": "set",
        "x-kubernetes-validations": [{ rule: "true", message: "m" }],
      },
    ],
  ])("has a place for %s", (_name, schema, expected) => {
    expect(structuralSchema(schema)).toEqual(expected);
  });

  it.each<readonly [string, z.ZodType, RegExp]>([
    ["a union", z.object({ a: z.union([z.string(), z.int()]) }), /\$\.a: .*anyOf/],
    ["what may be null", z.object({ a: z.string().nullable() }), /\$\.a: .*nullable/],
    ["anything", z.array(z.unknown()), /\$\[\]: a structural schema needs one type/],
    ["anything in a map", z.record(z.string(), z.unknown()), /\$\{\}: a structural schema needs one type/],
    ["a bound that is left out", z.object({ a: z.number().gt(0) }), /\$\.a: .*exclusiveMinimum/],
    ["a list of fixed places", z.tuple([z.string()]), /\$/],
    ["a pattern that looks ahead", z.object({ a: z.string().regex(/^(?=a)/) }), /\$\.a: the pattern is not RE2/],
    ["a pattern that looks behind", z.string().regex(/(?<!a)b/), /\$: the pattern is not RE2/],
    ["a pattern that refers back", z.string().regex(/(a)\1/), /\$: the pattern is not RE2/],
    ["a date, which JSON has not", z.date(), /date/i],
    ["a schema that contains itself", tree, /cycle/i],
  ])("has none for %s, and says where", (_name, schema, says) => {
    expect(() => structuralSchema(schema)).toThrow(says);
  });
});
