/** From a decision to the LaunchBatch that commits it: its number, its slots, its snapshot, its first call. */
import type { LaunchBatch, LaunchBatchSpec, LaunchSnapshot } from "../../crds/launch-batch.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import type { Role } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { Place } from "../group/place.ts";
import { platformOf } from "../group/references.ts";
import { batchName, freeSlots } from "../names.ts";
import type { ScalingDecision } from "../scaling/decide-scaling.ts";
import { type Instant, toRfc3339 } from "../time.ts";
import { type LaunchCall, openSlots } from "./batch.ts";

type LaunchDecision = Extract<ScalingDecision, { kind: "LaunchNodes" }>;

/** What a batch needs to know of the nodes of its group, without looking at each. */
export interface PlacedNodes {
  /** One above every number that a node of the role names. */
  nextNumber(role: Role): number;
  /** Whether a node holds the slot, whatever its phase. */
  usedSlot(role: Role, slot: number): boolean;
  /** Nodes that stay, by zone; those whose zone is not known yet are left out. */
  zones(place: Place): ReadonlyMap<string, number>;
}

export interface BatchPlan {
  readonly group: NodeGroup;
  readonly launchConfig: LaunchConfig;
  readonly revision: string;
  readonly place: Place;
  readonly decision: Pick<LaunchDecision, "count" | "reason" | "message">;
  readonly placed: PlacedNodes;
  /** Every batch of the group. */
  readonly batches: readonly LaunchBatch[];
  /** What the process adds to the call: creating the batch commits it. */
  readonly call: LaunchCall;
  readonly decidedAt: Instant;
  /** Most slots of one batch: what one call of a cloud takes. */
  readonly mostSlots: number;
}

/** A batch that does not exist yet. */
export interface PlannedBatch {
  readonly name: string;
  readonly spec: LaunchBatchSpec;
}

const longestMessage = 1_024;
const mostZones = 16;

/**
 * The batch that carries a decision out, or as much of it as one call of the cloud takes; the rest is for further batches. The
 * same plan always gives the same batch. Undefined: the role has no launch config.
 */
export function planBatch(plan: BatchPlan): PlannedBatch | undefined {
  const { group, place, decision } = plan;
  const launch = snapshot(plan);
  if (launch === undefined) return undefined;
  const { role, region } = place;
  const number = nextNumber(plan);
  const { name, uid } = group.metadata;
  const spec: LaunchBatchSpec = {
    group: name,
    groupUid: uid,
    role,
    region,
    number,
    slots: [...slotsFor(plan)],
    launch,
    decidedAt: toRfc3339(plan.decidedAt),
    reason: decision.reason,
    message: decision.message.slice(0, longestMessage),
    call: plan.call,
    zones: zonesOf(plan),
  };
  return { name: batchName(name, role, number), spec };
}

/** One above every number that a batch has or that a node still names. */
function nextNumber({ place: { role }, placed, batches }: BatchPlan): number {
  const above = batches.filter(({ spec }) => spec.role === role).map(({ spec }) => spec.number + 1);
  return Math.max(1, placed.nextNumber(role), ...above);
}

/** The lowest slots that neither a node holds nor an open batch is to fill. */
function slotsFor({ place: { role }, decision, placed, batches, mostSlots }: BatchPlan): readonly number[] {
  const expected = new Set(batches.filter(({ spec }) => spec.role === role).flatMap((batch) => openSlots(batch)));
  const isUsed = (slot: number): boolean => expected.has(slot) || placed.usedSlot(role, slot);
  return freeSlots(isUsed, Math.min(decision.count, mostSlots));
}

/** The fullest zones: one that is left out counts as empty. */
function zonesOf({ place, placed }: BatchPlan): NonNullable<LaunchBatchSpec["zones"]> {
  const zones = [...placed.zones(place)].map(([zone, nodes]) => ({ zone, nodes }));
  const fullest = zones.sort((a, b) => b.nodes - a.nodes || compare(a.zone, b.zone)).slice(0, mostZones);
  return fullest.sort((a, b) => compare(a.zone, b.zone));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function snapshot({ launchConfig, revision, place }: BatchPlan): LaunchSnapshot | undefined {
  const { metadata, spec } = launchConfig;
  const entry = spec.roles.find(({ role }) => role === place.role);
  const platform = platformOf(launchConfig);
  if (entry === undefined || platform === undefined) return undefined;
  return {
    launchConfig: metadata.name,
    revision,
    platform,
    image: entry.image ?? spec.image,
    instanceType: entry.instanceType,
    connectionCapacity: entry.connectionCapacity,
    registrationTimeoutSeconds: spec.registrationTimeoutSeconds,
    ...(spec.addressFrom !== undefined && { addressFrom: spec.addressFrom }),
    ...(spec.hostname !== undefined && { hostname: spec.hostname }),
    ...(spec.properties !== undefined && { properties: spec.properties }),
    ...(spec.metadata !== undefined && { metadata: spec.metadata }),
    ...(spec.userData !== undefined && { userData: spec.userData }),
  };
}

/** Settled batches that are kept of each role, beyond any cache's age: they make numbers unique. */
const keptBatches = 20;

/** Settled batches that may go: all but the newest of each role. */
export function prunableBatches({ batches }: { readonly batches: readonly LaunchBatch[] }): readonly LaunchBatch[] {
  const byRole = Map.groupBy(batches, ({ spec }) => spec.role);
  return [...byRole.values()].flatMap((ofRole) =>
    [...ofRole]
      .sort((a, b) => b.spec.number - a.spec.number)
      .slice(keptBatches)
      .filter((batch) => openSlots(batch).length === 0),
  );
}
