/** One kind of history on its way to the database. */
import type { Instant } from "../../domain/time.ts";

/** Which kinds of history are buffered; also what a metric's label says. */
export type HistoryKind = "nodeLives" | "streams" | "load" | "activities";

/** Entries of one kind that wait to be written. */
export interface Lane {
  /** Entries that wait, those in a write that has not been answered included. */
  readonly size: number;
  /** Writes what is due at `now`, in the order in which it was said; on failure everything unwritten waits on, and it throws. */
  flush(now: Instant, scope: FlushScope): Promise<void>;
  /** Gives up the entry that is worth least; the lane is not empty. */
  dropOldest(): void;
}

/** `Everything` also writes what could wait for more of its kind. */
export type FlushScope = "Due" | "Everything";
