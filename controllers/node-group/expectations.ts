/** What is known of a group's batches beyond the local copy: those just created here, and those whose nodes were looked for. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { isSettled } from "../../domain/launch/batch.ts";
import { groupTextOf } from "../../domain/group/place.ts";
import type { Expectations } from "../../domain/launch/expected-slots.ts";

/** Batches and slots that are remembered: more than are kept of all groups that scale at the same time. */
const mostFulfilled = 50_000;

/**
 * For how long (ms) a batch that was created here counts without being seen: it may have gone again between two looks, and
 * nobody would ever tell. A copy that is later than that is not relied on for anything.
 */
export const awaitedMs = 30_000;

/** Created here and not seen in the local copy yet; times are monotonic (ms). */
interface Awaited {
  readonly batch: LaunchBatch;
  readonly createdMs: number;
}

export interface CompleteBatches {
  readonly batches: readonly LaunchBatch[];
  /** One that was created here was not seen in time: the local copy is late, or the batch is gone again. */
  readonly gaveUp: boolean;
}

export class BatchExpectations implements Expectations {
  /** By key of the group. */
  readonly #own = new Map<string, readonly Awaited[]>();
  /** UIDs of batches; of one that is not settled `UID/slot`. */
  readonly #fulfilled = new Set<string>();

  /** Remembers a batch that was created here just now. */
  created(batch: LaunchBatch, nowMs: number): void {
    const group = groupTextOf(batch);
    this.#own.set(group, [...(this.#own.get(group) ?? []), { batch, createdMs: nowMs }]);
  }

  /** The batches of the local copy, and those that it is to show soon. */
  complete(group: string, cached: readonly LaunchBatch[], nowMs: number): CompleteBatches {
    const own = this.#own.get(group);
    if (own === undefined) return { batches: cached, gaveUp: false };
    const seen = new Set(cached.map(({ metadata }) => metadata.name));
    const unseen = own.filter(({ batch }) => !seen.has(batch.metadata.name));
    const awaited = unseen.filter(({ createdMs }) => nowMs - createdMs < awaitedMs);
    if (awaited.length === 0) this.#own.delete(group);
    else this.#own.set(group, awaited);
    const batches = [...cached, ...awaited.map(({ batch }) => batch)];
    return { batches, gaveUp: awaited.length < unseen.length };
  }

  /** The group is no more. */
  forget(group: string): void {
    this.#own.delete(group);
  }

  /**
   * Takes what the cluster itself has said: these are all batches, and the nodes of all slots that they show as launched have
   * been looked for since. A node that was not found is gone.
   */
  observed(group: string, batches: readonly LaunchBatch[]): void {
    this.#own.delete(group);
    for (const { metadata, status } of batches) {
      if (isSettled({ status })) this.#fulfilled.add(metadata.uid);
      else
        for (const { slot, outcome } of status?.members ?? [])
          if (outcome === "Launched") this.#fulfilled.add(slotKey(metadata.uid, slot));
    }
    for (const key of this.#fulfilled) {
      if (this.#fulfilled.size <= mostFulfilled) break;
      this.#fulfilled.delete(key);
    }
  }

  isFulfilled(batchUid: string, slot: number): boolean {
    return this.#fulfilled.has(batchUid) || this.#fulfilled.has(slotKey(batchUid, slot));
  }
}

function slotKey(batchUid: string, slot: number): string {
  return `${batchUid}/${slot}`;
}
