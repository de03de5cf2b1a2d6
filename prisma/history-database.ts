/** What the commands need of a database, embedded or not. */
import type { History, HistoryFootprint } from "../domain/ports.ts";

/** An open database with our tables in it. */
export interface HistoryDatabase {
  readonly history: History;
  readonly footprint: HistoryFootprint;
  /** What a failure of any of these means, in one line that says what to do. */
  diagnose(error: unknown): string;
  /** Waits for what is running and lets go of the database; may be called twice. */
  close(): Promise<void>;
}

/** The database cannot be used: unreadable, corrupt, or of a version that is not ours. The message is one line for people. */
export class DatabaseOpenError extends Error {
  override readonly name = "DatabaseOpenError";
  readonly isForPeople = true;
}
