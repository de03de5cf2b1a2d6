/**
 * The ports of the core: what it needs of the world, as interfaces. Each has one contract suite (`test/conformance/`) that every
 * implementation passes.
 */
import type {
  AlarmTransition,
  DecidedActivity,
  HistorySpan,
  LastReport,
  LoadMinute,
  NodeLife,
  NodeLifeTransition,
  NodeStreamList,
  NodeTransition,
  ScalingActivity,
  StreamRecord,
  StreamSighting,
} from "./history.ts";
import type { NodeReport, ReportRefusal, ScaleInRequest } from "./load/report.ts";
import type { Instant } from "./time.ts";

/**
 * The port through which shells read time and wait. `runtime/clock.ts` implements it on the machine's clocks,
 * the tests on a virtual one.
 */
export interface Clock {
  /** Wall-clock time: for what people read and for what outlives the process. */
  now(): Instant;
  /** Milliseconds that never go back: for durations, deadlines and leases within the process. */
  monotonicMs(): number;
  /** Calls back once, `ms` from now; the returned function cancels it and may be called at any time. */
  after(ms: number, callback: () => void): () => void;
}

/** The latest reports, wherever they were received. A silent feed is not a silent node. */
export interface LoadFeed {
  /** The newest report of the node with this UID, or undefined when none is known: unknown is not zero. */
  latest(uid: string): NodeReport | undefined;
  /** Calls the listener at every new report, until the returned function is called. */
  subscribe(listener: (report: NodeReport) => void): () => void;
  /** Calls the listener at every report that could not be taken, until the returned function is called. */
  onRefused(listener: (refusal: ReportRefusal) => void): () => void;
  /** Calls the listener at every scale-in request, until the returned function is called. */
  onScaleInRequest(listener: (request: ScaleInRequest) => void): () => void;
}

export interface NodeLifeStore {
  /** Opens lives that are new, updates their provider id, and adds the transitions; repeating one changes nothing. */
  record(transitions: readonly NodeLifeTransition[]): Promise<void>;
  /** Closes lives and ends their streams; closing one twice, or one that was never opened, changes nothing. */
  close(ends: readonly { readonly uid: string; readonly at: Instant; readonly reason: string }[]): Promise<void>;
  /**
   * Closes every open life opened before `openedBefore` whose uid is not listed, and says how many they were: what a
   * crash between the cloud's word and the write left open. Their streams end with them.
   */
  closeAllExcept(
    uids: readonly string[],
    end: { readonly openedBefore: Instant; readonly at: Instant; readonly reason: string },
  ): Promise<number>;
  /** Lives that are open, oldest first, of one group or of all. */
  open(filter: { readonly namespace?: string; readonly group?: string }): Promise<readonly NodeLife[]>;
  /** Lives that were open at some moment of the span, the one that opened last first. */
  during(span: HistorySpan): Promise<readonly NodeLife[]>;
  /** Removes lives that were closed before, with their transitions, and says how many lives. */
  prune(before: Instant): Promise<number>;
  /** A life with its transitions in order of time, or undefined. */
  read(uid: string): Promise<{ readonly life: NodeLife; readonly transitions: readonly NodeTransition[] } | undefined>;
}

export interface StreamStore {
  /** Opens streams that are new and updates those that are open, in one statement; a closed life carries none. */
  see(sightings: readonly StreamSighting[]): Promise<void>;
  /** Ends the open streams that their node's list does not name, in one statement. A node is listed at most once. */
  endOthers(lists: readonly NodeStreamList[]): Promise<void>;
  /** Streams that ran at some moment of the span, the one that started last first. */
  during(span: HistorySpan): Promise<readonly StreamRecord[]>;
  /** Removes streams that ended before, and says how many. */
  prune(before: Instant): Promise<number>;
  /** Open streams of a group, by scope and name. */
  live(filter: { readonly namespace: string; readonly group: string }): Promise<readonly StreamRecord[]>;
}

export interface LoadStore {
  /** Adds to the minutes that exist (sums add up, maxima compare) and creates the others, in one statement. */
  add(minutes: readonly LoadMinute[]): Promise<void>;
  /** Minutes in `[from, to)`, oldest first. */
  read(filter: {
    readonly namespace: string;
    readonly group: string;
    readonly from: Instant;
    readonly to: Instant;
  }): Promise<readonly LoadMinute[]>;
  /** Minutes that began in the span, the newest first. */
  during(span: HistorySpan): Promise<readonly LoadMinute[]>;
  /** Removes what is older and says how many rows that were. */
  prune(before: Instant): Promise<number>;
}

export interface ActivityStore {
  /**
   * Adds a row when (kind, reason) differs from the newest of its (group, role, region), else counts, moves `lastAt` and keeps
   * the sentence as `latestMessage`.
   * `count` says how often it was decided since the last call; 1 when absent.
   */
  record(activity: DecidedActivity, at: Instant, count?: number): Promise<void>;
  /** The newest activities of a group, the one that began last first; with `until`, of those that had begun by then. */
  last(filter: {
    readonly namespace: string;
    readonly group: string;
    readonly limit: number;
    readonly until?: Instant;
  }): Promise<readonly ScalingActivity[]>;
  /** Removes those that ended before, and says how many. */
  prune(before: Instant): Promise<number>;
}

export interface AlarmTransitionStore {
  /** Adds transitions in one statement; repeating one (same alarm, region and time) changes nothing. */
  record(transitions: readonly AlarmTransition[]): Promise<void>;
  /** Transitions of the span, the newest first. */
  during(span: HistorySpan): Promise<readonly AlarmTransition[]>;
  /** Removes older ones and says how many. */
  prune(before: Instant): Promise<number>;
}

export interface LastReportStore {
  /** Keeps the newest of each node, in one statement; `lastTrafficAt` never goes back and is never lost. A node comes once. */
  record(reports: readonly LastReport[]): Promise<void>;
  /** Of the nodes of a group, by name. */
  read(filter: { readonly namespace: string; readonly group: string }): Promise<readonly LastReport[]>;
  /** Removes those that reported last before, and says how many. */
  prune(before: Instant): Promise<number>;
}

/**
 * All that is written for history, behind one handle. The database behind it is disposable: no reconciler reads it to decide about
 * a machine, and a lost row never terminates one.
 */
export interface History {
  readonly nodeLives: NodeLifeStore;
  readonly streams: StreamStore;
  readonly load: LoadStore;
  readonly activities: ActivityStore;
  readonly alarms: AlarmTransitionStore;
  readonly lastReports: LastReportStore;
}

/** The room that the history of an installation takes. */
export interface HistoryFootprint {
  /** Whether what is kept, its indexes included, takes more than so many bytes; rows that were removed do not count. */
  exceeds(bytes: number): Promise<boolean>;
  /** When the oldest that is kept began; undefined where nothing is. */
  oldest(): Promise<Instant | undefined>;
  /** Gives the room of removed rows back, where the database does not do so by itself. */
  compact(): Promise<void>;
}
