/** History that is said at once and written later: the database may be slow or down, and nobody waits for it. */
import type { AlarmTransition, DecidedActivity, History, LastReport, NodeLifeTransition } from "../domain/history.ts";
import type { Clock, Instant } from "../domain/time.ts";
import { ActivityLane } from "./buffer/activity-lane.ts";
import { AlarmLane } from "./buffer/alarm-lane.ts";
import type { FlushScope, HistoryKind, Lane } from "./buffer/lane.ts";
import { historyKinds } from "./buffer/lane.ts";
import { LastReportLane } from "./buffer/last-report-lane.ts";
import { LifeLane } from "./buffer/life-lane.ts";
import { LoadLane } from "./buffer/load-lane.ts";
import { lacksTables } from "./buffer/refusal.ts";
import { StreamLane } from "./buffer/stream-lane.ts";
import type { HistoryRecorder, LoadSample, NodeLifeEnd, NodeStreams } from "./history-recorder.ts";

/** How the buffer stands. */
export interface HistoryBufferState {
  /** Entries that wait to be written. */
  readonly backlog: number;
  /** Entries that were lost since the start: for want of room, or refused by the database. */
  readonly dropped: Readonly<Record<HistoryKind, number>>;
}

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
  /** Told how the buffer stands after each attempt to write. */
  readonly onFlush?: (state: HistoryBufferState) => void;
  /** From the first entry to its write, and from one write to the next. */
  readonly flushIntervalMs?: number;
  readonly maxBackoffMs?: number;
  /** Entries that may wait; beyond it the ones that are worth least are dropped. */
  readonly capacity?: number;
}

/** The order in which kinds are given up, least worth first. */
const sacrifices: readonly HistoryKind[] = ["lastReports", "load", "streams", "alarms", "activities", "nodeLives"];

/** Entries of one kind that may wait: an activity carries its whole input. */
const capacities: Partial<Record<HistoryKind, number>> = { activities: 20_000 };

/** The interval leaves a quarter of a second for the write, so that the database is at most 1 s behind. */
const defaults = { flushIntervalMs: 750, maxBackoffMs: 30_000, capacity: 200_000 };

/** A recorder that writes in a few statements per second, and waits longer and longer while the database is down. */
export class BufferedHistory implements HistoryRecorder {
  readonly #options: BufferedHistoryOptions & typeof defaults;
  readonly #dropped: Record<HistoryKind, number> = {
    ...{ lastReports: 0, load: 0, nodeLives: 0 },
    ...{ alarms: 0, streams: 0, activities: 0 },
  };
  readonly #nodeLives: LifeLane;
  readonly #streams: StreamLane;
  readonly #activities: ActivityLane;
  readonly #load: LoadLane;
  readonly #alarms: AlarmLane;
  readonly #lastReports: LastReportLane;
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
    this.#streams = new StreamLane(
      history.streams,
      (error) => this.#refuse("streams", error),
      (count) => {
        this.#dropped.streams += count;
      },
    );
    this.#activities = new ActivityLane(history.activities, (error) => this.#refuse("activities", error));
    this.#load = new LoadLane(history.load, (error) => this.#refuse("load", error));
    this.#alarms = new AlarmLane(history.alarms, (error) => this.#refuse("alarms", error));
    this.#lastReports = new LastReportLane(history.lastReports, (error) => this.#refuse("lastReports", error));
    this.#lanes = {
      ...{ nodeLives: this.#nodeLives, streams: this.#streams, activities: this.#activities },
      ...{ load: this.#load, alarms: this.#alarms, lastReports: this.#lastReports },
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

  recordReport(report: LastReport): void {
    this.#lastReports.add(report);
    this.#noteAddition();
  }

  recordAlarm(transition: AlarmTransition): void {
    this.#alarms.add(transition);
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

  /** Plans the next write; `waitedMs` says for how long the entries may have waited already. */
  #schedule(waitedMs = 0): void {
    if (this.#stopped || this.#cancelTimer !== undefined || this.#writes > 0) return;
    const { clock, flushIntervalMs, maxBackoffMs } = this.#options;
    const ms = Math.min(flushIntervalMs * 2 ** this.#failures, Math.max(maxBackoffMs, flushIntervalMs));
    this.#cancelTimer = clock.after(Math.max(0, ms - waitedMs), () => void this.#write("Due"));
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
    const { clock, onError, onFlush } = this.#options;
    const startMs = clock.monotonicMs();
    const failure = await this.#firstFailure(scope);
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    if (failure !== undefined) onError(failure.error);
    this.#writes -= 1;
    this.#dropExcess();
    onFlush?.({ backlog: this.backlog, dropped: this.dropped });
    if (this.backlog > 0) this.#schedule(failure === undefined ? clock.monotonicMs() - startMs : 0);
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
      const lane = this.#lanes[kind];
      while (lane.size > (capacities[kind] ?? Infinity)) this.#dropOldest(kind);
      while (lane.size > 0 && this.backlog > this.#options.capacity) this.#dropOldest(kind);
    }
  }

  #dropOldest(kind: HistoryKind): void {
    this.#lanes[kind].dropOldest();
    this.#dropped[kind] += 1;
  }

  #refuse(kind: HistoryKind, error: unknown): void {
    this.#dropped[kind] += 1;
    this.#options.onError(error);
  }
}
