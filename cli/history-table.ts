/** `streamfleet history`: what was, as a table or as JSON. */
import type { HistoryRow, LookedUpKind } from "../api/history-schemas.ts";
import { columns } from "./columns.ts";

type Rows<K extends LookedUpKind> = readonly HistoryRow<K>[];
type Table<K extends LookedUpKind> = {
  readonly head: readonly string[];
  readonly row: (row: HistoryRow<K>) => readonly string[];
};

const tables: { readonly [K in LookedUpKind]: Table<K> } = {
  nodes: {
    head: ["OPENED", "CLOSED", "NODE", "ROLE", "REGION", "MACHINE", "WHY CLOSED"],
    row: ({ openedAt, closedAt, name, role, region, providerId, closeReason }) => [
      ...[second(openedAt), closedAt === undefined ? "-" : second(closedAt)],
      ...[name, role, region, providerId ?? "-", closeReason ?? "-"],
    ],
  },
  streams: {
    head: ["STARTED", "ENDED", "STREAM", "PEAK", "NODE UID"],
    row: ({ startedAt, endedAt, scope, name, peakSubscribers, nodeUid }) => [
      ...[second(startedAt), endedAt === undefined ? "-" : second(endedAt)],
      ...[`${scope}/${name}`, String(peakSubscribers), nodeUid],
    ],
  },
  alarms: {
    head: ["AT", "ALARM", "ROLE", "REGION", "FROM", "TO", "WHY"],
    row: ({ at, alarm, role, region, from, to, reason }) => [second(at), alarm, role, region, from, to, reason],
  },
  load: {
    head: ["MINUTE", "ROLE", "REGION", "REPORTS", "CONNECTIONS", "MOST", "PUBLISHERS", "SUBSCRIBERS"],
    row: ({ minute, role, region, samples, connectionsSum, connectionsMax, publishersSum, subscribersSum }) => [
      ...[second(minute), role, region, String(samples), mean(connectionsSum, samples), String(connectionsMax)],
      ...[mean(publishersSum, samples), mean(subscribersSum, samples)],
    ],
  },
};

/** The rows under their heads; the newest last, as in a log. */
export function historyTable<K extends LookedUpKind>(kind: K, newestFirst: Rows<K>): string {
  const { head, row } = tables[kind];
  return columns([head, ...newestFirst.toReversed().map(row)]);
}

/** To the second: more is in the JSON. */
function second(time: string): string {
  return time.replace(/\.\d+Z$/, "Z");
}

/** Of one report, and so of one node. */
function mean(sum: number, samples: number): string {
  return (sum / Math.max(1, samples)).toFixed(1).replace(/\.0$/, "");
}
