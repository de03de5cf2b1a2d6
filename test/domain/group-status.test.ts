import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { conditionReasons } from "../../crds/names.ts";
import { nodeGroupStatusSchema } from "../../crds/node-group.ts";
import { findCondition } from "../../domain/conditions.ts";
import { type Decided, type GroupFacts, groupStatus } from "../../domain/group-status.ts";
import type { References } from "../../domain/references.ts";
import { decideScaling, type ScalingInput } from "../../domain/scaling.ts";
import { anyRole, at } from "../support/domain-values.ts";
import { launchConfig, scalePolicy } from "../support/resources.ts";

type InputFields = Partial<Omit<ScalingInput, "counts">> & { readonly counts?: Partial<ScalingInput["counts"]> };

function decided({ counts, ...fields }: InputFields = {}): Decided {
  const input = {
    role: "edge",
    region: "region-a",
    minLimit: 2,
    maxLimit: 4,
    deleting: false,
    everythingPaused: false,
    resolved: true,
    adopted: true,
    ...fields,
    counts: { inService: 0, starting: 0, draining: 0, terminating: 0, ...counts },
  } satisfies ScalingInput;
  return { input, decision: decideScaling(input) };
}

const resolved: References = {
  kind: "Resolved",
  launchConfig: launchConfig(),
  scalePolicy: scalePolicy(),
  platform: "simulated",
};

function facts(fields: Partial<GroupFacts> = {}): GroupFacts {
  return {
    generation: 7,
    deleting: false,
    references: resolved,
    pause: { kind: "NotPaused" },
    decided: [decided({ counts: { inService: 2 } })],
    failingLaunches: [],
    unread: [],
    ...fields,
  };
}

function conditionOf(type: string, fields: Partial<GroupFacts>) {
  return findCondition(groupStatus(facts(fields), [], at(0)).conditions, type);
}

describe("a group in a line", () => {
  it("counts each role over its regions as in service of desired", () => {
    const { summary } = groupStatus(
      facts({
        decided: [
          decided({ role: "origin", minLimit: 1, maxLimit: 1, counts: { inService: 1 } }),
          decided({ counts: { inService: 1, starting: 1 } }),
          decided({ region: "region-b", counts: { inService: 3 } }),
        ],
      }),
      [],
      at(0),
    );
    expect(summary).toEqual({ origins: "1/1", edges: "4/5", relays: "0/0", transcoders: "0/0", load: "-" });
  });

  it("wants nothing any more while it is deleted", () => {
    const { summary } = groupStatus(
      facts({ deleting: true, decided: [decided({ deleting: true, counts: { inService: 2 } })] }),
      [],
      at(0),
    );
    expect(summary?.edges).toBe("2/0");
  });
});

describe("a group in a table", () => {
  it("shows limits, counts and the decision of each role and region", () => {
    expect(groupStatus(facts(), [], at(0)).roles).toEqual([
      {
        role: "edge",
        region: "region-a",
        minLimit: 2,
        maxLimit: 4,
        desired: 2,
        inService: 2,
        starting: 0,
        draining: 0,
        terminating: 0,
        decision: "Hold",
        reason: "MinimumMet",
        message: "2 edge nodes in region-a (2 in service), minimum 2, maximum 4",
      },
    ]);
  });
});

const missing: References = { kind: "NotFound", message: "LaunchConfig live does not exist" };
const unexamined: References = { kind: "NotExamined", message: "ScalePolicy live has not been examined yet" };
const everything = { kind: "EverythingPaused", until: undefined, reason: "a big match" } as const;

describe("the conditions of a group", () => {
  it.each([
    ["ReferencesResolved", "True Resolved", {}],
    ["ReferencesResolved", "False NotFound", { references: missing }],
    ["ReferencesResolved", "Unknown NotExamined", { references: unexamined }],
    ["Adopted", "True ListingRead", {}],
    ["Adopted", "Unknown NotResolved", { references: missing }],
    ["Adopted", "False AwaitingListing", { unread: [{ region: "region-a", error: undefined }] }],
    [
      "Adopted",
      "False ListingFailed",
      {
        unread: [
          { region: "region-a", error: undefined },
          { region: "region-b", error: "no answer" },
        ],
      },
    ],
    ["Paused", "False NotPaused", {}],
    ["Paused", "False PauseEnded", { pause: { kind: "PauseEnded", until: at(0) } }],
    ["Paused", "True ScalingPaused", { pause: { ...everything, kind: "ScalingPaused" } }],
    ["Paused", "True EverythingPaused", { pause: everything }],
    ["AtMaximum", "False WithinLimits", {}],
    ["AtMaximum", "True AboveMaximum", { decided: [decided({ counts: { inService: 5 } })] }],
    ["AtMaximum", "True MaximumReached", { decided: [decided({ maxLimit: 2, counts: { draining: 2 } })] }],
    ["LaunchesFailing", "False NoFailure", {}],
    ["LaunchesFailing", "True LaunchFailed", { failingLaunches: ["live-edge-b1: attempt 1 failed"] }],
    ["MinimumMet", "True Met", {}],
    ["MinimumMet", "True Met", { decided: [] }],
    ["MinimumMet", "Unknown NotResolved", { references: missing }],
    ["MinimumMet", "False Launching", { decided: [decided({ counts: { inService: 1 } })] }],
    ["MinimumMet", "False AwaitingNodes", { decided: [decided({ counts: { inService: 1, starting: 1 } })] }],
    ["MinimumMet", "False AtMaximum", { decided: [decided({ maxLimit: 2, counts: { draining: 2 } })] }],
    ["MinimumMet", "False LaunchesFailing", { decided: [decided()], failingLaunches: ["live-edge-b1"] }],
    ["MinimumMet", "False Paused", { decided: [decided()], failingLaunches: ["live-edge-b1"], pause: everything }],
    ["Ready", "True MinimumMet", {}],
    ["Ready", "True MinimumMet", { pause: everything }],
    ["Ready", "False BelowMinimum", { decided: [decided()] }],
    ["Ready", "False NotResolved", { references: missing }],
    ["Ready", "Unknown NotResolved", { references: unexamined }],
    ["Ready", "False Deleting", { deleting: true, references: missing }],
  ] as const)("%s is %s", (type, expected, fields) => {
    const condition = conditionOf(type, fields);
    expect(`${condition?.status ?? ""} ${condition?.reason ?? ""}`).toBe(expected);
    expect(condition?.observedGeneration).toBe(7);
  });

  it.each([
    ["ReferencesResolved", /LaunchConfig live does not exist/, { references: missing }],
    ["Ready", /LaunchConfig live does not exist/, { references: missing }],
    ["Adopted", /region-b .*no answer/, { unread: [{ region: "region-b", error: "no answer" }] }],
    [
      "MinimumMet",
      /^1 of 2 edge in service in region-b$/,
      {
        decided: [decided({ counts: { inService: 2 } }), decided({ region: "region-b", counts: { inService: 1 } })],
      },
    ],
    ["Paused", /until 2026-01-01T00:00:09.000Z \(a big match\)/, { pause: { ...everything, until: at(9_000) } }],
    ["Paused", /there is nothing it would do/, { pause: everything }],
    ["Paused", /would launch 2$/, { pause: everything, decided: [decided({ everythingPaused: true })] }],
    ["LaunchesFailing", /b1.*; .*b2/, { failingLaunches: ["live-edge-b1", "live-edge-b2"] }],
  ] as const)("%s says %s", (type, said, fields) => {
    expect(conditionOf(type, fields)?.message).toMatch(said);
  });

  it("keep their times, and those of others, while nothing changes", () => {
    const foreign = {
      type: "Zoned",
      status: "True",
      reason: "Other",
      message: "",
      lastTransitionTime: "2025-01-01T00:00:00Z",
    } as const;
    const before = groupStatus(facts(), [foreign], at(0));
    expect(before.conditions).toContainEqual(foreign);
    expect(groupStatus(facts(), before.conditions ?? [], at(99_000))).toEqual(before);
  });
});

const long = fc.string({ unit: "binary", minLength: 0, maxLength: 20 }).map((text) => text.repeat(400));
const count = fc.nat({ max: 9_999 });
const anyDecided = fc
  .record({
    role: anyRole,
    region: fc.constantFrom("region-a", "a".repeat(40)),
    limits: fc.tuple(count, count),
    counts: fc.record({ inService: count, starting: count, draining: count, terminating: count }),
    deleting: fc.boolean(),
    everythingPaused: fc.boolean(),
    resolved: fc.boolean(),
    adopted: fc.boolean(),
  })
  .map(({ limits, ...rest }) => decided({ ...rest, minLimit: Math.min(...limits), maxLimit: Math.max(...limits) }));
const anyFacts: fc.Arbitrary<GroupFacts> = fc.record({
  generation: count,
  deleting: fc.boolean(),
  references: fc.oneof(
    fc.constant(resolved),
    fc.record({ kind: fc.constantFrom("NotFound", "NotExamined", "Invalid"), message: long }),
  ),
  pause: fc.oneof(
    fc.constant({ kind: "NotPaused" } as const),
    fc.record({ kind: fc.constantFrom("ScalingPaused", "EverythingPaused"), until: fc.constant(at(0)), reason: long }),
  ),
  decided: fc.array(anyDecided, { maxLength: 64 }),
  failingLaunches: fc.array(long, { maxLength: 3 }),
  unread: fc.array(fc.record({ region: fc.constant("region-a"), error: fc.option(long, { nil: undefined }) }), {
    maxLength: 2,
  }),
});

describe("the status of a group, for any facts", () => {
  it("is one that the API server takes, however long the words of others are", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        expect(nodeGroupStatusSchema.safeParse(groupStatus(given, [], at(0))).error).toBeUndefined();
      }),
    );
  });

  it("has every condition, each with a documented reason", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { conditions = [] } = groupStatus(given, [], at(0));
        expect(conditions.map(({ type }) => type)).toEqual(Object.keys(conditionReasons.NodeGroup).sort());
        const documented: Readonly<Record<string, readonly string[]>> = conditionReasons.NodeGroup;
        for (const { type, reason } of conditions) expect(documented[type]).toContain(reason);
      }),
    );
  });

  it("is ready only when the references are resolved and each minimum is in service", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const met = given.decided.every(({ input }) => input.counts.inService >= input.minLimit);
        const status = findCondition(groupStatus(given, [], at(0)).conditions, "Ready")?.status;
        expect(status === "True").toBe(met && given.references.kind === "Resolved" && !given.deleting);
      }),
    );
  });
});
