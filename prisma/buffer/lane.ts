/** One kind of history on its way to the database. */
import type { Instant } from "../../domain/time.ts";

/** Which kinds of history are buffered, in the order in which they are written; also what a metric's label says. */
export const historyKinds = ["lastReports", "load", "nodeLives", "alarms", "streams", "activities"] as const;
export type HistoryKind = (typeof historyKinds)[number];

/** `Everything` also writes what could wait for more of its kind. */
export type FlushScope = "Due" | "Everything";

/** Entries of one kind that wait to be written. */
export interface Lane {
  /** Entries that wait; those in a write that has not been answered do not count. */
  readonly size: number;
  /** Whether there is more to come that is not due yet, such as repetitions that are counted. Absent: there never is. */
  readonly hasLater?: boolean;
  /** Writes in the order in which it was said. On failure what is unwritten waits on, and the error is thrown. */
  flush(now: Instant, scope: FlushScope): Promise<void>;
  /** Gives up the oldest entry; changes nothing when there is none. */
  dropOldest(): void;
}

/** Told of each entry that the database refused, which is lost. */
export type OnRefused = (error: unknown) => void;

/** Few enough for a statement to end well within its time limit, many enough for a backlog to shrink fast. */
export const rowsPerStatement = 2_000;

/** How long (ms) what only confirms a known row may wait for more of its kind. */
export const refreshMs = 30_000;

/** After how long (ms) of silence a lane forgets what it remembers of a node or a group. */
export const forgetMs = 600_000;
