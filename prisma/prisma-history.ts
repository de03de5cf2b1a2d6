/** History in PostgreSQL, embedded or not: the same statements for both. */
import type { History } from "../domain/ports.ts";
import type { PrismaClient } from "./generated/client.ts";
import { activityStore } from "./stores/activity-store.ts";
import { alarmStore } from "./stores/alarm-store.ts";
import { lastReportStore } from "./stores/last-report-store.ts";
import { loadStore } from "./stores/load-store.ts";
import { nodeLifeStore } from "./stores/node-life-store.ts";
import { pruneWith } from "./stores/pruning.ts";
import { streamStore } from "./stores/stream-store.ts";

export interface PrismaHistoryOptions {
  /** Of which installation the rows are: it reads, closes and prunes no other's. */
  readonly clusterId: string;
  /** Whether the server has nobody who makes the room of removed rows usable again: PGlite has no autovacuum. */
  readonly vacuum?: boolean;
}

/** The stores of one installation in a database. Their methods throw while it is down. */
export function prismaHistory(client: PrismaClient, { clusterId, vacuum = false }: PrismaHistoryOptions): History {
  const own = { client, clusterId, prune: pruneWith(client, { clusterId, vacuum }) };
  return {
    nodeLives: nodeLifeStore(own),
    streams: streamStore(own),
    load: loadStore(own),
    activities: activityStore(own),
    alarms: alarmStore(own),
    lastReports: lastReportStore(own),
  };
}
