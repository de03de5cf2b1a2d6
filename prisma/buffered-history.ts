/** History that is said at once and written later: the database may be slow or down, and nobody waits for it. */
import type { DecidedActivity, History, NodeLifeTransition } from "../domain/history.ts";
import type { Clock, Instant } from "../domain/time.ts";
import { ActivityLane } from "./buffer/activity-lane.ts";
import type { FlushScope, HistoryKind, Lane } from "./buffer/lane.ts";
import { historyKinds } from "./buffer/lane.ts";
import { LifeLane } from "./buffer/life-lane.ts";
import { LoadLane } from "./buffer/load-lane.ts";
import { lacksTables } from "./buffer/refusal.ts";
import { StreamLane } from "./buffer/stream-lane.ts";
import type { HistoryRecorder, LoadSample, NodeLifeEnd, NodeStreams } from "./history-recorder.ts";

export interface BufferedHistoryOptions {
  readonly history: History;
  readonly clock: Clock;
  /** Told of each attempt that failed and of each entry that the database refused. */
  readonly onError: (error: unknown) => void;
  /**
   * Done before the first write, repeated until it succeeds, and again when the tables are gone: the migrations of a
   * database that was down, or that was replaced by an empty one.
   */
  readonly prepare?: () => Promise<unknown>;
  readonly flushIntervalMs?: number;
  readonly maxBackoffMs?: number;
  /** Entries that may wait; beyond it the ones that are worth least are dropped. */
  readonly capacity?: number;
}

/** The order in which kinds are given up, least worth first. */
const sacrifices: readonly HistoryKind[] = ["load", "streams", "activities", "nodeLives"];

const defaults = { flushIntervalMs: 1_000, maxBackoffMs: 30_000, capacity: 200_000 };

/** A recorder that writes in a few statements per second, and waits longer and longer while the database is down. */
export class BufferedHistory implements HistoryRecorder {
  readonly #options: BufferedHistoryOptions & typeof defaults;
  readonly #dropped: Record<HistoryKind, number> = { nodeLives: 0, streams: 0, activities: 0, load: 0 };
  readonly #nodeLives: LifeLane;
  readonly #streams: StreamLane;
  readonly #activities: ActivityLane;
  readonly #load: LoadLane;
  readonly #lanes: Readonly<Record<HistoryKind, Lane>>;
  #prepared = false;
  #failures = 0;
  #stopped = false;
  /** Writes that have begun or wait for their turn. */
  #writes = 0;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: BufferedHistoryOptions) {
    this.#options = { ...defaults, ...options };
    const { history } = options;
    this.#nodeLives = new LifeLane(history.nodeLives, (error) => this.#refuse("nodeLives", error));
    this.#streams = new StreamLane(history.streams, (error) => this.#refuse("streams", error));
    this.#activities = new ActivityLane(history.activities, (error) => this.#refuse("activities", error));
    this.#load = new LoadLane(history.load, (error) => this.#refuse("load", error));
    this.#lanes = {
      ...{ nodeLives: this.#nodeLives, streams: this.#streams },
      ...{ activities: this.#activities, load: this.#load },
    };
  }

  recordTransition(transition: NodeLifeTransition): void {
    this.#nodeLives.addTransition(transition);
    this.#noteAddition();
  }

  recordClose(end: NodeLifeEnd): void {
    this.#nodeLives.addEnd(end);
    this.#streams.forget(end.uid);
    this.#noteAddition();
  }

  recordStreams(streams: NodeStreams): void {
    this.#streams.add(streams);
    this.#noteAddition();
  }

  recordLoad(sample: LoadSample): void {
    this.#load.add(sample);
    this.#noteAddition();
  }

  recordActivity(activity: DecidedActivity, at: Instant): void {
    this.#activities.add(activity, at);
    this.#noteAddition();
  }

  /** Entries that wait to be written. */
  get backlog(): number {
    return historyKinds.reduce((sum, kind) => sum + this.#lanes[kind].size, 0);
  }

  /** Entries that were lost: for want of room, or refused by the database. */
  get dropped(): Readonly<Record<HistoryKind, number>> {
    return { ...this.#dropped };
  }

  /** Writes all that waits, once. Never throws: what could not be written waits on, see `backlog`. */
  flush(): Promise<void> {
    return this.#write("Everything");
  }

  /** Writes all that waits, but for no longer than `graceMs`, and then nothing more. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#stopped = true;
    const { promise: graceIsOver, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#options.clock.after(graceMs, () => resolve(undefined));
    await Promise.race([this.flush(), graceIsOver]);
    cancel();
  }

  #noteAddition(): void {
    this.#dropExcess();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#stopped || this.#cancelTimer !== undefined || this.#writes > 0) return;
    const { clock, flushIntervalMs, maxBackoffMs } = this.#options;
    const ms = Math.min(flushIntervalMs * 2 ** this.#failures, Math.max(maxBackoffMs, flushIntervalMs));
    this.#cancelTimer = clock.after(ms, () => void this.#write("Due"));
  }

  /** One write at a time, so that the order in which things were said is kept. */
  #write(scope: FlushScope): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#writes += 1;
    this.#writing = this.#writing.then(() => this.#writeLanes(scope));
    return this.#writing;
  }

  async #writeLanes(scope: FlushScope): Promise<void> {
    const failure = await this.#firstFailure(scope);
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    if (failure !== undefined) this.#options.onError(failure.error);
    this.#writes -= 1;
    this.#dropExcess();
    if (this.backlog > 0) this.#schedule();
  }

  /** Every kind is tried, so that one that cannot be written does not hold up the others. */
  async #firstFailure(scope: FlushScope): Promise<{ readonly error: unknown } | undefined> {
    let first: { readonly error: unknown } | undefined;
    try {
      await this.#prepare();
    } catch (error) {
      return { error };
    }
    for (const kind of historyKinds) {
      try {
        await this.#lanes[kind].flush(this.#options.clock.now(), scope);
      } catch (error) {
        first ??= { error };
        if (lacksTables(error)) this.#prepared = false;
      }
    }
    return first;
  }

  async #prepare(): Promise<void> {
    if (this.#prepared) return;
    await this.#options.prepare?.();
    this.#prepared = true;
  }

  #dropExcess(): void {
    for (const kind of sacrifices) {
      while (this.#lanes[kind].size > 0 && this.backlog > this.#options.capacity) {
        this.#lanes[kind].dropOldest();
        this.#dropped[kind] += 1;
      }
    }
  }

  #refuse(kind: HistoryKind, error: unknown): void {
    this.#dropped[kind] += 1;
    this.#options.onError(error);
  }
}
