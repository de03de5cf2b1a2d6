/** Slots that a batch is to fill with a node which has not been seen yet: they count as coming. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { Place } from "../group/place.ts";
import type { GroupNodeCounts, CreatedAt, StartingNode } from "../group/node-counts.ts";

export interface ExpectedSlot extends StartingNode, Place {
  readonly batch: LaunchBatch;
  /** The batch says that the slot has its machine, so its node was made: only the local copy has not shown it. */
  readonly launched: boolean;
}

/** Whether the node of a launched slot of this batch has been looked for in the cluster itself. */
export interface Expectations {
  isFulfilled(batchUid: string, slot: number): boolean;
}

/** What is known of the nodes that batches are to have made. */
export interface SeenNodes {
  readonly nodeCounts: GroupNodeCounts;
  readonly expectations: Expectations;
  readonly createdAt: CreatedAt;
}

export function expectedSlots(batches: readonly LaunchBatch[], seen: SeenNodes): readonly ExpectedSlot[] {
  return batches.flatMap((batch) => expectedOf(batch, seen));
}

function expectedOf(
  batch: LaunchBatch,
  { nodeCounts, expectations, createdAt: createdAtOf }: SeenNodes,
): readonly ExpectedSlot[] {
  const { metadata, spec, status } = batch;
  const outcomes = new Map(status?.members?.map(({ slot, outcome }) => [slot, outcome]));
  const createdAt = createdAtOf(batch);
  return spec.slots.flatMap((slot) => {
    const outcome = outcomes.get(slot);
    if (outcome === "Abandoned" || outcome === "Taken") return [];
    const launched = outcome === "Launched";
    if (launched && expectations.isFulfilled(metadata.uid, slot)) return [];
    if (nodeCounts.hasSeen(metadata.uid, slot) || nodeCounts.usedSlot(spec.role, slot)) return [];
    const { role, region, launch } = spec;
    return [{ role, region, batch, launched, createdAt, capacity: launch.connectionCapacity }];
  });
}
