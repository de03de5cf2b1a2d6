/** What a NodeGroup's decision is taken on: the group, its references, its nodes, its batches, its load and its alarms. */
import { readDefaults } from "../../crds/defaults.ts";
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import { orphanFinalizer, roles } from "../../crds/names.ts";
import type { NodeGroup, RoleStatus } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { isOfGroup } from "../../domain/launch/batch.ts";
import { groupUidOf } from "../../domain/node/claim.ts";
import type { FirstSeen } from "../../domain/first-seen.ts";
import { type Limits, limitsFor } from "../../domain/group/limits.ts";
import type { ScaleInRequest } from "../../domain/load/report.ts";
import { type Pause, pauseAt } from "../../domain/group/pause.ts";
import { type References, resolveReferences } from "../../domain/group/references.ts";
import type { RoleLoad } from "../../domain/load/role-load.ts";
import type {
  CapacityFacts,
  NodeCounts,
  ScalingInput,
  ScalingBehavior,
  StandingAlarm,
} from "../../domain/scaling/decide-scaling.ts";
import { fromRfc3339, type Instant, instant } from "../../domain/time.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { AdoptionGate } from "../../fleet/adoption-gate.ts";
import type { AlarmStates, AlarmStanding } from "../../fleet/alarm-states.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import type { LoadView } from "../../fleet/load-tracker.ts";
import type { ScaleInRequests } from "../../fleet/scale-in-requests.ts";
import { type Place, placeText } from "../../domain/group/place.ts";
import type { GroupNodeCounts, CreatedAt } from "../../domain/group/node-counts.ts";
import { type Expectations, expectedSlots, type ExpectedSlot } from "../../domain/launch/expected-slots.ts";
import { isTrue } from "../../domain/conditions.ts";

/** When a group is observed. */
export type Moment = Pick<GroupObservation, "now" | "wall" | "seen">;

/** The objects that belong to a group, as they were read together. */
export interface GroupObjects {
  readonly nodes: readonly StreamNode[];
  readonly batches: readonly LaunchBatch[];
}

/** What the decision on a group is taken on, read from the local copy or from the cluster itself. */
export interface GroupState {
  readonly nodeCounts: GroupNodeCounts;
  readonly batches: readonly LaunchBatch[];
  readonly launchConfig: LaunchConfig | undefined;
  readonly scalePolicy: ScalePolicy | undefined;
}

export interface GroupObservation extends Pick<GroupState, "nodeCounts" | "batches"> {
  readonly group: NodeGroup;
  readonly now: Instant;
  /** What the wall clock says, for what people set. */
  readonly wall: Instant;
  /** Stored times, as they may be relied on. */
  readonly seen: Pick<FirstSeen, "notAfter">;
  readonly references: References;
  readonly pause: Pause;
  /** Slots of batches that are to get a node which has not been seen yet. */
  readonly expected: readonly ExpectedSlot[];
  readonly unread: readonly { readonly region: string; readonly error: string | undefined }[];
  readonly alarms: readonly AlarmStanding[];
  load(place: Place): RoleLoad;
  requests(place: Place): readonly ScaleInRequest[];
  readonly behavior: ScalingBehavior;
}

export interface ObservationDeps {
  readonly cluster: Pick<Cluster, "defaults" | "streamNodes">;
  readonly clouds: Clouds;
  readonly gate: AdoptionGate;
  readonly load: LoadView;
  readonly alarmStates: Pick<AlarmStates, "ofGroup">;
  readonly scaleInRequests: Pick<ScaleInRequests, "inRegion">;
}

export function observeGroup(
  deps: ObservationDeps,
  group: NodeGroup,
  world: GroupState & { readonly expectations: Expectations; readonly createdAt: CreatedAt },
  { now, wall, seen }: Moment,
): GroupObservation {
  const references = referencesOf(deps, group, world);
  const { nodeCounts, batches } = world;
  const key = keyText(group.metadata);
  const stabilizationMs = (world.scalePolicy?.spec.scaleIn.stabilizationSeconds ?? 0) * 1_000;
  return {
    group,
    now,
    nodeCounts,
    batches,
    references,
    // One that looks like a copy counts until it is given up: launched once more it would be too many.
    expected: expectedSlots(
      batches.filter((batch) => groupUidOf(batch) === group.metadata.uid),
      world,
    ),
    wall,
    seen,
    pause: pauseAt(group.spec.pause, wall),
    unread: unreadRegions(deps, group, references),
    alarms: deps.alarmStates.ofGroup(key),
    load: (place) => deps.load.ofPlace({ group: key, ...place }, stabilizationMs, now),
    requests: ({ role, region }) => (role === "edge" ? openRequests(deps, group, region, now) : []),
    behavior: behaviorOf(deps, world.scalePolicy),
  };
}

function referencesOf(
  { clouds }: ObservationDeps,
  { metadata, spec }: NodeGroup,
  { launchConfig, scalePolicy }: GroupState,
): References {
  const references = resolveReferences({ namespace: metadata.namespace, spec, launchConfig, scalePolicy });
  if (references.kind !== "Resolved" || clouds.has(references.platform)) return references;
  return { kind: "Invalid", message: `platform ${references.platform} is not available in this operator` };
}

function unreadRegions({ clouds, gate }: ObservationDeps, { metadata, spec }: NodeGroup, references: References) {
  if (references.kind !== "Resolved") return [];
  const { platform } = references;
  const inventory = clouds.get(platform)?.inventory;
  return spec.regions
    .filter((region) => !gate.isOpen({ groupUid: metadata.uid, platform, region }))
    .map((region) => ({ region, error: inventory?.lastError(region)?.message }));
}

/** Requests for an edge that is in service and stays, or for any edge. */
function openRequests(
  { cluster, scaleInRequests }: ObservationDeps,
  { metadata }: NodeGroup,
  region: string,
  now: Instant,
): readonly ScaleInRequest[] {
  const { namespace, name: group } = metadata;
  return scaleInRequests.inRegion(keyText(metadata), region, now).filter(({ node }) => {
    if (node === undefined) return true;
    const known = cluster.streamNodes.cache.get(keyText({ namespace, name: node }));
    if (known === undefined || known.spec.group !== group || known.spec.role !== "edge") return false;
    return known.spec.drain === undefined && known.metadata.deletionTimestamp === undefined;
  });
}

/** Limits hold per place, and with them its waits; what holds for all places is here. */
function behaviorOf({ cluster }: ObservationDeps, policy: ScalePolicy | undefined): ScalingBehavior {
  const defaults = readDefaults(cluster.defaults.list()[0]?.data);
  const { scaleOut, scaleIn } = policy?.spec ?? {};
  return {
    mode: scaleOut?.mode ?? defaults.scaleOutMode,
    ...(scaleOut !== undefined && { reevaluateMs: scaleOut.reevaluateSeconds * 1_000 }),
    scaleOutWaitMs: 0,
    scaleInWaitMs: 0,
    coolDownMs: (scaleOut?.coolDownSeconds ?? 0) * 1_000,
    stabilizationMs: (scaleIn?.stabilizationSeconds ?? 0) * 1_000,
    edgeSources: scaleIn?.edgeSources ?? [],
  };
}

/** One input for each (role, region) that the policy asks for or that has nodes, also where the group is to be no more. */
export function scalingInputs(observation: GroupObservation): readonly ScalingInput[] {
  const regions = new Set([...observation.group.spec.regions, ...observation.nodeCounts.regions()]);
  const places = roles.flatMap((role) => [...regions].map((region) => ({ role, region })));
  return places
    .map((place) => scalingInput(observation, place))
    .filter(({ maxLimit, counts }) => maxLimit > 0 || total(counts) > 0);
}

const pauses = {
  NotPaused: "None",
  PauseEnded: "None",
  ScalingPaused: "Scaling",
  EverythingPaused: "Everything",
} as const;

function scalingInput(observation: GroupObservation, place: Place): ScalingInput {
  const { group, now, references, pause, unread } = observation;
  const resolved = references.kind === "Resolved";
  const limits = resolved ? limitsIn(group, references.scalePolicy, place) : undefined;
  const { minLimit, maxLimit } = limits ?? lastLimits(group, place);
  const coming = comingNodes(observation, place, limits?.estimatedWarmUpSeconds ?? 0);
  const unclaimed = observation.nodeCounts.unclaimed(place);
  return {
    ...place,
    now,
    minLimit,
    maxLimit,
    counts: countNodes(observation, place),
    ...(coming.overdue > 0 && { overdue: coming.overdue }),
    ...(unclaimed > 0 && { unclaimed }),
    capacity: capacityOf(observation, place, coming.capacity),
    deleting: group.metadata.deletionTimestamp !== undefined,
    pause: pauses[pause.kind],
    resolved,
    adopted: !unread.some(({ region }) => region === place.region),
    behavior: behaviorIn(observation.behavior, limits),
    load: observation.load(place),
    alarms: standingAlarms(observation, place),
    requests: observation.requests(place).map(({ origin, node }) => ({ origin, ...(node !== undefined && { node }) })),
    ...anchorsOf(observation, place),
  };
}

/** A region that the group no longer names is to have no nodes. */
function limitsIn({ spec }: NodeGroup, policy: ScalePolicy, { role, region }: Place): Limits {
  const limits = limitsFor(policy.spec, role, region);
  return spec.regions.includes(region) ? limits : { ...limits, minLimit: 0, maxLimit: 0 };
}

/** While the policy is not there, the limits that last held are shown; nothing is decided on them. */
function lastLimits(group: NodeGroup, place: Place): Pick<RoleStatus, "minLimit" | "maxLimit"> {
  return lastStatus(group, place) ?? { minLimit: 0, maxLimit: 0 };
}

/** What the status says of a place. */
export function lastStatus({ status }: NodeGroup, { role, region }: Place): RoleStatus | undefined {
  return status?.roles?.find((entry) => entry.role === role && entry.region === region);
}

function behaviorIn(behavior: ScalingBehavior, limits: Limits | undefined): ScalingBehavior {
  if (limits === undefined) return behavior;
  const { scaleAdjustment, scaleOutWaitSeconds, scaleInWaitSeconds } = limits;
  return {
    ...behavior,
    ...(scaleAdjustment !== undefined && { scaleAdjustment }),
    scaleOutWaitMs: scaleOutWaitSeconds * 1_000,
    scaleInWaitMs: scaleInWaitSeconds * 1_000,
  };
}

/** Nodes of a place by what they count for; a slot that a batch has promised counts as coming. */
function countNodes({ nodeCounts, expected }: GroupObservation, place: Place): NodeCounts {
  const counts = nodeCounts.counts(place);
  return { ...counts, starting: counts.starting + expected.filter(isIn(place)).length };
}

/** What is coming: a node that takes longer than its warm-up is there, but neither waited for nor relied on. */
function comingNodes(
  { nodeCounts, expected, now }: GroupObservation,
  place: Place,
  warmUpSeconds: number,
): { readonly capacity: number; readonly overdue: number } {
  const starting = [...nodeCounts.starting(place), ...expected.filter(isIn(place))];
  const inTime = starting.filter(({ createdAt }) => now - createdAt <= warmUpSeconds * 1_000);
  const capacity = inTime.reduce((sum, node) => sum + node.capacity, 0);
  return { capacity, overdue: starting.length - inTime.length };
}

function capacityOf(observation: GroupObservation, place: Place, coming: number): CapacityFacts {
  const { nodeCounts, references } = observation;
  const config = references.kind === "Resolved" ? references.launchConfig : undefined;
  const newNode = config?.spec.roles.find(({ role }) => role === place.role)?.connectionCapacity ?? 0;
  return {
    newNode,
    coming: coming + justInService(observation, place) * newNode,
    largest: nodeCounts.largestCapacity(place),
  };
}

/** In service by the cluster's word, and not yet in the load, which follows the local copy: capacity that comes to it at once. */
function justInService(observation: GroupObservation, place: Place): number {
  const known = observation.load(place);
  if (known.kind !== "Known") return 0;
  return Math.max(0, observation.nodeCounts.counts(place).inService - known.nodes - known.staleNodes);
}

function isIn({ role, region }: Place): (slot: ExpectedSlot) => boolean {
  return (slot) => slot.role === role && slot.region === region;
}

function standingAlarms({ alarms }: GroupObservation, { role, region }: Place): readonly StandingAlarm[] {
  return alarms.flatMap((standing) => {
    const { name, metric, threshold, action } = standing.definition;
    if (standing.definition.role !== role || standing.region !== region || action === "None") return [];
    return [{ name, metric, threshold, action, inAlarm: standing.state === "ALARM", since: standing.since }];
  });
}

/** The batches are the truth of when nodes were added; the status remembers what is pruned, and when it had ended. */
function anchorsOf(observation: GroupObservation, place: Place): Pick<ScalingInput, "scaledOutAt" | "settledAt"> {
  const last = lastStatus(observation.group, place);
  const times = observation.batches
    .filter((batch) => isOfGroup(batch, observation.group))
    .filter(({ spec }) => spec.reason === "Alarm" && spec.role === place.role && spec.region === place.region)
    .map(({ metadata }) => endOfSecond(observation, metadata));
  const scaledOutAt = Math.max(0, ...times, storedTime(observation, place, "scaledOutAt", last) ?? 0);
  const settledAt = settledSince(observation, place, last, scaledOutAt);
  return {
    ...(scaledOutAt > 0 && { scaledOutAt: instant(scaledOutAt) }),
    ...(settledAt !== undefined && { settledAt }),
  };
}

/** Kubernetes cuts the time of creation down to the second: a wait that begins with it is not to end early. */
function endOfSecond({ seen, now }: GroupObservation, { uid, creationTimestamp }: LaunchBatch["metadata"]): number {
  const createdAt = fromRfc3339(creationTimestamp);
  return createdAt === undefined ? 0 : seen.notAfter(uid, createdAt, now) + 999;
}

/** A time that the status remembers of a place. */
function storedTime(
  { group, seen, now }: GroupObservation,
  place: Place,
  field: "scaledOutAt" | "settledAt",
  last: RoleStatus | undefined,
): Instant | undefined {
  const stored = fromRfc3339(last?.[field] ?? "");
  return stored && seen.notAfter(`${group.metadata.uid}/${placeText(place)}/${field}`, stored, now);
}

/** When the launch that an alarm asked for, or a drain, had ended: noticed once, and then kept. */
function settledSince(
  observation: GroupObservation,
  place: Place,
  last: RoleStatus | undefined,
  scaledOutAt: number,
): Instant | undefined {
  const { starting, draining, terminating } = countNodes(observation, place);
  const known = storedTime(observation, place, "settledAt", last);
  const launched = scaledOutAt > 0 && starting === 0 && (known ?? 0) < scaledOutAt;
  const drained = (last?.draining ?? 0) + (last?.terminating ?? 0) > 0 && draining + terminating === 0;
  return launched || drained ? observation.now : known;
}

function total({ inService, starting, draining, terminating }: NodeCounts): number {
  return inService + starting + draining + terminating;
}

/** StreamNodes of a group in the local copy. */
export function knownNodes(cluster: Pick<Cluster, "streamNodes">, group: NodeGroup): readonly StreamNode[] {
  return cluster.streamNodes.cache.byIndex(index.nodeGroup, keyText(group.metadata));
}

/**
 * Whether the deletion leaves the nodes. The finalizer that says so goes as soon as the garbage collector has taken the owner
 * references away; what was seen of it stays in the status.
 */
export function isOrphaning({ metadata, status }: NodeGroup): boolean {
  return metadata.finalizers?.includes(orphanFinalizer) === true || isTrue(status?.conditions, "Orphaned");
}
