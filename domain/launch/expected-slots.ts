/** Slots that a batch is to fill with a node which has not been seen yet: they count as coming. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { Role } from "../../crds/names.ts";
import type { Census, CreatedAt, StartingNode } from "../../controllers/node-group/node-counts.ts";

export interface PromisedSlot extends StartingNode {
  readonly role: Role;
  readonly region: string;
  readonly batch: LaunchBatch;
  /** The batch says that the slot has its machine, so its node was made: only the local copy has not shown it. */
  readonly launched: boolean;
}

/** Whether the node of a launched slot of this batch has been looked for in the cluster itself. */
export interface Accounts {
  has(batchUid: string, slot: number): boolean;
}

export function promisedSlots(world: {
  readonly census: Census;
  readonly batches: readonly LaunchBatch[];
  readonly accounts: Accounts;
  readonly createdAt: CreatedAt;
}): readonly PromisedSlot[] {
  return world.batches.flatMap((batch) => promisesOf(batch, world));
}

function promisesOf(
  batch: LaunchBatch,
  {
    census,
    accounts,
    createdAt: createdAtOf,
  }: Pick<Parameters<typeof promisedSlots>[0], "census" | "accounts" | "createdAt">,
): readonly PromisedSlot[] {
  const { metadata, spec, status } = batch;
  const outcomes = new Map(status?.members?.map(({ slot, outcome }) => [slot, outcome]));
  const createdAt = createdAtOf(batch);
  return spec.slots.flatMap((slot) => {
    const outcome = outcomes.get(slot);
    if (outcome === "Abandoned" || outcome === "Taken") return [];
    const launched = outcome === "Launched";
    if (launched && accounts.has(metadata.uid, slot)) return [];
    if (census.hasSeen(metadata.uid, slot) || census.usedSlot(spec.role, slot)) return [];
    const { role, region, launch } = spec;
    return [{ role, region, batch, launched, createdAt, capacity: launch.connectionCapacity }];
  });
}
