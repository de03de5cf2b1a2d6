/** What a NodeGroup's decision is taken on: the group, its references, its nodes, its batches, its load and its alarms. */
import { readDefaults } from "../../crds/defaults.ts";
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import { orphanFinalizer } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { groupUidOf } from "../../domain/node/claim.ts";
import type { FirstSeen } from "../../domain/first-seen.ts";
import type { ScaleInRequest } from "../../domain/load/report.ts";
import { type Pause, pauseAt } from "../../domain/group/pause.ts";
import { type References, resolveReferences } from "../../domain/group/references.ts";
import type { RoleLoad } from "../../domain/load/role-load.ts";
import type { ScalingBehavior } from "../../domain/scaling/decide-scaling.ts";
import { type Instant } from "../../domain/time.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { AdoptionGate } from "../../fleet/adoption-gate.ts";
import type { AlarmStates, AlarmStanding } from "../../fleet/alarm-states.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import type { LoadView } from "../../fleet/load-tracker.ts";
import type { ScaleInRequests } from "../../fleet/scale-in-requests.ts";
import { type Place } from "../../domain/group/place.ts";
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
  state: GroupState & { readonly expectations: Expectations; readonly createdAt: CreatedAt },
  { now, wall, seen }: Moment,
): GroupObservation {
  const references = referencesOf(deps, group, state);
  const { nodeCounts, batches } = state;
  const key = keyText(group.metadata);
  const stabilizationMs = (state.scalePolicy?.spec.scaleIn.stabilizationSeconds ?? 0) * 1_000;
  return {
    group,
    now,
    nodeCounts,
    batches,
    references,
    // One that looks like a copy counts until it is given up: launched once more it would be too many.
    expected: expectedSlots(
      batches.filter((batch) => groupUidOf(batch) === group.metadata.uid),
      state,
    ),
    wall,
    seen,
    pause: pauseAt(group.spec.pause, wall),
    unread: unreadRegions(deps, group, references),
    alarms: deps.alarmStates.ofGroup(key),
    load: (place) => deps.load.ofPlace({ group: key, ...place }, stabilizationMs, now),
    requests: ({ role, region }) => (role === "edge" ? openRequests(deps, group, region, now) : []),
    behavior: behaviorOf(deps, state.scalePolicy),
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
