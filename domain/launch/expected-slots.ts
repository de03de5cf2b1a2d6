/** Slots that a batch is to fill with a node which has not been seen yet: they count as coming. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { Role } from "../../crds/names.ts";
import type { GroupNodeCounts, CreatedAt, StartingNode } from "../../controllers/node-group/node-counts.ts";

export interface ExpectedSlot extends StartingNode {
  readonly role: Role;
  readonly region: string;
  readonly batch: LaunchBatch;
  /** The batch says that the slot has its machine, so its node was made: only the local copy has not shown it. */
  readonly launched: boolean;
}

/** Whether the node of a launched slot of this batch has been looked for in the cluster itself. */
export interface Expectations {
  isFulfilled(batchUid: string, slot: number): boolean;
}

export function expectedSlots(world: {
  readonly nodeCounts: GroupNodeCounts;
  readonly batches: readonly LaunchBatch[];
  readonly expectations: Expectations;
  readonly createdAt: CreatedAt;
}): readonly ExpectedSlot[] {
  return world.batches.flatMap((batch) => expectedOf(batch, world));
}

function expectedOf(
  batch: LaunchBatch,
  {
    nodeCounts,
    expectations,
    createdAt: createdAtOf,
  }: Pick<Parameters<typeof expectedSlots>[0], "nodeCounts" | "expectations" | "createdAt">,
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
