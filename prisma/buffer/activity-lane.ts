import type { ActivityStore, DecidedActivity } from "../../domain/history.ts";
import type { Instant } from "../../domain/time.ts";
import type { FlushScope, Lane, OnRefused } from "./lane.ts";
import { forgetMs, refreshMs } from "./lane.ts";
import { RowQueue } from "./row-queue.ts";

interface Row {
  readonly activity: DecidedActivity;
  readonly at: Instant;
  readonly count: number;
}

/** What a (group, role, region) decided last, and how often since it was queued. */
interface Current {
  readonly activity: DecidedActivity;
  queuedAt: Instant;
  lastAt: Instant;
  repeats: number;
}

/** Scaling activities. A change is written at once; its repetitions are counted and written now and then. */
export class ActivityLane implements Lane {
  readonly #queue: RowQueue<Row>;
  readonly #current = new Map<string, Current>();

  constructor(store: ActivityStore, onRefused: OnRefused) {
    const write = async (rows: readonly Row[]): Promise<void> => {
      for (const { activity, at, count } of rows) await store.record(activity, at, count);
    };
    // One by one: a row that was written must not be repeated with those after it, for it would count again.
    this.#queue = new RowQueue({ write, onRefused, chunkSize: 1 });
  }

  get size(): number {
    return this.#queue.size;
  }

  add(activity: DecidedActivity, at: Instant): void {
    const { namespace, group, role, region } = activity;
    const key = JSON.stringify([namespace, group, role, region]);
    const current = this.#current.get(key);
    if (current?.activity.kind === activity.kind && current.activity.reason === activity.reason) {
      current.repeats += 1;
      current.lastAt = at;
      return;
    }
    if (current !== undefined) this.#queueRepeats(current);
    this.#queue.add({ activity, at, count: 1 });
    this.#current.set(key, { activity, queuedAt: at, lastAt: at, repeats: 0 });
  }

  async flush(now: Instant, scope: FlushScope): Promise<void> {
    for (const [key, current] of this.#current) {
      if (scope === "Everything" || now - current.queuedAt >= refreshMs) this.#queueRepeats(current);
      if (now - current.lastAt >= forgetMs) this.#current.delete(key);
    }
    await this.#queue.drain(this.#queue.size);
  }

  dropOldest(): void {
    this.#queue.dropOldest();
  }

  #queueRepeats(current: Current): void {
    if (current.repeats > 0)
      this.#queue.add({ activity: current.activity, at: current.lastAt, count: current.repeats });
    current.repeats = 0;
    current.queuedAt = current.lastAt;
  }
}
