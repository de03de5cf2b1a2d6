/** History in PostgreSQL, embedded or not: the same statements for both. */
import type { History } from "../domain/history.ts";
import type { PrismaClient } from "./generated/client.ts";
import { activityStore } from "./stores/activity-store.ts";
import { alarmStore } from "./stores/alarm-store.ts";
import { lastReportStore } from "./stores/last-report-store.ts";
import { loadStore } from "./stores/load-store.ts";
import { nodeLifeStore } from "./stores/node-life-store.ts";
import { streamStore } from "./stores/stream-store.ts";

/** The stores of one database. Their methods throw while it is down. */
export function prismaHistory(client: PrismaClient): History {
  return {
    nodeLives: nodeLifeStore(client),
    streams: streamStore(client),
    load: loadStore(client),
    activities: activityStore(client),
    alarms: alarmStore(client),
    lastReports: lastReportStore(client),
  };
}
