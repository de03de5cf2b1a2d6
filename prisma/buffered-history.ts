/** History that is said at once and written later: the database may be slow or down, and nobody waits for it. */
import type { AlarmTransition, DecidedActivity, LastReport, NodeLifeTransition } from "../domain/history.ts";
import type { Clock, History } from "../domain/ports.ts";
import type { Instant } from "../domain/time.ts";
import { ActivityLane } from "./buffer/activity-lane.ts";
import { AlarmLane } from "./buffer/alarm-lane.ts";
import { type HistoryKind, historyKinds, type Lane } from "./buffer/lane.ts";
import { LaneWriter } from "./buffer/lane-writer.ts";
import { LastReportLane } from "./buffer/last-report-lane.ts";
import { LifeLane } from "./buffer/life-lane.ts";
import { LoadLane } from "./buffer/load-lane.ts";
import { type Outage, OutageWatch, type Recovery } from "./buffer/outage.ts";
import { lacksTables } from "./buffer/refusal.ts";
import { StreamLane } from "./buffer/stream-lane.ts";
import type { HistoryRecorder, LoadSample, NodeLifeEnd, NodeStreams } from "./history-recorder.ts";

/** How the buffer stands. */
export interface HistoryBufferState {
  /** Entries that wait to be written. */
  readonly backlog: number;
  /** Entries that were lost since the start: for want of room, or refused by the database. */
  readonly dropped: Readonly<Record<HistoryKind, number>>;
  /** Whether the newest attempt to write some kind failed. */
  readonly failing: boolean;
}

/** Entries that the database will not have. */
export interface Refused {
  readonly kind: HistoryKind;
  /** Of the newest. */
  readonly error: unknown;
  readonly entries: number;
}

export interface BufferedHistoryOptions {
  readonly history: History;
  readonly clock: Clock;
  /** Told of entries that the database refused, which are lost: of each kind once a minute, with their number since. */
  readonly onRefused?: (refused: Refused) => void;
  /** Told when writing begins to fail, once, and when all is written again. */
  readonly onOutage?: (outage: Outage) => void;
  readonly onRecovery?: (recovery: Recovery) => void;
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

/** How often (ms) it is told that entries of a kind are refused. */
const refusalsToldMs = 60_000;

/** The interval leaves a quarter of a second for the write, so that the database is at most 1 s behind. */
const defaults = { flushIntervalMs: 750, maxBackoffMs: 30_000, capacity: 200_000 };

/**
 * A recorder that writes in a few statements per second, and waits longer and longer while the database is down. Each kind is
 * written on its own: one that is blocked does not hold up the others.
 */
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
  readonly #writers: Readonly<Record<HistoryKind, LaneWriter>>;
  readonly #watch: OutageWatch;
  readonly #refused = new Map<HistoryKind, { readonly toldAt: Instant; untold: number }>();
  /** Under way or done. */
  #preparation: Promise<unknown> | undefined;

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
    this.#watch = new OutageWatch(options);
    this.#writers = mapKinds((kind) => this.#writerOf(kind));
  }

  recordTransition(transition: NodeLifeTransition): void {
    this.#nodeLives.addTransition(transition);
    this.#noteAddition("nodeLives");
  }

  recordClose(end: NodeLifeEnd): void {
    this.#nodeLives.addEnd(end);
    this.#streams.forget(end.uid);
    this.#noteAddition("nodeLives");
  }

  recordStreams(streams: NodeStreams): void {
    this.#streams.add(streams);
    this.#noteAddition("streams");
  }

  recordLoad(sample: LoadSample): void {
    this.#load.add(sample);
    this.#noteAddition("load");
  }

  recordReport(report: LastReport): void {
    this.#lastReports.add(report);
    this.#noteAddition("lastReports");
  }

  recordAlarm(transition: AlarmTransition): void {
    this.#alarms.add(transition);
    this.#noteAddition("alarms");
  }

  recordActivity(activity: DecidedActivity, at: Instant): void {
    this.#activities.add(activity, at);
    this.#noteAddition("activities");
  }

  /** Entries that wait to be written. */
  get backlog(): number {
    return historyKinds.reduce((sum, kind) => sum + this.#lanes[kind].size, 0);
  }

  /** Entries that were lost: for want of room, or refused by the database. */
  get dropped(): Readonly<Record<HistoryKind, number>> {
    return { ...this.#dropped };
  }

  /** Since when, and why, history is not being written; undefined: it is, or nothing was said. */
  get outage(): Outage | undefined {
    return this.#watch.outage;
  }

  /** Writes all that waits, once. Never throws: what could not be written waits on, see `backlog`. */
  async flush(): Promise<void> {
    await Promise.all(historyKinds.map((kind) => this.#writers[kind].write("Everything")));
  }

  /** Writes all that waits, but for no longer than `graceMs`, and then nothing more. */
  async stop(graceMs = 5_000): Promise<void> {
    for (const kind of historyKinds) this.#writers[kind].stop();
    const { promise: graceIsOver, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#options.clock.after(graceMs, () => resolve(undefined));
    await Promise.race([this.flush(), graceIsOver]);
    cancel();
  }

  #writerOf(kind: HistoryKind): LaneWriter {
    const { clock, flushIntervalMs, maxBackoffMs } = this.#options;
    return new LaneWriter({
      ...{ lane: this.#lanes[kind], clock, flushIntervalMs, maxBackoffMs },
      prepare: () => this.#prepare(),
      onAttempt: (failure) => this.#noteAttempt(kind, failure),
    });
  }

  #noteAddition(kind: HistoryKind): void {
    this.#dropExcess();
    this.#writers[kind].schedule();
  }

  #noteAttempt(kind: HistoryKind, failure: { readonly error: unknown } | undefined): void {
    if (failure !== undefined && lacksTables(failure.error)) this.#preparation = undefined;
    this.#dropExcess();
    const { backlog, dropped } = this;
    this.#watch.note(kind, failure, this.#options.clock.now(), backlog);
    this.#options.onFlush?.({ backlog, dropped, failing: this.outage !== undefined });
  }

  /** Once for all kinds. One that failed is tried again by the next write. */
  async #prepare(): Promise<void> {
    this.#preparation ??= this.#options.prepare?.() ?? Promise.resolve();
    const preparation = this.#preparation;
    try {
      await preparation;
    } catch (cause) {
      if (this.#preparation === preparation) this.#preparation = undefined;
      throw cause;
    }
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
    const now = this.#options.clock.now();
    const known = this.#refused.get(kind);
    if (known !== undefined && now - known.toldAt < refusalsToldMs) {
      known.untold += 1;
      return;
    }
    this.#refused.set(kind, { toldAt: now, untold: 0 });
    this.#options.onRefused?.({ kind, error, entries: 1 + (known?.untold ?? 0) });
  }
}

function mapKinds<T>(of: (kind: HistoryKind) => T): Readonly<Record<HistoryKind, T>> {
  return Object.fromEntries(historyKinds.map((kind) => [kind, of(kind)])) as Record<HistoryKind, T>;
}
