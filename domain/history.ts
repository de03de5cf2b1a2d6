/**
 * The ports to history. The database behind them is disposable: no reconciler reads it to decide about a machine,
 * and a lost row never terminates one.
 */
import type { Phase, Role } from "../crds/names.ts";
import type { AlarmState } from "./alarm/alarm-state.ts";
import type { Instant } from "./time.ts";

/** A stretch of a group's history: `[from, to)`, and the most rows that are wanted of it. */
export interface HistorySpan {
  readonly namespace: string;
  readonly group: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly limit: number;
}

/** One StreamNode's life, from its creation to the cloud's word that its machine is gone. */
export interface NodeLife {
  /** UID of the StreamNode. */
  readonly uid: string;
  readonly namespace: string;
  readonly group: string;
  readonly name: string;
  readonly role: Role;
  readonly region: string;
  readonly platform: string;
  readonly providerId?: string;
  readonly openedAt: Instant;
  readonly closedAt?: Instant;
  readonly closeReason?: string;
}

export interface NodeTransition {
  readonly phase: Phase;
  readonly at: Instant;
  readonly reason: string;
}

/** A transition together with the life it belongs to: the first one opens the life. */
export interface NodeLifeTransition extends NodeTransition {
  readonly life: Omit<NodeLife, "closedAt" | "closeReason">;
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

/** A stream as a node last reported it. */
export interface StreamSighting {
  readonly namespace: string;
  readonly group: string;
  readonly scope: string;
  readonly name: string;
  /** UID of the StreamNode that carries it. */
  readonly nodeUid: string;
  readonly subscribers: number;
  readonly at: Instant;
}

export interface StreamRecord {
  readonly namespace: string;
  readonly group: string;
  readonly scope: string;
  readonly name: string;
  readonly nodeUid: string;
  readonly startedAt: Instant;
  readonly lastSeenAt: Instant;
  readonly endedAt?: Instant;
  readonly peakSubscribers: number;
}

/** Which streams a node still carries: all others that are open on it have ended. */
export interface NodeStreamList {
  readonly nodeUid: string;
  readonly still: readonly { readonly scope: string; readonly name: string }[];
  readonly at: Instant;
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

/** One minute of load of a (group, role, region), as sums that can be added up. */
export interface LoadMinute {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
  readonly region: string;
  /** Start of the minute. */
  readonly minute: Instant;
  /** Reports in the minute. */
  readonly samples: number;
  readonly connectionsSum: number;
  readonly connectionsMax: number;
  readonly publishersSum: number;
  readonly subscribersSum: number;
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

/** Why a (group, role, region) was scaled, or why not; the input replays it. */
export interface ScalingActivity {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
  readonly region: string;
  /** Member name of the decision's union. */
  readonly kind: string;
  /** Member name of the reasons' union. */
  readonly reason: string;
  /** For people, with numbers: what was said first, which the input replays. */
  readonly message: string;
  /** What was said last, where it is another sentence. */
  readonly latestMessage?: string;
  /** Version of the decider that said it. */
  readonly deciderVersion: number;
  /** The full input of the decision, as JSON. */
  readonly input: unknown;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** How often it was decided in a row. */
  readonly count: number;
}

/** A scaling decision, without what the store counts. */
export type DecidedActivity = Omit<ScalingActivity, "firstAt" | "lastAt" | "count" | "latestMessage">;

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

/** A change of an alarm's state. */
export interface AlarmTransition {
  readonly namespace: string;
  readonly group: string;
  readonly alarm: string;
  readonly role: Role;
  readonly region: string;
  readonly from: AlarmState;
  readonly to: AlarmState;
  /** For people, with numbers. */
  readonly reason: string;
  readonly at: Instant;
}

export interface AlarmTransitionStore {
  /** Adds transitions in one statement; repeating one (same alarm, region and time) changes nothing. */
  record(transitions: readonly AlarmTransition[]): Promise<void>;
  /** Transitions of the span, the newest first. */
  during(span: HistorySpan): Promise<readonly AlarmTransition[]>;
  /** Removes older ones and says how many. */
  prune(before: Instant): Promise<number>;
}

/** The last that was heard of a node. */
export interface LastReport {
  /** UID of the StreamNode. */
  readonly uid: string;
  readonly namespace: string;
  readonly group: string;
  readonly name: string;
  readonly role: Role;
  readonly region: string;
  readonly bootId: string;
  readonly sequence: number;
  readonly connections: number;
  readonly publishers: number;
  readonly subscribers: number;
  readonly cpuPercent?: number;
  readonly memoryPercent?: number;
  readonly egressMbps?: number;
  readonly lastReportAt: Instant;
  /** When a report last named a client; absent: none ever did. */
  readonly lastTrafficAt?: Instant;
}

export interface LastReportStore {
  /** Keeps the newest of each node, in one statement; `lastTrafficAt` never goes back and is never lost. A node comes once. */
  record(reports: readonly LastReport[]): Promise<void>;
  /** Of the nodes of a group, by name. */
  read(filter: { readonly namespace: string; readonly group: string }): Promise<readonly LastReport[]>;
  /** Removes those that reported last before, and says how many. */
  prune(before: Instant): Promise<number>;
}

/** History is not being written. Nothing depends on it but what people can look up. */
export interface HistoryOutage {
  readonly since: Instant;
  /** Why, and what to do: one line. */
  readonly reason: string;
}

/** All that is written for history, behind one handle. */
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
