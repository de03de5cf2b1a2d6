import type { DecidedActivity } from "../../domain/history.ts";
import type { ActivityStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { type FlushScope, forgetMs, type Lane, type OnRefused, refreshMs } from "./lane.ts";
import { RowQueue } from "./row-queue.ts";

interface Row {
  readonly activity: DecidedActivity;
  readonly at: Instant;
  readonly count: number;
}

/** What a (group, role, region) decided last, and how often since it was queued. */
interface Current {
  activity: DecidedActivity;
  queuedAt: Instant;
  lastAt: Instant;
  repeats: number;
}

/** Most repetitions in one flush: each is a statement of its own, and many groups must not hold up what is new. */
const refreshesPerFlush = 50;

/** Scaling activities. A change is written at once; its repetitions are counted and written now and then. */
export class ActivityLane implements Lane {
  readonly #queue: RowQueue<Row>;
  /** The one that was queued longest ago comes first. */
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

  get hasLater(): boolean {
    return this.#current.values().some(({ repeats }) => repeats > 0);
  }

  add(activity: DecidedActivity, at: Instant): void {
    const { namespace, group, role, region } = activity;
    const key = JSON.stringify([namespace, group, role, region]);
    const current = this.#current.get(key);
    if (current?.activity.kind === activity.kind && current.activity.reason === activity.reason) {
      current.activity = activity;
      current.repeats += 1;
      current.lastAt = at;
      return;
    }
    if (current !== undefined) this.#queueRepeats(key, current);
    this.#queue.add({ activity, at, count: 1 });
    this.#keep(key, { activity, queuedAt: at, lastAt: at, repeats: 0 });
  }

  async flush(now: Instant, scope: FlushScope): Promise<void> {
    const due = scope === "Everything" ? [...this.#current] : this.#due(now);
    for (const [key, current] of due) this.#queueRepeats(key, current);
    for (const [key, { lastAt, repeats }] of this.#current) {
      if (repeats === 0 && now - lastAt >= forgetMs) this.#current.delete(key);
    }
    await this.#queue.drain(this.#queue.size);
  }

  dropOldest(): void {
    this.#queue.dropOldest();
  }

  #due(now: Instant): readonly [string, Current][] {
    return this.#current
      .entries()
      .filter(([, { repeats, queuedAt }]) => repeats > 0 && now - queuedAt >= refreshMs)
      .take(refreshesPerFlush)
      .toArray();
  }

  #queueRepeats(key: string, { activity, lastAt, repeats }: Current): void {
    if (repeats === 0) return;
    this.#queue.add({ activity, at: lastAt, count: repeats });
    this.#keep(key, { activity, queuedAt: lastAt, lastAt, repeats: 0 });
  }

  #keep(key: string, current: Current): void {
    this.#current.delete(key);
    this.#current.set(key, current);
  }
}
