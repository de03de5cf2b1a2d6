/** History in memory, for tests and for runs that keep none. */
import type { History } from "../domain/ports.ts";
import { MemoryActivities } from "./memory/activities.ts";
import { MemoryAlarms } from "./memory/alarms.ts";
import { MemoryLastReports } from "./memory/last-reports.ts";
import { MemoryLoad } from "./memory/load.ts";
import { MemoryNodeLives } from "./memory/node-lives.ts";
import { MemoryStreams } from "./memory/streams.ts";

/** An empty history that ends with the process. */
export function memoryHistory(): History {
  const nodeLives: MemoryNodeLives = new MemoryNodeLives((uid, at) => streams.endAllOf(uid, at));
  const streams = new MemoryStreams((uid) => nodeLives.isClosed(uid));
  return {
    ...{ nodeLives, streams, load: new MemoryLoad(), activities: new MemoryActivities() },
    ...{ alarms: new MemoryAlarms(), lastReports: new MemoryLastReports() },
  };
}
