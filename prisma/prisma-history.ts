/** History in PostgreSQL, embedded or not: the same statements for both. */
import type { History } from "../domain/history.ts";
import type { PrismaClient } from "./generated/client.ts";
import { activityStore } from "./stores/activity-store.ts";
import { alarmStore } from "./stores/alarm-store.ts";
import { lastReportStore } from "./stores/last-report-store.ts";
import { loadStore } from "./stores/load-store.ts";
import { nodeLifeStore } from "./stores/node-life-store.ts";
import { pruneWith } from "./stores/pruning.ts";
import { streamStore } from "./stores/stream-store.ts";

export interface PrismaHistoryOptions {
  /** Whether the server has nobody who makes the room of removed rows usable again: PGlite has no autovacuum. */
  readonly vacuum?: boolean;
}

/** The stores of one database. Their methods throw while it is down. */
export function prismaHistory(client: PrismaClient, { vacuum = false }: PrismaHistoryOptions = {}): History {
  const prune = pruneWith(client, { vacuum });
  return {
    nodeLives: nodeLifeStore(client, prune),
    streams: streamStore(client, prune),
    load: loadStore(client, prune),
    activities: activityStore(client, prune),
    alarms: alarmStore(client, prune),
    lastReports: lastReportStore(client, prune),
  };
}
