import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { conditionSchema } from "../../crds/schema.ts";
import { type ConditionUpdate, findCondition, isTrue, withCondition, withConditions } from "../../domain/conditions.ts";
import { anyInstant, at } from "../support/domain-values.ts";

function update(fields: Partial<ConditionUpdate> = {}): ConditionUpdate {
  return { type: "Ready", status: "True", reason: "InService", message: "serves clients", ...fields };
}

describe("a condition", () => {
  it("is added with the time at which it came to hold", () => {
    expect(withCondition([], update(), at(1_500))).toEqual([
      { ...update(), lastTransitionTime: "2026-01-01T00:00:01Z" },
    ]);
  });

  it.each([
    ["keeps its time while its status stays, whatever is said", update({ reason: "Other", message: "else" }), "00:00Z"],
    ["takes the new time when its status changes", update({ status: "False" }), "00:09Z"],
    ["takes the new time when it becomes unknown", update({ status: "Unknown" }), "00:09Z"],
  ] as const)("%s", (_name, next, time) => {
    const [condition] = withCondition(withCondition([], update(), at(0)), next, at(9_000));
    expect(condition).toEqual({ ...next, lastTransitionTime: `2026-01-01T00:${time}` });
  });

  it("says of which generation it speaks", () => {
    const [condition] = withCondition([], update({ observedGeneration: 3 }), at(0));
    expect(condition?.observedGeneration).toBe(3);
  });

  it("loses the end of a message that no status takes, not the status", () => {
    const [condition] = withCondition([], update({ message: `${"a".repeat(4_095)}🎬🎬` }), at(0));
    expect(conditionSchema.safeParse(condition).success).toBe(true);
    expect(condition?.message.isWellFormed()).toBe(true);
  });
});

describe("a list of conditions", () => {
  const list = withConditions([], [update(), update({ type: "Launched", status: "False" })], at(0));

  it("is sorted by type", () => {
    expect(list.map(({ type }) => type)).toEqual(["Launched", "Ready"]);
  });

  it("tells what is true, and what it does not know is not", () => {
    expect(isTrue(list, "Ready")).toBe(true);
    expect(isTrue(list, "Launched")).toBe(false);
    expect(isTrue(list, "Absent")).toBe(false);
    expect(isTrue(undefined, "Ready")).toBe(false);
    expect(isTrue(withCondition(list, update({ status: "Unknown" }), at(1)), "Ready")).toBe(false);
    expect(findCondition(undefined, "Ready")).toBeUndefined();
  });

  const anyUpdate = fc.record({
    type: fc.constantFrom("A", "B", "C", "D"),
    status: fc.constantFrom("True", "False", "Unknown"),
    reason: fc.constantFrom("One", "Two"),
    message: fc.string(),
  });

  it("has each type once, the others as they were, and is the same when told the same again", () => {
    fc.assert(
      fc.property(fc.array(anyUpdate), anyUpdate, anyInstant, anyInstant, (updates, next, time, later) => {
        const before = withConditions([], updates, time);
        const after = withCondition(before, next, later);
        expect(new Set(after.map(({ type }) => type)).size).toBe(after.length);
        expect(after.filter(({ type }) => type !== next.type)).toEqual(before.filter(({ type }) => type !== next.type));
        expect(withCondition(after, next, at(999_000))).toEqual(after);
      }),
    );
  });
});
