import { describe, expect, it } from "@jest/globals";
import { decideScaling } from "../../../domain/scaling/decide-scaling.ts";
import {
  at,
  knownLoad,
  scaleInAlarm,
  scaleOutAlarm,
  scalingInput,
  type ScalingInputFields,
} from "../../support/domain-values.ts";

type LoadFields = Parameters<typeof knownLoad>[0];

/** Edges in service with room to grow and to shrink, their load known. */
function serving(nodes: number, load: LoadFields = {}, fields: ScalingInputFields = {}) {
  const { counts, ...rest } = fields;
  return scalingInput({
    minLimit: 1,
    maxLimit: 40,
    load: knownLoad({ nodes, ...load }),
    counts: { inService: nodes, ...counts },
    ...rest,
  });
}

/** So many connections on so many nodes, with the default alarm that scales out in ALARM. */
function busy(nodes: number, connections: number, fields: ScalingInputFields = {}) {
  return serving(nodes, { connections }, { alarms: [scaleOutAlarm()], ...fields });
}

/** The same with the default alarm that scales in in ALARM, and the other one not. */
function idle(nodes: number, load: LoadFields = {}, fields: ScalingInputFields = {}) {
  return serving(nodes, load, { alarms: [scaleOutAlarm({ inAlarm: false }), scaleInAlarm()], ...fields });
}

const rigid = { mode: "Rigid" } as const;

describe("the minimum", () => {
  it.each([
    ["launches all of it where there is nothing", scalingInput(), { kind: "LaunchNodes", count: 2, desired: 2 }],
    [
      "launches what is missing, counting nodes that start",
      scalingInput({ minLimit: 4, counts: { inService: 1, starting: 2 } }),
      { kind: "LaunchNodes", count: 1, desired: 4, reason: "BelowMinimum" },
    ],
    [
      "replaces a node that drains while the maximum has room for both",
      scalingInput({ counts: { inService: 1, draining: 1 } }),
      { kind: "LaunchNodes", count: 1 },
    ],
    [
      "counts a node that terminates for nothing",
      scalingInput({ maxLimit: 2, counts: { inService: 1, terminating: 9 } }),
      { kind: "LaunchNodes", count: 1 },
    ],
    [
      "holds when it is met",
      scalingInput({ counts: { inService: 2 } }),
      { kind: "Hold", desired: 2, reason: "MinimumMet" },
    ],
    [
      "wants the nodes to stay that are above it",
      scalingInput({ counts: { inService: 3 } }),
      { kind: "Hold", desired: 3, reason: "MinimumMet" },
    ],
    ["may be nothing", scalingInput({ minLimit: 0, maxLimit: 0 }), { kind: "Hold", desired: 0, reason: "MinimumMet" }],
    [
      "goes before the alarms",
      busy(1, 100, { minLimit: 3, alarms: [scaleInAlarm(), scaleOutAlarm()] }),
      { kind: "LaunchNodes", count: 2, reason: "BelowMinimum" },
    ],
    [
      "is held by no mode, no step, no cool-down and no pause of scaling",
      scalingInput({
        pause: "Scaling",
        minLimit: 4,
        behavior: { ...rigid, scaleAdjustment: 1 },
        counts: { inService: 1, starting: 1, terminating: 1 },
        scaledOutAt: at(-1),
      }),
      { kind: "LaunchNodes", count: 2, reason: "BelowMinimum" },
    ],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject(expected);
  });
});

describe("the maximum", () => {
  it.each([
    [
      "goes before the minimum while nodes drain",
      scalingInput({ maxLimit: 2, counts: { inService: 1, draining: 1 } }),
      { kind: "Hold", desired: 2, reason: "MaximumReached" },
    ],
    [
      "cuts the launch to the room under it",
      scalingInput({ minLimit: 4, counts: { inService: 1, draining: 2 } }),
      { kind: "LaunchNodes", count: 1, limitedBy: "Maximum" },
    ],
    [
      "that was lowered drains one node, though nothing is known of the load",
      scalingInput({ minLimit: 1, maxLimit: 1, pause: "Scaling", counts: { inService: 3, starting: 1 } }),
      { kind: "DrainNode", desired: 1, reason: "AboveMaximum" },
    ],
    [
      "drains what is one over it",
      scalingInput({ minLimit: 1, maxLimit: 2, counts: { inService: 3 } }),
      { kind: "DrainNode", desired: 2, reason: "AboveMaximum" },
    ],
    [
      "drains no second one while the first drains",
      scalingInput({ minLimit: 1, maxLimit: 1, counts: { inService: 3, draining: 1 } }),
      { kind: "Hold", desired: 1, reason: "AboveMaximum" },
    ],
    [
      "or terminates",
      scalingInput({ minLimit: 1, maxLimit: 1, counts: { inService: 3, terminating: 1 } }),
      { kind: "Hold", desired: 1, reason: "AboveMaximum" },
    ],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject(expected);
  });
});

describe("what goes before the limits", () => {
  const all = { deleting: true, pause: "Everything", resolved: false, adopted: false } as const;

  it.each([
    ["a deletion", scalingInput(all), { desired: 0, reason: "Deleting" }],
    ["references that are not there", scalingInput({ ...all, deleting: false }), { reason: "NotResolved" }],
    [
      "a pause of everything",
      scalingInput({ ...all, deleting: false, resolved: true }),
      { reason: "EverythingPaused" },
    ],
    ["machines that have not been read", scalingInput({ adopted: false }), { reason: "AwaitingListing" }],
    [
      "machines that have not been read, also before an excess",
      scalingInput({ adopted: false, counts: { inService: 9 } }),
      { reason: "AwaitingListing", wouldDrain: true },
    ],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject({ kind: "Hold", ...expected });
  });

  it("says what a paused group would do, with the numbers it goes by", () => {
    const { message } = decideScaling(scalingInput({ pause: "Everything", counts: { inService: 1, draining: 1 } }));
    expect(message).toBe(
      "everything is paused; 1 edge node in region-a (1 in service, 1 draining), minimum 2, maximum 4: would launch 1",
    );
  });

  it("says of a paused group that wants nothing only what there is", () => {
    expect(decideScaling(scalingInput({ pause: "Everything", counts: { inService: 2 } })).message).not.toContain(
      "would",
    );
  });

  it("says nothing of what it would do by limits that it does not know", () => {
    expect(decideScaling(scalingInput({ resolved: false })).message).not.toContain("would");
  });
});

describe("a pause of scaling", () => {
  it.each([
    [
      "holds an alarm that scales out and says what it would launch",
      busy(10, 720, { pause: "Scaling" }),
      { reason: "ScalingPaused", wouldLaunch: 2 },
      /^scaling is paused; .* edge-scale-out in ALARM: 720 of 1000 connections are over 60 %: would launch 2$/,
    ],
    [
      "holds an alarm that scales in and says so",
      idle(3, {}, { pause: "Scaling" }),
      { reason: "ScalingPaused", wouldLaunch: 0, wouldDrain: true },
      /^scaling is paused; .* edge-scale-in in ALARM: would drain 1$/,
    ],
    [
      "holds the request of an origin",
      serving(3, {}, { pause: "Scaling", requests: [{ origin: "live-origin-0" }] }),
      { reason: "ScalingPaused", wouldDrain: true },
      /would drain 1$/,
    ],
    [
      "says why nothing would come of an alarm",
      busy(10, 600, { pause: "Scaling" }),
      { reason: "ScalingPaused", wouldLaunch: 0 },
      /600 connections are no more than 60 % of 1000$/,
    ],
    [
      "is not mentioned where nothing asks",
      serving(3, {}, { pause: "Scaling" }),
      { reason: "MinimumMet" },
      /maximum 40$/,
    ],
  ] as const)("%s", (_name, input, expected, said) => {
    const decision = decideScaling(input);
    expect(decision).toMatchObject({ kind: "Hold", ...expected });
    expect(decision.message).toMatch(said);
  });
});

describe("the shortage behind an alarm", () => {
  const coming = { counts: { starting: 2 } };
  const cpu = (value?: number, fields: ScalingInputFields = {}) =>
    serving(
      4,
      { connections: 10, ...(value !== undefined && { cpuPercent: value }) },
      { alarms: [scaleOutAlarm({ metric: "CPUUtilization" })], ...fields },
    );
  const free = (connections: number, fields: ScalingInputFields = {}) =>
    serving(2, { connections }, { alarms: [scaleOutAlarm({ metric: "FreeSlots", threshold: 50 })], ...fields });
  const egress = (fields: ScalingInputFields = {}) =>
    serving(2, { connections: 10 }, { alarms: [scaleOutAlarm({ metric: "EgressMbps", threshold: 900 })], ...fields });

  it.each([
    ["is none at exactly the threshold", busy(1, 60), "Hold CapacityComing"],
    ["is a node for one connection more", busy(1, 61), "LaunchNodes 1"],
    ["is none at a threshold that binary fractions do not hit", busy(10, 333, threshold(33.3)), "Hold CapacityComing"],
    ["is what the connections need at the threshold", busy(10, 900), "LaunchNodes 5"],
    ["counts capacity that is coming", busy(10, 900, coming), "LaunchNodes 3"],
    ["is none where enough is coming", busy(10, 720, coming), "Hold CapacityComing"],
    ["does not count what is over its warm-up", busy(10, 720, { ...coming, capacity: { coming: 0 } }), "LaunchNodes 2"],
    ["is counted in the nodes that are launched now", busy(10, 900, { capacity: { newNode: 250 } }), "LaunchNodes 2"],
    ["spreads CPU over more nodes", cpu(90), "LaunchNodes 2"],
    ["is none at exactly the CPU that is wanted", cpu(60), "Hold CapacityComing"],
    ["counts booting nodes for CPU", cpu(90, { counts: { starting: 1 } }), "LaunchNodes 1"],
    ["is none where booting nodes bring the CPU down", cpu(90, coming), "Hold CapacityComing"],
    ["is not known where no node tells its CPU", cpu(), "Hold NoData"],
    ["fills up free slots", free(199), "LaunchNodes 1"],
    ["is none where as many are free as are wanted", free(150), "Hold CapacityComing"],
    ["counts slots that are coming", free(199, { counts: { starting: 1 } }), "Hold CapacityComing"],
    ["is one node where nothing tells how many", egress(), "LaunchNodes 1"],
    ["or a step", egress({ behavior: { scaleAdjustment: 3 } }), "LaunchNodes 3"],
    ["of which some are booting", egress({ behavior: { scaleAdjustment: 3 }, ...coming }), "LaunchNodes 1"],
    ["or all", egress({ counts: { starting: 1 } }), "Hold CapacityComing"],
    [
      "of several alarms is the largest",
      serving(
        4,
        { connections: 300, cpuPercent: 90 },
        { alarms: [scaleOutAlarm({ metric: "CPUUtilization" }), scaleOutAlarm({ threshold: 30 }), scaleOutAlarm()] },
      ),
      "LaunchNodes 6",
    ],
    [
      "of one alarm holds though another has no data",
      busy(10, 900, { alarms: [scaleOutAlarm({ metric: "CPUUtilization" }), scaleOutAlarm()] }),
      "LaunchNodes 5",
    ],
    [
      "is not known to be none while one has no data",
      busy(10, 500, { alarms: [scaleOutAlarm({ metric: "CPUUtilization" }), scaleOutAlarm()] }),
      "Hold NoData",
    ],
    [
      "of an alarm that is OK is nobody's",
      busy(10, 900, { alarms: [scaleOutAlarm({ inAlarm: false })] }),
      "Hold MinimumMet",
    ],
    ["is not known while the load is not", busy(10, 0, { load: { kind: "Unknown", nodes: 10 } }), "Hold NoData"],
    [
      "cannot be met by a launch config without the role",
      busy(1, 61, { capacity: { newNode: 0 } }),
      "Hold NotResolved",
    ],
  ] as const)("%s", (_name, input, expected) => {
    const decision = decideScaling(input);
    expect(`${decision.kind} ${decision.kind === "LaunchNodes" ? decision.count : decision.reason}`).toBe(expected);
  });

  it("is told with the numbers that it follows from", () => {
    const input = busy(10, 840, { role: "edge", region: "eu-west-1", ...coming });
    expect(decideScaling(input).message).toBe(
      "12 edge nodes in eu-west-1 (10 in service), minimum 1, maximum 40; edge-scale-out in ALARM: 840 of 1000 connections and 200 coming are over 60 %: launching 2",
    );
  });
});

function threshold(percent: number): ScalingInputFields {
  return { alarms: [scaleOutAlarm({ threshold: percent })] };
}

describe("scaling out", () => {
  const wait = { scaleOutWaitMs: 60_000 };

  it.each([
    [
      "waits until the alarm has lasted",
      busy(1, 100, { alarms: [scaleOutAlarm({ since: at(-59_999) })], behavior: wait }),
      { kind: "Hold", reason: "AwaitingAlarm", until: at(1) },
    ],
    [
      "and no longer",
      busy(1, 100, { alarms: [scaleOutAlarm({ since: at(-60_000) })], behavior: wait }),
      { kind: "LaunchNodes" },
    ],
    [
      "counts only the alarms that have lasted",
      busy(1, 100, {
        alarms: [scaleOutAlarm({ since: at(-60_000), threshold: 90 }), scaleOutAlarm({ since: at(0), threshold: 10 })],
        behavior: wait,
      }),
      { kind: "LaunchNodes", count: 1 },
    ],
    [
      "stops at the maximum",
      busy(10, 900, { maxLimit: 12 }),
      { kind: "LaunchNodes", count: 2, desired: 12, limitedBy: "Maximum" },
    ],
    [
      "leaves room under the maximum for nodes that start",
      busy(10, 900, { maxLimit: 12, counts: { starting: 1 } }),
      { kind: "LaunchNodes", count: 1, desired: 12, limitedBy: "Maximum" },
    ],
    [
      "leaves room under the maximum for nodes that drain",
      busy(10, 900, { maxLimit: 12, counts: { draining: 1 } }),
      { kind: "LaunchNodes", count: 1, limitedBy: "Maximum" },
    ],
    ["holds at the maximum", busy(10, 900, { maxLimit: 10 }), { kind: "Hold", reason: "MaximumReached", desired: 10 }],
    [
      "takes no more than a step",
      busy(10, 900, { behavior: { scaleAdjustment: 2 } }),
      { kind: "LaunchNodes", count: 2, limitedBy: "ScaleAdjustment" },
    ],
    [
      "takes the next step after a look",
      busy(10, 900, { behavior: { scaleAdjustment: 2, reevaluateMs: 5_000 }, scaledOutAt: at(-4_999) }),
      { kind: "Hold", reason: "CoolingDown", until: at(1) },
    ],
    [
      "is not told to be limited where it is not",
      busy(10, 900, { behavior: { scaleAdjustment: 5 }, maxLimit: 15 }),
      { kind: "LaunchNodes", count: 5, reason: "Alarm", desired: 15 },
    ],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject(expected);
  });

  it("says nothing of a limit where there was none", () => {
    expect(decideScaling(busy(10, 900))).not.toHaveProperty("limitedBy");
  });

  it("goes on in Competitive mode whatever starts, drains or has just been launched", () => {
    const counts = { starting: 1, draining: 1, terminating: 1 };
    expect(decideScaling(busy(10, 900, { counts, scaledOutAt: at(-1) }))).toMatchObject({
      kind: "LaunchNodes",
      count: 4,
    });
  });
});

describe("scaling out in Rigid mode", () => {
  const held = (fields: ScalingInputFields = {}) =>
    busy(10, 900, { ...fields, behavior: { ...rigid, ...fields.behavior } });

  it.each([
    ["takes one node", held(), { kind: "LaunchNodes", count: 1, limitedBy: "ScaleAdjustment" }],
    ["or a step", held({ behavior: { scaleAdjustment: 3 } }), { kind: "LaunchNodes", count: 3 }],
    ["waits for a node that starts", held({ counts: { starting: 1 } }), { reason: "OperationInProgress" }],
    ["waits for a node that drains", held({ counts: { draining: 1 } }), { reason: "OperationInProgress" }],
    ["waits for a node that terminates", held({ counts: { terminating: 1 } }), { reason: "OperationInProgress" }],
    [
      "cools down after a launch",
      held({ scaledOutAt: at(-179_999) }),
      { kind: "Hold", reason: "CoolingDown", until: at(1) },
    ],
    [
      "cools down from the end of the launch",
      held({ scaledOutAt: at(-400_000), settledAt: at(-179_000) }),
      { kind: "Hold", reason: "CoolingDown", until: at(1_000) },
    ],
    [
      "is not deceived by an end that lies before the launch",
      held({ scaledOutAt: at(-1_000), settledAt: at(-400_000) }),
      { kind: "Hold", reason: "CoolingDown", until: at(179_000) },
    ],
    ["goes on when it has cooled down", held({ scaledOutAt: at(-180_000) }), { kind: "LaunchNodes", count: 1 }],
    [
      "lets the wait, the window and the alarm run at once",
      held({
        scaledOutAt: at(-180_000),
        alarms: [scaleOutAlarm({ since: at(-60_000) })],
        behavior: { scaleOutWaitMs: 60_000 },
      }),
      { kind: "LaunchNodes", count: 1 },
    ],
    [
      "says rather that the maximum is reached",
      held({ maxLimit: 10, scaledOutAt: at(-1) }),
      { reason: "MaximumReached" },
    ],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject(expected);
  });
});

describe("scaling in", () => {
  const request = { origin: "live-origin-0", node: "live-edge-3" };
  const only = (source: "Origin" | "Manager", fields: ScalingInputFields = {}) =>
    idle(3, {}, { ...fields, behavior: { edgeSources: [source] } });

  it.each([
    ["drains one node by an alarm", idle(3), { kind: "DrainNode", desired: 2, reason: "ScaleIn" }],
    ["holds where nothing asks", serving(3), { reason: "MinimumMet" }],
    [
      "yields to any alarm that scales out",
      idle(3, {}, { alarms: [scaleInAlarm(), scaleOutAlarm()] }),
      { reason: "CapacityComing" },
    ],
    [
      "waits until the alarm has lasted",
      idle(3, {}, { alarms: [scaleInAlarm({ since: at(-1) })], behavior: { scaleInWaitMs: 60_000 } }),
      { reason: "AwaitingAlarm", until: at(59_999) },
    ],
    ["never goes by an unknown load", idle(3, {}, { load: { kind: "Unknown", nodes: 3 } }), { reason: "NoData" }],
    [
      "never goes by a stale load",
      idle(3, {}, { load: { kind: "Stale", nodes: 3, staleNodes: 1, capacity: 300, staleCapacity: 100 } }),
      { reason: "NoData" },
    ],
    ["needs every node to be heard of", idle(3, { staleNodes: 1 }), { reason: "NoData" }],
    ["needs the load of the nodes that are counted", idle(3, { nodes: 2 }), { reason: "NoData" }],
    ["does not rely on a node that is not counted any more", idle(3, { nodes: 4 }), { reason: "NoData" }],
    ["needs a window without a gap", idle(3, { observedSince: at(-299_999) }), { reason: "Stabilizing", until: at(1) }],
    ["and no more than that", idle(3, { observedSince: at(-300_000) }), { kind: "DrainNode" }],
    ["waits for a node that starts", idle(3, {}, { counts: { starting: 1 } }), { reason: "OperationInProgress" }],
    ["waits for a node that drains", idle(3, {}, { counts: { draining: 1 } }), { reason: "OperationInProgress" }],
    [
      "waits for a node that terminates",
      idle(3, {}, { counts: { terminating: 1 } }),
      { reason: "OperationInProgress" },
    ],
    ["holds at the minimum", idle(3, {}, { minLimit: 3 }), { reason: "MinimumReached", desired: 3 }],
    ["goes when the rest is at the threshold", idle(3, { connections: 120 }), { kind: "DrainNode" }],
    ["holds when the rest would be over it", idle(3, { connections: 121 }), { reason: "LoadTooHigh" }],
    [
      "goes by the largest node",
      idle(3, { connections: 120 }, { capacity: { largest: 101 } }),
      { reason: "LoadTooHigh" },
    ],
    [
      "does not believe in a largest node that is below the mean",
      idle(3, { connections: 121 }, { capacity: { largest: 0 } }),
      { reason: "LoadTooHigh" },
    ],
    ["goes by the peak of the window", idle(3, { peak: { connections: 121 } }), { reason: "Stabilizing" }],
    [
      "leaves the last node to its last viewer",
      idle(1, { connections: 1 }, { minLimit: 0 }),
      { reason: "LoadTooHigh" },
    ],
    [
      "leaves it to a viewer of the window",
      idle(1, { peak: { connections: 1 } }, { minLimit: 0 }),
      { reason: "Stabilizing" },
    ],
    ["lets it go when nobody was there", idle(1, {}, { minLimit: 0 }), { kind: "DrainNode", desired: 0 }],
    [
      "has the rest hold all connections where no alarm says more",
      idle(3, { connections: 201 }, { alarms: [scaleInAlarm()] }),
      { reason: "LoadTooHigh" },
    ],
    ["which they may fill", idle(3, { connections: 200 }, { alarms: [scaleInAlarm()] }), { kind: "DrainNode" }],
    ["of edges is the manager's only where the policy says so", only("Origin"), { reason: "MinimumMet" }],
    ["of origins always is", only("Origin", { role: "origin" }), { kind: "DrainNode", reason: "ScaleIn" }],
    [
      "is done for an origin, with the newest of its requests",
      only("Origin", { requests: [{ origin: "live-origin-1" }, request] }),
      { kind: "DrainNode", reason: "Requested", node: "live-edge-3" },
    ],
    [
      "may leave the edge open",
      only("Origin", { requests: [{ origin: "live-origin-1" }] }),
      { kind: "DrainNode", reason: "Requested" },
    ],
    [
      "is not done for an origin where the policy does not say so",
      serving(3, {}, { requests: [request], behavior: { edgeSources: ["Manager"] } }),
      { reason: "MinimumMet" },
    ],
    [
      "for an origin is of edges only",
      serving(3, {}, { requests: [request], role: "relay" }),
      { reason: "MinimumMet" },
    ],
    [
      "for an origin waits for no alarm",
      idle(3, {}, { requests: [request], alarms: [scaleInAlarm({ since: at(0) })], behavior: { scaleInWaitMs: 1 } }),
      { kind: "DrainNode", reason: "Requested" },
    ],
    [
      "for an origin heeds the minimum",
      serving(3, {}, { requests: [request], minLimit: 3 }),
      { reason: "MinimumReached" },
    ],
    [
      "for an origin heeds the peak",
      idle(3, { peak: { connections: 121 } }, { requests: [request] }),
      { reason: "Stabilizing" },
    ],
    ["holds where none may go", idle(3, {}, { noVictim: true }), { kind: "Hold", desired: 3, reason: "NoVictim" }],
  ] as const)("%s", (_name, input, expected) => {
    const decision = decideScaling(input);
    expect(decision).toMatchObject({ ...("kind" in expected ? {} : { kind: "Hold" }), ...expected });
  });

  const watched = (
    metric: "CPUUtilization" | "MemoryUtilization" | "FreeSlots" | "EgressMbps",
    load: LoadFields,
    limit = 60,
  ) => idle(3, load, { alarms: [scaleOutAlarm({ metric, threshold: limit, inAlarm: false }), scaleInAlarm()] });

  it.each([
    ["CPU that the rest can bear", watched("CPUUtilization", { cpuPercent: 40 }), "ScaleIn"],
    ["CPU that it cannot", watched("CPUUtilization", { cpuPercent: 41 }), "LoadTooHigh"],
    [
      "CPU that it could not have borne",
      watched("CPUUtilization", { cpuPercent: 10, peak: { cpuPercent: 121 } }),
      "Stabilizing",
    ],
    ["CPU that nobody tells", watched("CPUUtilization", {}), "NoData"],
    ["CPU that nobody tells any more", watched("CPUUtilization", { peak: { cpuPercent: 1 } }), "NoData"],
    ["memory that the rest can bear", watched("MemoryUtilization", { memoryPercent: 40 }), "ScaleIn"],
    ["memory that it cannot", watched("MemoryUtilization", { memoryPercent: 41 }), "LoadTooHigh"],
    ["slots that stay free", watched("FreeSlots", { connections: 140 }), "ScaleIn"],
    ["slots that do not", watched("FreeSlots", { connections: 141 }), "LoadTooHigh"],
    ["slots that would not have stayed free", watched("FreeSlots", { peak: { connections: 141 } }), "Stabilizing"],
    ["egress, which is the same on fewer nodes", watched("EgressMbps", { connections: 10 }), "ScaleIn"],
  ] as const)("goes by %s", (_name, input, reason) => {
    expect(decideScaling(input).reason).toBe(reason);
  });

  it("lets the last node go though it needs some CPU for itself", () => {
    const alarms = [scaleOutAlarm({ metric: "CPUUtilization", inAlarm: false }), scaleInAlarm()];
    expect(decideScaling(idle(1, { cpuPercent: 3 }, { minLimit: 0, alarms })).kind).toBe("DrainNode");
  });

  it.each([
    [idle(3), /; edge-scale-in in ALARM: draining 1$/],
    [idle(3, { connections: 121 }), /, but 121 connections would be over 60 % of the 200 that are left$/],
    [idle(3, { peak: { connections: 150 } }), /, but by the peak of the last 300 s 150 connections would be over 60 %/],
    [idle(3, { observedSince: at(-1_000) }), /observed for 300 s, until 2026-01-01T00:04:59Z$/],
    [serving(3, {}, { requests: [request] }), /; live-origin-0 asks for live-edge-3 to go: draining 1$/],
  ] as const)("says why: %#", (input, said) => {
    expect(decideScaling(input).message).toMatch(said);
  });
});

describe("the sentence of a decision", () => {
  it("is one that a status takes, however long the names are", () => {
    const long = "x".repeat(253);
    const input = serving(
      5_000,
      { connections: 499_999, observedSince: at(-1) },
      { region: "r".repeat(63), maxLimit: 5_000, requests: [{ origin: long, node: long }], pause: "Scaling" },
    );
    const { message } = decideScaling(input);
    expect(message).toContain(`${long} asks for ${long} to go`);
    expect(message.length).toBeLessThanOrEqual(1_000);
  });
});

describe("a node that takes longer than its warm-up", () => {
  const late = { counts: { starting: 2 }, overdue: 2 };

  it("is not waited for before a node goes, nor by Rigid before one is added", () => {
    expect(idle(6, {}, { counts: { starting: 2 }, overdue: 1 }).counts.starting).toBe(2);
    expect(decideScaling(idle(6, {}, { counts: { starting: 2 }, overdue: 1 })).reason).toBe("OperationInProgress");
    expect(decideScaling(idle(6, {}, late))).toMatchObject({ kind: "DrainNode", reason: "ScaleIn" });
    expect(decideScaling(busy(10, 900, { ...late, behavior: rigid }))).toMatchObject({ kind: "LaunchNodes", count: 1 });
  });

  it("is not taken to bring a mean down, and still counts for minimum and maximum", () => {
    const cpu = scaleOutAlarm({ name: "cpu", metric: "CPUUtilization", threshold: 50 });
    const hot = (fields: ScalingInputFields) => serving(4, { cpuPercent: 75 }, { alarms: [cpu], ...fields });
    expect(decideScaling(hot({ counts: { starting: 2 } })).reason).toBe("CapacityComing");
    expect(decideScaling(hot(late))).toMatchObject({ kind: "LaunchNodes", count: 2 });
    expect(decideScaling(hot({ ...late, maxLimit: 6 })).reason).toBe("MaximumReached");
    expect(decideScaling(scalingInput({ minLimit: 2, ...late })).reason).toBe("MinimumMet");
  });
});

it("cools down in Rigid after a drain as well", () => {
  const after = (settledMs: number) =>
    busy(3, 290, { behavior: { ...rigid, coolDownMs: 60_000 }, settledAt: at(settledMs) });
  expect(decideScaling(after(-59_999))).toMatchObject({ reason: "CoolingDown", until: at(1) });
  expect(decideScaling(after(-60_000))).toMatchObject({ kind: "LaunchNodes", count: 1 });
});
