/** What the lists of wake-ups (`watches.ts` of each controller) are written with. */
import type { NodeGroup } from "../crds/node-group.ts";
import type { Cache } from "../fleet/cluster.ts";
import type { ObjectChange } from "../runtime/informer.ts";
import type { WorkQueue } from "../runtime/work-queue.ts";

/** Where the keys of a controller go that are to be looked at. */
export type WakeQueue = Pick<WorkQueue, "add" | "addAfter">;

/** The keys of all that the local copy has. */
export function addAll(cache: Pick<Cache<unknown>, "keys">, queue: WakeQueue): void {
  for (const key of cache.keys()) queue.add(key);
}

/** Whether an object came, went, or has another spec: its status is our own writing. */
export function changesSpec(change: ObjectChange<NodeGroup>): boolean {
  return change.kind !== "Updated" || change.object.metadata.generation !== change.old.metadata.generation;
}

/** A group as it is, and as it was: what it referred to before is to know that it does no more. */
export function versionsOf(change: ObjectChange<NodeGroup>): readonly NodeGroup[] {
  return change.kind === "Updated" ? [change.object, change.old] : [change.object];
}
