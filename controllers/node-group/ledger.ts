/** What is known of a group's batches beyond the local copy: those just created here, and those whose nodes were looked for. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { isSettled } from "../../domain/batch.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { Accounts } from "./promises.ts";

/** Batches that are remembered: more than are kept of all groups that scale at the same time. */
const mostBatches = 20_000;

export class BatchLedger implements Accounts {
  /** Created here and not seen in the local copy yet, by key of the group. */
  readonly #own = new Map<string, readonly LaunchBatch[]>();
  readonly #accounted = new Set<string>();

  /** Remembers a batch that was created here just now. */
  created(batch: LaunchBatch): void {
    const group = groupKey(batch);
    this.#own.set(group, [...(this.#own.get(group) ?? []), batch]);
  }

  /** The batches of the local copy, and those that it is to show soon. */
  complete(group: string, cached: readonly LaunchBatch[]): readonly LaunchBatch[] {
    const own = this.#own.get(group);
    if (own === undefined) return cached;
    const seen = new Set(cached.map(({ metadata }) => metadata.name));
    const unseen = own.filter(({ metadata }) => !seen.has(metadata.name));
    if (unseen.length === 0) this.#own.delete(group);
    else this.#own.set(group, unseen);
    return [...cached, ...unseen];
  }

  /**
   * Takes what the cluster itself has said: these are all batches, and the nodes of all settled ones have been looked for
   * since. A node that was not found is gone.
   */
  account(group: string, batches: readonly LaunchBatch[]): void {
    this.#own.delete(group);
    for (const batch of batches) if (isSettled(batch)) this.#accounted.add(batch.metadata.uid);
    for (const uid of this.#accounted) {
      if (this.#accounted.size <= mostBatches) break;
      this.#accounted.delete(uid);
    }
  }

  has(batchUid: string): boolean {
    return this.#accounted.has(batchUid);
  }
}

function groupKey({ metadata, spec }: LaunchBatch): string {
  return keyText({ namespace: metadata.namespace, name: spec.group });
}
