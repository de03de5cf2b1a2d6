import { describe, expect, it } from "@jest/globals";
import { type LaunchBatch, launchBatchSpecSchema } from "../../../crds/launch-batch.ts";
import { isSettled, openSlots } from "../../../domain/launch/batch.ts";
import { withCondition } from "../../../domain/conditions.ts";
import { at } from "../../support/domain-values.ts";
import { fullValue, schemaOf } from "../../support/crd-schema.ts";

const spec = {
  ...launchBatchSpecSchema.parse(fullValue(schemaOf("LaunchBatch").properties?.["spec"] ?? { type: "object" })),
  slots: [3, 4, 5],
};

type Members = NonNullable<NonNullable<LaunchBatch["status"]>["members"]>;

describe("the open slots of a batch", () => {
  it.each<readonly [string, Members | undefined, readonly number[]]>([
    ["are all of them before it has a status", undefined, [3, 4, 5]],
    ["are all of them before any is settled", [], [3, 4, 5]],
    ["are those that have no machine", [{ slot: 4, providerId: "m-1", outcome: "Launched" }], [3, 5]],
    [
      "are none that was given up or that another batch holds",
      [
        { slot: 3, outcome: "Abandoned" },
        { slot: 5, outcome: "Taken" },
      ],
      [4],
    ],
  ])("%s", (_name, members, expected) => {
    expect(openSlots({ spec, status: members && { members } })).toEqual(expected);
  });
});

describe("a batch", () => {
  it.each([
    ["True", true],
    ["False", false],
    ["Unknown", false],
  ] as const)("whose condition Complete is %s is settled: %s", (status, settled) => {
    const complete = { type: "Complete", status, reason: "AllLaunched", message: "" };
    expect(isSettled({ status: { conditions: [...withCondition([], complete, at(0))] } })).toBe(settled);
  });

  it("that nobody has looked at is not", () => {
    expect(isSettled({})).toBe(false);
  });
});
