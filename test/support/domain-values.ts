/** Values of the domain for tests: builders with what a test does not care about, and arbitraries for properties. */
import fc from "fast-check";
import { alarmMetrics, edgeSources, roles, scaleOutModes } from "../../crds/names.ts";
import type { Standing } from "../../domain/node/claim.ts";
import type { DrainProgress } from "../../domain/node/drain.ts";
import type { Sighting } from "../../domain/node/evidence.ts";
import type { NodeView } from "../../domain/node/lifecycle.ts";
import type { Machine, MachineState, OwnershipTags } from "../../domain/node/machine.ts";
import type { PeakDemand, RoleLoad } from "../../domain/load/role-load.ts";
import type { NodeCounts, ScalingInput, ScalingBehavior, StandingAlarm } from "../../domain/scaling/decide-scaling.ts";
import { type Instant, instant } from "../../domain/time.ts";

const start = Date.UTC(2026, 0, 1);

/** The instant so many milliseconds into the test. */
export function at(ms: number): Instant {
  return instant(start + ms);
}

export function machine(fields: Partial<Machine> = {}): Machine {
  return {
    providerId: "m-1",
    platform: "simulated",
    region: "region-a",
    zone: "region-aa",
    state: "Running",
    instanceType: "sim.small",
    image: "media-1",
    launchIndex: 0,
    launchedAt: at(0),
    tags: {},
    ...fields,
  };
}

export function owner(fields: Partial<OwnershipTags> = {}): OwnershipTags {
  return {
    clusterId: "cluster-1",
    namespace: "default",
    group: "live",
    role: "edge",
    batch: "live-edge-b1",
    token: "token-1",
    slots: [0, 1, 2],
    connectionCapacity: 100,
    ...fields,
  };
}

export function seen(state: MachineState, launchedAt = at(0)): Sighting {
  return { kind: "Seen", machine: machine({ state, launchedAt }) };
}

/** An edge in service for a minute: its machine runs, it has registered, reports, and is linked to an origin. */
export function servingView(fields: Partial<NodeView> = {}): NodeView {
  return {
    role: "edge",
    standing: { kind: "Claimed" },
    deleting: false,
    drain: undefined,
    held: false,
    providerId: "m-1",
    awaitsBatch: false,
    sighting: seen("Running"),
    registration: { registeredAt: at(10_000), saidGoodbye: false },
    report: { fresh: true, establishedLinks: 1 },
    reportFaults: [],
    rebooted: false,
    inServiceSince: at(12_000),
    hasParents: true,
    registrationTimeoutMs: 150_000,
    terminationAskedAt: undefined,
    ...fields,
  };
}

export const machineStates = ["Pending", "Running", "Stopping", "Stopped", "Terminated", "Unknown"] as const;

export const anyInstant: fc.Arbitrary<Instant> = fc.integer({ min: 0, max: 600_000 }).map(at);
export const anyRole = fc.constantFrom(...roles);

/** Names as Kubernetes takes them for a group: at most 40 characters, without a dot. */
export const anyGroupName = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/);

export const anySighting: fc.Arbitrary<Sighting> = fc.oneof(
  fc
    .record({ state: fc.constantFrom(...machineStates), launchedAt: anyInstant })
    .map((m) => seen(m.state, m.launchedAt)),
  fc.boolean().map((confirmed): Sighting => ({ kind: "Missing", confirmed })),
  fc.constant<Sighting>({ kind: "NotListed" }),
);

export const anyDrain: fc.Arbitrary<DrainProgress> = fc.oneof(
  fc.constantFrom<DrainProgress>(
    { kind: "NeverRegistered" },
    { kind: "NoReport" },
    { kind: "AwaitingAcknowledgement" },
    { kind: "NobodyLeft" },
  ),
  fc.integer({ min: 1, max: 10_000_000 }).map((clients): DrainProgress => ({ kind: "ClientsLeft", clients })),
);

export const anyStanding: fc.Arbitrary<Standing> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Standing>({ kind: "Claimed" }) },
  fc.constant<Standing>({ kind: "Unclaimed" }),
  fc.boolean().map((stays): Standing => ({ kind: "LetGo", reason: "NoGroup", message: "there is no group", stays })),
);

/** Any view at all, whether it can come about or not. */
export const anyView: fc.Arbitrary<NodeView> = fc.record({
  role: anyRole,
  standing: anyStanding,
  deleting: fc.boolean(),
  drain: fc.option(anyDrain, { nil: undefined }),
  held: fc.boolean(),
  providerId: fc.option(fc.constant("m-1"), { nil: undefined }),
  awaitsBatch: fc.boolean(),
  sighting: anySighting,
  registration: fc.option(fc.record({ registeredAt: anyInstant, saidGoodbye: fc.boolean() }), { nil: undefined }),
  report: fc.option(fc.record({ fresh: fc.boolean(), establishedLinks: fc.nat({ max: 3 }) }), { nil: undefined }),
  reportFaults: fc.subarray(["report Counts", "streams BadText"]),
  rebooted: fc.boolean(),
  inServiceSince: fc.option(anyInstant, { nil: undefined }),
  hasParents: fc.boolean(),
  registrationTimeoutMs: fc.integer({ min: 10_000, max: 300_000 }),
  terminationAskedAt: fc.option(anyInstant, { nil: undefined }),
});

export type KnownLoad = Extract<RoleLoad, { kind: "Known" }>;

/** Load of nodes for 100 connections each, all of them fresh, observed for long; the peak is the load now. */
export function knownLoad(fields: Partial<Omit<KnownLoad, "kind" | "peak">> & { peak?: Partial<PeakDemand> } = {}) {
  const { peak, ...rest } = fields;
  const { nodes = 2, connections = 0, cpuPercent, memoryPercent } = rest;
  const capacity = rest.capacity ?? nodes * 100;
  const load: KnownLoad = {
    kind: "Known",
    nodes,
    connections,
    publishers: 0,
    subscribers: 0,
    capacity,
    freeSlots: Math.max(0, capacity - connections),
    staleNodes: 0,
    observedSince: at(-86_400_000),
    ...rest,
    peak: {
      connections,
      ...(cpuPercent !== undefined && { cpuPercent: cpuPercent * nodes }),
      ...(memoryPercent !== undefined && { memoryPercent: memoryPercent * nodes }),
      ...peak,
    },
  };
  return load;
}

/** Connections over 60 %, in ALARM for long. */
export function scaleOutAlarm(fields: Partial<StandingAlarm> = {}): StandingAlarm {
  return {
    name: "edge-scale-out",
    metric: "ConnectionUtilization",
    threshold: 60,
    action: "ScaleOut",
    inAlarm: true,
    since: at(-3_600_000),
    ...fields,
  };
}

/** Connections under 30 %, in ALARM for long. */
export function scaleInAlarm(fields: Partial<StandingAlarm> = {}): StandingAlarm {
  return scaleOutAlarm({ name: "edge-scale-in", threshold: 30, action: "ScaleIn", ...fields });
}

export const behavior: ScalingBehavior = {
  mode: "Competitive",
  scaleOutWaitMs: 0,
  scaleInWaitMs: 0,
  coolDownMs: 180_000,
  stabilizationMs: 300_000,
  edgeSources: ["Origin", "Manager"],
};

export type ScalingInputFields = Partial<Omit<ScalingInput, "counts" | "capacity" | "behavior">> & {
  readonly counts?: Partial<NodeCounts>;
  readonly capacity?: Partial<ScalingInput["capacity"]>;
  readonly behavior?: Partial<ScalingBehavior>;
};

/** Edges in region-a, 2 to 4 of them, 100 connections each; no node, no load and no alarm, unless they are given. */
export function scalingInput(fields: ScalingInputFields = {}): ScalingInput {
  return {
    role: "edge",
    region: "region-a",
    now: at(0),
    minLimit: 2,
    maxLimit: 4,
    deleting: false,
    pause: "None",
    resolved: true,
    adopted: true,
    load: { kind: "Unknown", nodes: 0 },
    alarms: [],
    requests: [],
    ...fields,
    counts: { inService: 0, starting: 0, draining: 0, terminating: 0, ...fields.counts },
    capacity: { newNode: 100, coming: (fields.counts?.starting ?? 0) * 100, largest: 100, ...fields.capacity },
    behavior: { ...behavior, ...fields.behavior },
  };
}

const few = fc.nat({ max: 12 });
const percent = fc.double({ min: 0, max: 100, noNaN: true });
const anyGauges = fc
  .record({ nodes: few, connections: fc.nat({ max: 1_500 }), cpu: fc.option(percent), memory: fc.option(percent) })
  .map(({ cpu, memory, ...rest }) => ({
    ...rest,
    ...(cpu !== null && { cpuPercent: cpu }),
    ...(memory !== null && { memoryPercent: memory }),
  }));

/** A known load of nodes for 100 connections each. */
export const anyKnownLoad: fc.Arbitrary<KnownLoad> = fc
  .record({
    gauges: anyGauges,
    staleNodes: fc.constantFrom(0, 0, 0, 1),
    observedSince: anyInstantAround(),
    higher: fc.nat({ max: 300 }),
  })
  .map(({ gauges, staleNodes, observedSince, higher }) =>
    knownLoad({ ...gauges, staleNodes, observedSince, peak: { connections: gauges.connections + higher } }),
  );

export const anyRoleLoad: fc.Arbitrary<RoleLoad> = fc.oneof(
  { weight: 6, arbitrary: anyKnownLoad },
  { weight: 1, arbitrary: few.map((nodes): RoleLoad => ({ kind: "Unknown", nodes })) },
  {
    weight: 1,
    arbitrary: few.map((nodes): RoleLoad => ({
      kind: "Stale",
      nodes,
      staleNodes: nodes,
      capacity: 100,
      staleCapacity: 100,
    })),
  },
);

/** Within ten minutes before or after the start. */
function anyInstantAround(): fc.Arbitrary<Instant> {
  return fc.integer({ min: -600_000, max: 600_000 }).map(at);
}

export const anyStandingAlarm: fc.Arbitrary<StandingAlarm> = fc.record({
  name: fc.constantFrom("a", "b", "c"),
  metric: fc.oneof(fc.constant("ConnectionUtilization" as const), fc.constantFrom(...alarmMetrics)),
  threshold: fc.integer({ min: 1, max: 100 }),
  action: fc.constantFrom("ScaleOut", "ScaleIn"),
  inAlarm: fc.boolean(),
  since: anyInstantAround(),
});

const anyBehavior: fc.Arbitrary<ScalingBehavior> = fc
  .record({
    mode: fc.constantFrom(...scaleOutModes),
    scaleAdjustment: fc.option(fc.integer({ min: 1, max: 4 })),
    reevaluateMs: fc.option(fc.constant(5_000)),
    scaleOutWaitMs: fc.constantFrom(0, 0, 60_000),
    scaleInWaitMs: fc.constantFrom(0, 0, 60_000),
    coolDownMs: fc.constantFrom(0, 180_000),
    stabilizationMs: fc.constantFrom(0, 300_000),
    edgeSources: fc.subarray([...edgeSources]),
  })
  .map(({ scaleAdjustment, reevaluateMs, ...rest }) => ({
    ...rest,
    ...(scaleAdjustment !== null && { scaleAdjustment }),
    ...(reevaluateMs !== null && { reevaluateMs }),
  }));

/** Any input at all; half of them are free of what goes before limits and alarms, and their load tells of all nodes. */
const anyInputAtAll: fc.Arbitrary<ScalingInput> = fc
  .record({
    role: anyRole,
    region: fc.constantFrom("region-a", "region-b"),
    now: fc.constant(at(0)),
    limits: fc.tuple(few, few),
    counts: fc.record({
      inService: few,
      starting: fc.oneof(fc.constant(0), few),
      draining: fc.oneof(fc.constant(0), few),
      terminating: fc.oneof(fc.constant(0), few),
    }),
    newNode: fc.constantFrom(100, 100, 100, 0),
    deleting: fc.boolean(),
    pause: fc.constantFrom("None", "Scaling", "Everything"),
    resolved: fc.boolean(),
    adopted: fc.boolean(),
    free: fc.boolean(),
    behavior: anyBehavior,
    load: anyRoleLoad,
    alarms: fc.array(anyStandingAlarm, { maxLength: 4 }),
    requests: fc.array(fc.constantFrom({ origin: "live-origin-0", node: "live-edge-3" }, { origin: "live-origin-1" }), {
      maxLength: 2,
    }),
    scaledOutAt: fc.option(anyInstantAround()),
    settledAt: fc.option(anyInstantAround()),
  })
  .map(({ limits, newNode, free, scaledOutAt, settledAt, ...rest }) => ({
    ...rest,
    ...(free && { deleting: false, pause: "None" as const, resolved: true, adopted: true }),
    ...(free && { load: { ...rest.load, nodes: rest.counts.inService } }),
    minLimit: Math.min(...limits),
    maxLimit: Math.max(...limits),
    capacity: { newNode, coming: rest.counts.starting * 100, largest: rest.counts.inService > 0 ? 100 : 0 },
    ...(scaledOutAt !== null && { scaledOutAt }),
    ...(settledAt !== null && { settledAt }),
  }));

/** Nodes in service and nothing else going on, between their limits, with a load that is known and observed. */
const anySettledInput: fc.Arbitrary<ScalingInput> = fc
  .record({
    any: anyInputAtAll,
    nodes: fc.integer({ min: 1, max: 12 }),
    spare: fc.tuple(few, few),
    gauges: anyGauges,
    observedFor: fc.constantFrom(300_000, 300_000, 299_000),
    higher: fc.oneof(fc.constant(0), fc.nat({ max: 300 })),
  })
  .map(({ any, nodes, spare, gauges, observedFor, higher }) => {
    const connections = gauges.connections % (nodes * 100);
    return {
      ...any,
      ...{ deleting: false, pause: "None", resolved: true, adopted: true },
      counts: { inService: nodes, starting: 0, draining: 0, terminating: 0 },
      capacity: { newNode: 100, coming: 0, largest: 100 },
      minLimit: Math.max(0, nodes - spare[0]),
      maxLimit: nodes + spare[1],
      load: knownLoad({
        ...gauges,
        nodes,
        connections,
        observedSince: at(-observedFor),
        peak: { connections: connections + higher },
      }),
    };
  });

const longAgo = at(-3_600_000);

/** Settled, and asked to let a node go. */
export const anyQuietInput: fc.Arbitrary<ScalingInput> = anySettledInput.map((input) => ({
  ...input,
  alarms: [
    ...input.alarms.map((alarm) => ({ ...alarm, inAlarm: alarm.action === "ScaleIn" && alarm.inAlarm })),
    scaleInAlarm({ since: longAgo }),
  ],
}));

/** Settled, with an alarm that asks for more. */
export const anyBusyInput: fc.Arbitrary<ScalingInput> = anySettledInput.map((input) => ({
  ...input,
  alarms: [...input.alarms, scaleOutAlarm({ since: longAgo })],
}));

/** Any input, with enough of those in which something is done. */
export const anyScalingInput: fc.Arbitrary<ScalingInput> = fc.oneof(
  { weight: 2, arbitrary: anyInputAtAll },
  { weight: 1, arbitrary: anyQuietInput },
  { weight: 1, arbitrary: anyBusyInput },
);
