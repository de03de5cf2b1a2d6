/** What a batch's next step depends on, from the objects around it. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { LaunchView, PendingView } from "../../domain/launch/launch-step.ts";
import { limitsFor } from "../../domain/group/limits.ts";
import { pauseAt } from "../../domain/group/pause.ts";
import type { Instant } from "../../domain/time.ts";
import { attemptsOf } from "../../fleet/committed-attempts.ts";

/** What a call that is pending depends on, and so no more than is at hand at once. */
export interface PendingSurroundings {
  readonly batch: LaunchBatch;
  readonly group: NodeGroup;
  /** Before this, a call without an answer is not sent again. */
  readonly sendAgainAt: Instant | undefined;
  /** What the wall clock says, for what people set. */
  readonly wall: Instant;
}

export interface BatchSurroundings extends PendingSurroundings {
  /** Of the group. */
  readonly nodes: readonly StreamNode[];
  readonly launchConfig: LaunchConfig | undefined;
  readonly scalePolicy: ScalePolicy | undefined;
  readonly revisionOf: (config: LaunchConfig) => string;
}

export function viewPending({ batch, group, sendAgainAt, wall }: PendingSurroundings): PendingView {
  return {
    attempts: attemptsOf(batch),
    sendAgainAt,
    deleting: group.metadata.deletionTimestamp !== undefined,
    everythingPaused: pauseAt(group.spec.pause, wall).kind === "EverythingPaused",
  };
}

export function viewBatch(around: BatchSurroundings): LaunchView {
  const { batch, nodes, launchConfig, revisionOf } = around;
  const { slots, launch } = batch.spec;
  const ofBatch = nodes.filter(({ spec }) => spec.batchUid === batch.metadata.uid);
  return {
    ...viewPending(around),
    slots,
    settled: new Set((batch.status?.members ?? []).map(({ slot }) => slot)),
    unwanted: new Set(
      ofBatch.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(({ spec }) => spec.slot),
    ),
    found: ofBatch.flatMap(({ spec: { slot, providerId } }) =>
      providerId === undefined ? [] : [{ slot, providerId }],
    ),
    batchDeleting: batch.metadata.deletionTimestamp !== undefined,
    room: roomFor(around),
    // A launch config that is missing holds everything as it is: it is no reason to give the batch up.
    currentRevision: launchConfig === undefined || revisionOf(launchConfig) === launch.revision,
  };
}

/** How many machines the maximum leaves room for, beside the nodes that have theirs or wait for another batch. */
function roomFor({ batch, nodes, scalePolicy }: BatchSurroundings): number {
  const { role, region, slots } = batch.spec;
  if (scalePolicy === undefined) return slots.length;
  const launched = new Set(
    (batch.status?.members ?? []).filter(({ outcome }) => outcome === "Launched").map(({ slot }) => slot),
  );
  const others = nodes.filter(({ metadata, spec, status }) => {
    if (spec.role !== role || spec.region !== region) return false;
    if (metadata.deletionTimestamp !== undefined || status?.phase === "Terminating") return false;
    return spec.batchUid !== batch.metadata.uid || launched.has(spec.slot);
  });
  return limitsFor(scalePolicy.spec, role, region).maxLimit - others.length;
}
