/** What occupies a simulated media node, and what that costs its machine. */
import type { NodeReport, StreamReport } from "../../domain/load/report.ts";

/** Direct clients and streams, and what the machine shows of them. */
export type MediaLoad = Pick<
  NodeReport,
  "connections" | "publishers" | "subscribers" | "cpuPercent" | "memoryPercent" | "egressMbps" | "streams"
>;

export const idle: MediaLoad = { connections: 0, publishers: 0, subscribers: 0, streams: [] };

/** Most streams that a report tells of. */
const mostStreams = 2_000;

const mbpsOfSubscriber = 2;

/** Both together. What `given` does not say of the machine follows from the clients and the room (clients) on it. */
export function loadOfBoth(given: MediaLoad, sessions: MediaLoad, capacity: number): MediaLoad {
  const connections = given.connections + sessions.connections;
  const busy = Math.min(1, connections / Math.max(1, capacity));
  const egress = given.egressMbps ?? given.subscribers * mbpsOfSubscriber;
  return {
    connections,
    publishers: given.publishers + sessions.publishers,
    subscribers: given.subscribers + sessions.subscribers,
    cpuPercent: given.cpuPercent ?? tenths(5 + 85 * busy),
    memoryPercent: given.memoryPercent ?? tenths(20 + 50 * busy),
    egressMbps: tenths(egress + sessions.subscribers * mbpsOfSubscriber),
    streams: streamsOfBoth(given.streams, sessions.streams),
  };
}

function streamsOfBoth(given: readonly StreamReport[], sessions: readonly StreamReport[]): readonly StreamReport[] {
  if (given.length === 0) return sessions.slice(0, mostStreams);
  const all = new Map<string, StreamReport>();
  for (const { scope, name, subscribers } of [...given, ...sessions]) {
    const key = JSON.stringify([scope, name]);
    all.set(key, { scope, name, subscribers: subscribers + (all.get(key)?.subscribers ?? 0) });
  }
  return [...all.values()].slice(0, mostStreams);
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
