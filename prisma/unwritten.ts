/** Saying that history is not being written, and why. */
import type { HistoryOutage } from "../domain/history.ts";
import type { Clock } from "../domain/ports.ts";
import type { BufferedHistory } from "./buffered-history.ts";
import type { HistoryDatabase } from "./history-database.ts";

/** What lasts no longer (ms) is no news for the status of a group. */
export const passingOutageMs = 10_000;

export interface UnwrittenDeps {
  readonly history: Pick<BufferedHistory, "outage">;
  readonly database: Pick<HistoryDatabase, "diagnose">;
  readonly clock: Clock;
}

/** Since when, and why, history has not been written; undefined where it is, or fails no longer than `passingMs`. */
export function unwritten({ history, database, clock }: UnwrittenDeps, passingMs = 0): HistoryOutage | undefined {
  const { outage } = history;
  if (outage === undefined || clock.now() - outage.since < passingMs) return undefined;
  return { since: outage.since, reason: database.diagnose(outage.error) };
}
