/** From what was observed of a group to what is decided on, for each of its places. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { roles } from "../../crds/names.ts";
import type { NodeGroup, RoleStatus } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import { isOfGroup } from "../../domain/launch/batch.ts";
import { type Limits, limitsFor } from "../../domain/group/limits.ts";
import type {
  CapacityFacts,
  NodeCounts,
  ScalingInput,
  ScalingBehavior,
  StandingAlarm,
} from "../../domain/scaling/decide-scaling.ts";
import { fromRfc3339, type Instant, instant } from "../../domain/time.ts";
import { type Place, placeText } from "../../domain/group/place.ts";
import { type ExpectedSlot } from "../../domain/launch/expected-slots.ts";
import type { GroupObservation } from "./observation.ts";

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

/** Nodes of a place by what they count for; a slot that a batch is to fill counts as coming. */
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
