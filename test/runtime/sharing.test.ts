import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { shared } from "../../runtime/sharing.ts";

const leaf = fc.constantFrom("a", "b", "", 0, 1, true, null, undefined);
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("x", "y", "__proto__"), tie("value"), { noNullPrototype: true }),
  ),
}));

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

function cloneOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneOf);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cloneOf(part)]));
}

describe("sharing", () => {
  it("says what the value says, and changes neither", () => {
    fc.assert(
      fc.property(anyValue, anyValue, (value, like) => {
        const before = cloneOf(value);
        expect(shared(frozen(value), frozen(like))).toStrictEqual(before);
      }),
    );
  });

  it("gives what is equal from there", () => {
    fc.assert(fc.property(anyValue, (value) => expect(shared(cloneOf(value), value)).toBe(value)));
  });

  it("shares equal parts of what differs", () => {
    const like = { name: "a", spec: { image: "one", zones: ["x", "y"] }, status: { phase: "Running" } };
    const result = shared(
      { name: "b", spec: { image: "one", zones: ["x", "y"] }, status: { phase: "InService" } },
      like,
    );
    expect(result).toEqual({ name: "b", spec: like.spec, status: { phase: "InService" } });
    expect(result.spec).toBe(like.spec);
  });

  it("tells a field that is undefined from one that is missing", () => {
    expect(shared<unknown>({ a: undefined }, { b: undefined })).toStrictEqual({ a: undefined });
    expect(shared<unknown>({ a: undefined }, {})).toStrictEqual({ a: undefined });
    expect(shared<unknown>([], {})).toStrictEqual([]);
  });
});
