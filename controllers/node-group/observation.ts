/** What a NodeGroup's decision is taken on: the group, its references, its nodes, its batches. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import { roles } from "../../crds/names.ts";
import type { NodeGroup, RoleStatus } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { openSlots } from "../../domain/batch.ts";
import { limitsFor } from "../../domain/limits.ts";
import { type Pause, pauseAt } from "../../domain/pause.ts";
import { type References, resolveReferences } from "../../domain/references.ts";
import type { NodeCounts, ScalingInput } from "../../domain/scaling.ts";
import type { Instant } from "../../domain/time.ts";
import type { AdoptionGate } from "../adoption-gate.ts";
import type { Clouds } from "../clouds.ts";
import type { Census, Place } from "./census.ts";

/** The objects that belong to a group, as they were read together. */
export interface GroupObjects {
  readonly nodes: readonly StreamNode[];
  readonly batches: readonly LaunchBatch[];
}

/** What the decision on a group is taken on, read from the local copy or from the cluster itself. */
export interface GroupWorld {
  readonly census: Census;
  readonly batches: readonly LaunchBatch[];
  readonly launchConfig: LaunchConfig | undefined;
  readonly scalePolicy: ScalePolicy | undefined;
}

export interface GroupObservation extends Pick<GroupWorld, "census" | "batches"> {
  readonly group: NodeGroup;
  readonly references: References;
  readonly pause: Pause;
  readonly unread: readonly { readonly region: string; readonly error: string | undefined }[];
}

export interface ObservationDeps {
  readonly clouds: Clouds;
  readonly gate: AdoptionGate;
}

export function observeGroup(
  deps: ObservationDeps,
  group: NodeGroup,
  world: GroupWorld,
  now: Instant,
): GroupObservation {
  const references = referencesOf(deps, group, world);
  const { census, batches } = world;
  return {
    group,
    census,
    batches,
    references,
    pause: pauseAt(group.spec.pause, now),
    unread: unreadRegions(deps, group, references),
  };
}

function referencesOf(
  { clouds }: ObservationDeps,
  { metadata, spec }: NodeGroup,
  { launchConfig, scalePolicy }: GroupWorld,
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

/** One input for each (role, region) that the policy asks for or that has nodes, also where the group is to be no more. */
export function scalingInputs(observation: GroupObservation): readonly ScalingInput[] {
  const regions = new Set([...observation.group.spec.regions, ...observation.census.regions()]);
  const places = roles.flatMap((role) => [...regions].map((region) => ({ role, region })));
  return places
    .map((place) => scalingInput(observation, place))
    .filter(({ maxLimit, counts }) => maxLimit > 0 || total(counts) > 0);
}

function scalingInput(observation: GroupObservation, place: Place): ScalingInput {
  const { group, references, pause, unread } = observation;
  const resolved = references.kind === "Resolved";
  const limits = resolved ? limitsIn(group, references.scalePolicy, place) : lastLimits(group, place);
  return {
    ...place,
    minLimit: limits.minLimit,
    maxLimit: limits.maxLimit,
    counts: countNodes(observation, place),
    deleting: group.metadata.deletionTimestamp !== undefined,
    everythingPaused: pause.kind === "EverythingPaused",
    resolved,
    adopted: !unread.some(({ region }) => region === place.region),
  };
}

/** A region that the group no longer names is to have no nodes. */
function limitsIn(
  { spec }: NodeGroup,
  policy: ScalePolicy,
  { role, region }: Place,
): Pick<RoleStatus, "minLimit" | "maxLimit"> {
  return spec.regions.includes(region) ? limitsFor(policy.spec, role, region) : { minLimit: 0, maxLimit: 0 };
}

/** While the policy is not there, the limits that last held are shown; nothing is decided on them. */
function lastLimits(group: NodeGroup, { role, region }: Place) {
  const last = group.status?.roles?.find((entry) => entry.role === role && entry.region === region);
  return last ?? { minLimit: 0, maxLimit: 0 };
}

/** Nodes of a place by what they count for; a slot that a batch has promised counts as coming. */
function countNodes(world: Pick<GroupWorld, "census" | "batches">, place: Place): NodeCounts {
  const counts = world.census.counts(place);
  return { ...counts, starting: counts.starting + promisedSlots(world, place) };
}

/** Slots of open batches that have no StreamNode yet. */
function promisedSlots({ census, batches }: Pick<GroupWorld, "census" | "batches">, { role, region }: Place): number {
  return batches
    .filter(({ spec }) => spec.role === role && spec.region === region)
    .flatMap((batch) => openSlots(batch).filter((slot) => !census.holds(role, slot))).length;
}

function total({ inService, starting, draining, terminating }: NodeCounts): number {
  return inService + starting + draining + terminating;
}
