/** Values of the domain for tests: builders with what a test does not care about, and arbitraries for properties. */
import fc from "fast-check";
import { roles } from "../../crds/names.ts";
import type { DrainProgress } from "../../domain/drain.ts";
import type { Sighting } from "../../domain/evidence.ts";
import type { NodeView } from "../../domain/lifecycle.ts";
import type { Machine, MachineState, OwnershipTags } from "../../domain/machine.ts";
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
    deleting: false,
    drain: undefined,
    held: false,
    providerId: "m-1",
    awaitsBatch: false,
    sighting: seen("Running"),
    registration: { registeredAt: at(10_000), saidGoodbye: false },
    report: { fresh: true, establishedLinks: 1 },
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

/** Any view at all, whether it can come about or not. */
export const anyView: fc.Arbitrary<NodeView> = fc.record({
  role: anyRole,
  deleting: fc.boolean(),
  drain: fc.option(anyDrain, { nil: undefined }),
  held: fc.boolean(),
  providerId: fc.option(fc.constant("m-1"), { nil: undefined }),
  awaitsBatch: fc.boolean(),
  sighting: anySighting,
  registration: fc.option(fc.record({ registeredAt: anyInstant, saidGoodbye: fc.boolean() }), { nil: undefined }),
  report: fc.option(fc.record({ fresh: fc.boolean(), establishedLinks: fc.nat({ max: 3 }) }), { nil: undefined }),
  rebooted: fc.boolean(),
  inServiceSince: fc.option(anyInstant, { nil: undefined }),
  hasParents: fc.boolean(),
  registrationTimeoutMs: fc.integer({ min: 10_000, max: 300_000 }),
  terminationAskedAt: fc.option(anyInstant, { nil: undefined }),
});
