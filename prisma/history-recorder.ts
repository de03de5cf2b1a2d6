/** The side of history that reconcilers and routes write to: calls that return at once and never fail. */
import type { Role } from "../crds/names.ts";
import type { AlarmTransition, DecidedActivity, LastReport, NodeLifeTransition } from "../domain/history.ts";
import type { StreamReport } from "../domain/load/report.ts";
import type { Instant } from "../domain/time.ts";

/** The end of one StreamNode's life. */
export interface NodeLifeEnd {
  readonly uid: string;
  readonly at: Instant;
  readonly reason: string;
}

/** All the streams that one node carries, as its latest report lists them. */
export interface NodeStreams {
  readonly namespace: string;
  readonly group: string;
  readonly nodeUid: string;
  readonly streams: readonly StreamReport[];
  readonly at: Instant;
}

/** One report's load, to be summed up by minute. */
export interface LoadSample {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
  readonly region: string;
  readonly at: Instant;
  readonly connections: number;
  readonly publishers: number;
  readonly subscribers: number;
}

/** What is said here is written later, in the order in which it was said; what cannot be written is lost, and counted. */
export interface HistoryRecorder {
  /** Adds a transition, and opens the life that it belongs to where the database does not know it. */
  recordTransition(transition: NodeLifeTransition): void;
  /** Closes a life and ends its streams; repeating it changes nothing. */
  recordClose(end: NodeLifeEnd): void;
  /** Sees the streams that are listed and ends the node's others. */
  recordStreams(streams: NodeStreams): void;
  recordLoad(sample: LoadSample): void;
  /** The last that was heard of a node; only the newest is written. */
  recordReport(report: LastReport): void;
  recordAlarm(transition: AlarmTransition): void;
  /** Adds a row when (kind, reason) changed, else counts: call it at every decision. */
  recordActivity(activity: DecidedActivity, at: Instant): void;
}
