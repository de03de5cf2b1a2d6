/** One round of report to launch: events one after another, each an alarm in a place where nothing has happened yet. */
import type { LoadFeed } from "../domain/ports.ts";
import type { LaunchWatch } from "./launch-watch.ts";
import { median, pause, percentile, rounded, sharedMs } from "./measure.ts";
import { connectionCapacity, groupName, type NodePlace } from "./resting-fleet.ts";
import type { Row } from "./table.ts";

export interface ReportOptions {
  /** Nodes of the large group, at each size. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Alarms that are raised in a round, each in another group. */
  readonly events: number;
}

/** Time (ms) between two events; a hundred of them last as long as the peer's interval. */
const eventMs = 100;
export const pollMs = 10_000;
/** A launch that has not begun by then (ms) will not. */
const patienceMs = 5_000;
/** Connections of the edge of a pair: two such samples and a full one within ten seconds are on average over 60 %. */
const nearThreshold = 165;
const ordinary = 100;

/** What a node says while nothing happens to it: an edge of a pair is never far from its threshold. */
export function connectionsAt({ group, role }: NodePlace): number {
  return group !== groupName && role === "edge" ? nearThreshold : ordinary;
}

/** Where alarms are raised: each in another group. */
export function eventPlaces(places: readonly NodePlace[]): readonly NodePlace[] {
  return places.filter(({ group, role }) => group !== groupName && role === "edge");
}

export interface RoundStage {
  readonly places: readonly NodePlace[];
  /** One event each. */
  readonly edges: readonly NodePlace[];
  readonly uidOf: (place: NodePlace) => string | undefined;
  /** What the deciding process knows of the load. */
  readonly feed: Pick<LoadFeed, "latest">;
  readonly platform: LaunchWatch;
  /** Has the edge report that it is full, and answers when (`sharedMs`) the report arrived. */
  readonly tell: (edge: NodePlace) => Promise<number>;
}

/** Times in ms from the arrival of a report to the launch call. */
export interface Round {
  readonly latencies: readonly number[];
  readonly polled: readonly number[];
  readonly missed: number;
}

export async function roundOn(stage: RoundStage): Promise<Round> {
  const { edges, platform, tell } = stage;
  const latencies: number[] = [];
  const polled: number[] = [];
  const pollPassMs = median([1, 2, 3].map(() => pollPass(stage)));
  const firstMs = sharedMs();
  for (const [number, edge] of edges.entries()) {
    await pause(Math.max(0, firstMs + number * eventMs - sharedMs()));
    const begun = platform.next(edge.group);
    const arrivedMs = await tell(edge);
    const calledMs = await Promise.race([begun, pause(patienceMs)]);
    if (calledMs !== undefined) latencies.push(calledMs - arrivedMs);
    polled.push(pollMs - ((arrivedMs - firstMs) % pollMs) + pollPassMs);
  }
  return { latencies, polled, missed: edges.length - latencies.length };
}

/**
 * What the peer does every ten seconds, and how long (ms) it takes: sums up each place from the newest reports and picks
 * those above the threshold. When it would have launched follows from the phase of its interval.
 */
function pollPass({ places, feed, uidOf }: RoundStage): number {
  const start = performance.now();
  const sums = new Map<string, { connections: number; capacity: number }>();
  for (const place of places) {
    const key = `${place.group}/${place.role}/${place.region}`;
    const sum = sums.get(key) ?? { connections: 0, capacity: 0 };
    sum.connections += feed.latest(uidOf(place) ?? "")?.connections ?? 0;
    sum.capacity += connectionCapacity;
    sums.set(key, sum);
  }
  const over = [...sums.values()].filter(({ connections, capacity }) => connections > 0.6 * capacity);
  if (over.length > places.length) throw new Error("there are more places than nodes");
  return performance.now() - start;
}

/** Rounds of one subject at one size. */
export interface Measured {
  readonly subject: string;
  readonly nodes: number;
  readonly reportsPerSecond: number;
  readonly rounds: readonly Round[];
  /** How long (ms) the API took to create each batch: the one thing that is waited for on the way. */
  readonly createdMs: readonly number[];
  /** How long (ms) each report was on its way to the process that decides; absent where that is the one that took it. */
  readonly feedMs?: readonly number[];
}

/** The subject and its peer. */
export function rowsOf({ subject, nodes, reportsPerSecond, rounds, createdMs, feedMs }: Measured): readonly Row[] {
  const events = rounds.reduce((sum, { latencies, missed }) => sum + latencies.length + missed, 0);
  const around = { nodes, "reports/s": Math.round(reportsPerSecond) };
  const times = (of: (round: Round) => readonly number[]): Row => ({
    "p50 ms": rounded(median(rounds.map((round) => percentile(of(round), 50)))),
    "p99 ms": rounded(median(rounds.map((round) => percentile(of(round), 99)))),
    "worst ms": rounded(Math.max(...rounds.flatMap(of))),
  });
  const missed = rounds.reduce((sum, round) => sum + round.missed, 0);
  const of = (name: string, values: readonly number[]): Row => ({
    [`${name} p50 ms`]: rounded(percentile(values, 50)),
    [`${name} p99 ms`]: rounded(percentile(values, 99)),
  });
  const api = { ...(feedMs === undefined ? {} : of("feed", feedMs)), ...of("API", createdMs) };
  const polled = { ...times((round) => round.polled), missed: 0 };
  return [
    { subject: `streamfleet, ${subject}`, ...around, events, ...times(({ latencies }) => latencies), missed, ...api },
    { subject: `polled every 10 s, ${subject}`, ...around, events, ...polled },
  ];
}
