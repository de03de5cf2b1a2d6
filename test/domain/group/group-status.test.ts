import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { conditionReasons } from "../../../crds/names.ts";
import { nodeGroupStatusSchema } from "../../../crds/node-group.ts";
import { findCondition } from "../../../domain/conditions.ts";
import { type GroupFacts, groupStatus, roundedLoad, type ShownPlace } from "../../../domain/group/group-status.ts";
import type { References } from "../../../domain/group/references.ts";
import { decideScaling, type ScalingInput } from "../../../domain/scaling/decide-scaling.ts";
import {
  anyScalingInput,
  at,
  knownLoad,
  scaleInAlarm,
  scaleOutAlarm,
  scalingInput,
  type ScalingInputFields,
} from "../../support/domain-values.ts";
import { launchConfig, scalePolicy } from "../../support/resources.ts";

type Shown = Partial<Pick<ShownPlace, "anchors" | "shownLoad">>;

function shown(input: ScalingInput, { anchors = {}, shownLoad }: Shown = {}): ShownPlace {
  return { input, decision: decideScaling(input), anchors, shownLoad };
}

function decided(fields: ScalingInputFields = {}, how: Shown = {}): ShownPlace {
  return shown(scalingInput(fields), how);
}

/** Ten edges that may be forty, with so many connections and the alarm that scales out in ALARM. */
function busy(connections: number, fields: ScalingInputFields = {}, how: Shown = {}): ShownPlace {
  const load = knownLoad({ nodes: 10, connections });
  return decided({ maxLimit: 40, counts: { inService: 10 }, load, alarms: [scaleOutAlarm()], ...fields }, how);
}

/** Three edges that nobody uses, with the alarm that scales in in ALARM. */
function idle(fields: ScalingInputFields = {}): ShownPlace {
  return decided({ counts: { inService: 3 }, load: knownLoad({ nodes: 3 }), alarms: [scaleInAlarm()], ...fields });
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
    shownLoad: undefined,
    failingLaunches: [],
    unread: [],
    ...fields,
  };
}

function conditionOf(type: string, fields: Partial<GroupFacts>) {
  return findCondition(groupStatus(facts(fields), undefined, at(0)).conditions, type);
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
      undefined,
      at(0),
    );
    expect(summary).toEqual({ origins: "1/1", edges: "4/5", relays: "0/0", transcoders: "0/0", load: "-" });
  });

  it("wants nothing any more while it is deleted", () => {
    const { summary } = groupStatus(
      facts({ deleting: true, decided: [decided({ deleting: true, counts: { inService: 2 } })] }),
      undefined,
      at(0),
    );
    expect(summary?.edges).toBe("2/0");
  });
});

describe("a group in a table", () => {
  it("shows limits, counts and the decision of each role and region", () => {
    expect(groupStatus(facts(), undefined, at(0)).roles).toEqual([
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

  it("shows the load and the anchors of the waits where there are any", () => {
    const anchors = { scaledOutAt: at(0), settledAt: at(60_500) };
    const { roles = [], summary } = groupStatus(
      facts({ decided: [decided({}, { anchors, shownLoad: "45%" })], shownLoad: "50%" }),
      undefined,
      at(0),
    );
    expect(roles[0]).toMatchObject({
      load: "45%",
      scaledOutAt: "2026-01-01T00:00:00.000Z",
      settledAt: "2026-01-01T00:01:00.500Z",
    });
    expect(summary?.load).toBe("50%");
  });

  it.each([
    [0, "0%"],
    [42, "40%"],
    [43, "45%"],
    [47, "45%"],
    [120, "120%"],
  ])("shows a load of %i % as %s", (connections, expected) => {
    expect(roundedLoad({ connections, capacity: 100 })).toBe(expected);
  });

  it("shows no load where nothing could bear any", () => {
    expect(roundedLoad({ connections: 0, capacity: 0 })).toBe("-");
  });
});

describe("what is shown while the numbers in a sentence change", () => {
  const full = { maxLimit: 10 };
  const before = groupStatus(facts({ decided: [busy(800, full, { shownLoad: "80%" })] }), undefined, at(0));
  const messageOf = (...places: ShownPlace[]) => groupStatus(facts({ decided: places }), before, at(5_000)).roles?.[0];

  it("stays as it is, for each report would cost a write", () => {
    const after = groupStatus(facts({ decided: [busy(801, full, { shownLoad: "80%" })] }), before, at(5_000));
    expect(after).toEqual(before);
    expect(findCondition(after.conditions, "AtMaximum")?.message).toContain("800 of 1000");
  });

  it.each([
    ["the load that is shown", busy(840, full, { shownLoad: "85%" }), "840 of 1000"],
    ["a count", busy(840, { ...full, counts: { inService: 10, terminating: 1 } }, { shownLoad: "80%" }), "840 of 1000"],
    ["a limit", busy(840, { maxLimit: 10, minLimit: 3 }, { shownLoad: "80%" }), "840 of 1000"],
    ["the decision", busy(840, {}, { shownLoad: "80%" }), "840 of 1000"],
    [
      "the alarm",
      busy(840, { ...full, alarms: [scaleOutAlarm({ name: "other" })] }, { shownLoad: "80%" }),
      "other in ALARM: 840 of 1000",
    ],
  ])("changes with %s", (_name, place, said) => {
    expect(messageOf(place)?.message).toContain(said);
  });

  it.each([
    [
      "how many would be launched",
      busy(640, { pause: "Everything" }),
      busy(661, { pause: "Everything" }),
      /would launch 2$/,
    ],
    [
      "the time until which something holds",
      idle({ load: knownLoad({ nodes: 3, observedSince: at(0) }) }),
      idle({ load: knownLoad({ nodes: 3, observedSince: at(1_000) }) }),
      /until 2026-01-01T00:05:01Z$/,
    ],
  ])("changes with %s", (_name, first, second, said) => {
    const told = groupStatus(facts({ decided: [first] }), undefined, at(0));
    expect(groupStatus(facts({ decided: [second] }), told, at(0)).roles?.[0]?.message).toMatch(said);
  });
});

const missing: References = { kind: "NotFound", message: "LaunchConfig live does not exist" };
const unexamined: References = { kind: "NotExamined", message: "ScalePolicy live has not been examined yet" };
const everything = { kind: "EverythingPaused", until: undefined, reason: "a big match" } as const;

function full(region: string): ShownPlace {
  return busy(900, { region, maxLimit: 10 });
}

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
    ["AtMaximum", "True AboveMaximum", { decided: [decided({ counts: { inService: 5, draining: 1 } })] }],
    ["AtMaximum", "True MaximumReached", { decided: [decided(), busy(900, { maxLimit: 10 })] }],
    ["AtMaximum", "True MaximumReached", { decided: [busy(900, { maxLimit: 11 })] }],
    ["AtMinimum", "False WithinLimits", { decided: [idle()] }],
    ["AtMinimum", "True MinimumReached", { decided: [decided(), idle({ minLimit: 3 })] }],
    ["ScalingActive", "True LoadKnown", { decided: [idle()] }],
    ["ScalingActive", "True LoadKnown", { decided: [idle(), decided({ alarms: [scaleInAlarm()] })] }],
    ["ScalingActive", "False NoAlarms", { decided: [idle({ alarms: [] })] }],
    ["ScalingActive", "False NoData", { decided: [decided({ alarms: [scaleInAlarm()] })] }],
    ["ScalingActive", "False NoData", { decided: [idle(), idle({ load: { kind: "Unknown", nodes: 3 } })] }],
    ["ScalingActive", "False ScalingPaused", { pause: { ...everything, kind: "ScalingPaused" } }],
    ["ScalingActive", "False EverythingPaused", { pause: everything }],
    ["ScalingActive", "False NotResolved", { references: missing }],
    ["ScalingActive", "Unknown NotResolved", { references: unexamined }],
    ["ScalingActive", "False Deleting", { deleting: true }],
    ["ScalingLimited", "False NotLimited", { decided: [busy(900), idle()] }],
    ["ScalingLimited", "False NotLimited", { decided: [busy(900, { maxLimit: 11 })] }],
    ["ScalingLimited", "True CapacityComing", { decided: [idle(), busy(500)] }],
    ["ScalingLimited", "True OperationInProgress", { decided: [idle({ counts: { inService: 3, starting: 1 } })] }],
    [
      "ScalingLimited",
      "True CoolingDown",
      { decided: [busy(900, { behavior: { mode: "Rigid" }, scaledOutAt: at(0) })] },
    ],
    ["ScalingLimited", "True AwaitingAlarm", { decided: [idle({ behavior: { scaleInWaitMs: 86_400_000 } })] }],
    ["ScalingLimited", "True Stabilizing", { decided: [idle({ behavior: { stabilizationMs: 172_800_000 } })] }],
    ["ScalingLimited", "True LoadTooHigh", { decided: [idle({ load: knownLoad({ nodes: 3, connections: 299 }) })] }],
    ["ScalingLimited", "True NoVictim", { decided: [idle({ noVictim: true })] }],
    ["ScalingLimited", "True ScaleAdjustment", { decided: [busy(900, { behavior: { scaleAdjustment: 2 } })] }],
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
      /^1 of 2 edges in service in region-b$/,
      {
        decided: [decided({ counts: { inService: 2 } }), decided({ region: "region-b", counts: { inService: 1 } })],
      },
    ],
    ["Paused", /until 2026-01-01T00:00:09.000Z \(a big match\)/, { pause: { ...everything, until: at(9_000) } }],
    ["Paused", /there is nothing it would do/, { pause: everything }],
    ["Paused", /would launch 2$/, { pause: everything, decided: [decided({ pause: "Everything" })] }],
    [
      "Paused",
      /the minimum still holds: scaling is paused; .* 900 of 1000 .*: would launch 5$/,
      { pause: { ...everything, kind: "ScalingPaused" }, decided: [busy(900, { pause: "Scaling" })] },
    ],
    [
      "Paused",
      /would drain 1$/,
      { pause: { ...everything, kind: "ScalingPaused" }, decided: [idle({ pause: "Scaling" })] },
    ],
    ["ScalingActive", /edge in region-a: unknown$/, { decided: [idle({ load: { kind: "Unknown", nodes: 3 } })] }],
    [
      "ScalingLimited",
      /takes 5 more, 2 in a step: launching 2$/,
      { decided: [busy(900, { behavior: { scaleAdjustment: 2 } })] },
    ],
    ["AtMaximum", /region-a .*; .* region-b /, { decided: [full("region-a"), full("region-b")] }],
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
    const before = groupStatus(facts(), { conditions: [foreign] }, at(0));
    expect(before.conditions).toContainEqual(foreign);
    expect(groupStatus(facts(), before, at(99_000))).toEqual(before);
  });
});

describe("a list of sentences that is too long for a status", () => {
  it("ends with how many more there are, and cuts none", () => {
    const places = Array.from({ length: 64 }, (_, position) => full(`region-${position}`));
    const { conditions } = groupStatus(facts({ decided: places }), undefined, at(0));
    const { message = "" } = findCondition(conditions, "AtMaximum") ?? {};
    const said = message.split(/no room under the maximum(?:; |$)/);
    expect(said.at(-1)).toBe(`and ${64 - (said.length - 1)} more`);
    expect(message.length).toBeLessThanOrEqual(4_096);
  });
});

const long = fc.string({ unit: "binary", minLength: 0, maxLength: 20 }).map((text) => text.repeat(400));
const count = fc.nat({ max: 9_999 });
const anyAnchors = fc.constantFrom<ShownPlace["anchors"]>(
  {},
  { scaledOutAt: at(0) },
  { scaledOutAt: at(0), settledAt: at(1) },
);
const anyDecided = fc
  .tuple(anyScalingInput, fc.constantFrom("region-a", "a".repeat(40)), anyAnchors)
  .map(([input, region, anchors]) => shown({ ...input, region }, { anchors, shownLoad: "5%" }));
const writtenFacts: fc.Arbitrary<GroupFacts> = fc.record({
  generation: count,
  deleting: fc.boolean(),
  orphaning: fc.boolean(),
  trustBatch: fc.boolean(),
  references: fc.oneof(
    fc.constant(resolved),
    fc.record({ kind: fc.constantFrom("NotFound", "NotExamined", "Invalid"), message: long }),
  ),
  pause: fc.oneof(
    fc.constant({ kind: "NotPaused" } as const),
    fc.record({ kind: fc.constantFrom("ScalingPaused", "EverythingPaused"), until: fc.constant(at(0)), reason: long }),
  ),
  decided: fc.array(anyDecided, { maxLength: 64 }),
  shownLoad: fc.constantFrom(undefined, "5%"),
  failingLaunches: fc.array(long, { maxLength: 3 }),
  unread: fc.array(fc.record({ region: fc.constant("region-a"), error: fc.option(long, { nil: undefined }) }), {
    maxLength: 2,
  }),
});
const anyFacts: fc.Arbitrary<GroupFacts> = fc.oneof(
  writtenFacts,
  fc
    .tuple(writtenFacts, fc.record({ since: fc.constant(at(0)), reason: long }))
    .map(([facts, unwritten]) => ({ ...facts, unwritten })),
);

describe("the status of a group, for any facts", () => {
  it("is one that the API server takes, however long the words of others are", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        expect(nodeGroupStatusSchema.safeParse(groupStatus(given, undefined, at(0))).error).toBeUndefined();
      }),
    );
  });

  it("has every condition, each with a documented reason", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const { conditions = [] } = groupStatus(given, undefined, at(0));
        const all = Object.keys(conditionReasons.NodeGroup).sort();
        // The one that is absent unless its state is there.
        const isSo: Readonly<Record<string, boolean>> = {
          Orphaned: given.orphaning === true,
          NodesProven: given.trustBatch === true,
          HistoryWritten: given.unwritten !== undefined,
        };
        const expected = all.filter((type) => isSo[type] ?? true);
        expect(conditions.map(({ type }) => type)).toEqual(expected);
        const documented: Readonly<Record<string, readonly string[]>> = conditionReasons.NodeGroup;
        for (const { type, reason } of conditions) expect(documented[type]).toContain(reason);
      }),
    );
  });

  it("says that what is decided is not recorded, for as long as that is so", () => {
    fc.assert(
      fc.property(writtenFacts, (given) => {
        const find = (status: ReturnType<typeof groupStatus>) =>
          status.conditions?.find(({ type }) => type === "HistoryWritten");
        const failing = groupStatus(
          { ...given, unwritten: { since: at(0), reason: "the disk is full" } },
          undefined,
          at(0),
        );
        expect(find(failing)).toMatchObject({
          status: "False",
          message: "what is decided is not recorded since 2026-01-01T00:00:00Z: the disk is full",
        });
        expect(find(groupStatus(given, failing, at(1)))).toBeUndefined();
      }),
    );
  });

  it("is ready only when the references are resolved and each minimum is in service", () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const met = given.decided.every(({ input }) => input.counts.inService >= input.minLimit);
        const status = findCondition(groupStatus(given, undefined, at(0)).conditions, "Ready")?.status;
        expect(status === "True").toBe(met && given.references.kind === "Resolved" && !given.deleting);
      }),
    );
  });
});
