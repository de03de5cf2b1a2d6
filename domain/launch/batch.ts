/** What a LaunchBatch and its status say: whose it is, and what of its slots. */
import type { LaunchBatch, LaunchBatchSpec } from "../../crds/launch-batch.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { groupUidOf } from "../node/claim.ts";
import { isTrue } from "../conditions.ts";
import { fromRfc3339 } from "../time.ts";

/** Slots that neither have their machine nor are given up. */
export function openSlots({ spec, status }: Pick<LaunchBatch, "spec" | "status">): readonly number[] {
  const settled = new Set(status?.members?.map(({ slot }) => slot));
  return spec.slots.filter((slot) => !settled.has(slot));
}

/** Every slot has its machine, or never will. */
export function isSettled({ status }: Pick<LaunchBatch, "status">): boolean {
  return isTrue(status?.conditions, "Complete");
}

/**
 * How much later (ms) than it was decided a batch may have been created: a slow call, and clocks that are apart. A batch that is
 * restored sooner repeats its first call to the letter, which the cloud answers with the same machines.
 */
const createdWithinMs = 120_000;

/**
 * Whether nothing proves that the operator created this very object: a copy or a restored one is no decision to launch. It has a
 * later time of creation than its decision, and what its status claims is of another UID.
 */
export function isCopy({ metadata, spec, status }: Pick<LaunchBatch, "metadata" | "spec" | "status">): boolean {
  if (status?.claimedUid === metadata.uid) return false;
  const decidedAt = fromRfc3339(spec.decidedAt ?? "");
  const createdAt = fromRfc3339(metadata.creationTimestamp);
  return decidedAt === undefined || createdAt === undefined || createdAt - decidedAt > createdWithinMs;
}

/** Whether the batch is a decision of this very group. Of another of the same name, or a copy, nothing is launched. */
export function isOfGroup(batch: LaunchBatch, { metadata }: Pick<NodeGroup, "metadata">): boolean {
  return groupUidOf(batch) === metadata.uid && !isCopy(batch);
}

/** What the process adds to a launch call: kept with the batch or the attempt, so that a repeat is the same call. */
export type LaunchCall = NonNullable<LaunchBatchSpec["call"]>;
