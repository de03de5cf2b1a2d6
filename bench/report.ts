/**
 * Report to launch: from the arrival of a report that raises an alarm to the beginning of the launch call, in one process,
 * while the whole fleet reports beside it; and the same decision by a loop that looks every ten seconds.
 */
import type { LoadFeed } from "../domain/load.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { sleep, systemClock } from "../runtime/clock.ts";
import { LaunchWatch } from "./launch-watch.ts";
import { median, percentile, rounded } from "./measure.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import { connectionCapacity, groupName, type NodePlace, restingFleet, uidOf } from "./resting-fleet.ts";
import { intervalMs, ReportStream } from "./report-stream.ts";
import type { Row } from "./table.ts";

export interface ReportOptions {
  /** Nodes of the large group, at each size. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Alarms that are raised in a round, each in another group. */
  readonly events: number;
}

/** Time (ms) between two events; all of a round together last as long as the peer's interval. */
const eventMs = 100;
const pollMs = 10_000;
/** A launch that has not begun by then (ms) will not. */
const patienceMs = 5_000;
/** Connections of the edge of a pair: two such samples and a full one within ten seconds are on average over 60 %. */
const nearThreshold = 165;

interface Round {
  readonly latencies: readonly number[];
  readonly polled: readonly number[];
  readonly reportsPerSecond: number;
  readonly pollPassMs: number;
  readonly missed: number;
}

export async function benchReport({ sizes, rounds, events }: ReportOptions): Promise<readonly Row[]> {
  // The code is compiled as it runs: the first round is not counted.
  await roundAt(Math.min(...sizes), events);
  const bySize = new Map<number, Round[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [size, done] of bySize) done.push(await roundAt(size, events));
  return [...bySize].flatMap(([size, done]) => rowsOf(size, done));
}

function rowsOf(size: number, rounds: readonly Round[]): readonly Row[] {
  const perSecond = Math.round(median(rounds.map(({ reportsPerSecond }) => reportsPerSecond)));
  const events = rounds.reduce((sum, { latencies, missed }) => sum + latencies.length + missed, 0);
  const around = { nodes: size, "reports/s": perSecond };
  const times = (of: (round: Round) => readonly number[]): Row => ({
    "p50 ms": rounded(median(rounds.map((round) => percentile(of(round), 50)))),
    "p99 ms": rounded(median(rounds.map((round) => percentile(of(round), 99)))),
    "worst ms": rounded(Math.max(...rounds.flatMap(of))),
  });
  const missed = rounds.reduce((sum, round) => sum + round.missed, 0);
  return [
    { subject: "streamfleet, one process", ...around, events, ...times(({ latencies }) => latencies), missed },
    { subject: "polled every 10 s", ...around, events, ...times(({ polled }) => polled), missed: 0 },
  ];
}

async function roundAt(size: number, events: number): Promise<Round> {
  const fleet = await restingFleet({ nodes: size, pairs: events }, systemClock());
  const platform = new LaunchWatch(new SimulatedPlatform({ cloud: fleet.cloud, clock: fleet.clock }));
  const operator = await OperatorUnderTest.settled({
    ...{ fleet, platform, history: memoryHistory() },
    staleMs: 2 * intervalMs,
  });
  const edges = fleet.places.filter(({ group, role }) => group !== groupName && role === "edge");
  const isEdge = new Set(edges);
  const connectionsAt = (place: NodePlace): number => (isEdge.has(place) ? nearThreshold : 100);
  const stream = new ReportStream({ fleet, record: (report) => void fleet.reports.record(report), connectionsAt });
  const startMs = performance.now();
  stream.start();
  await pause(intervalMs);
  const latencies: number[] = [];
  const polled: number[] = [];
  let missed = 0;
  const pollPassMs = median([1, 2, 3].map(() => pollPass(fleet.places, fleet.reports)));
  const firstMs = performance.now();
  for (const [number, edge] of edges.entries()) {
    await pause(Math.max(0, firstMs + number * eventMs - performance.now()));
    const begun = platform.next(edge.group);
    const arrivedMs = performance.now();
    stream.tell(edge, connectionCapacity);
    const calledMs = await Promise.race([begun, pause(patienceMs)]);
    if (calledMs === undefined) missed += 1;
    else latencies.push(calledMs - arrivedMs);
    polled.push(pollMs - ((arrivedMs - firstMs) % pollMs) + pollPassMs);
  }
  const reportsPerSecond = (stream.sent / (performance.now() - startMs)) * 1_000;
  stream.stop();
  await operator.stop();
  fleet.close();
  return { latencies, polled, reportsPerSecond, pollPassMs, missed };
}

/**
 * What the peer does every ten seconds, and how long (ms) it takes: sums up each place from the newest reports and picks
 * those above the threshold. When it would have launched follows from the phase of its interval.
 */
function pollPass(places: readonly NodePlace[], feed: Pick<LoadFeed, "latest">): number {
  const start = performance.now();
  const sums = new Map<string, { connections: number; capacity: number }>();
  for (const place of places) {
    const key = `${place.group}/${place.role}/${place.region}`;
    const sum = sums.get(key) ?? { connections: 0, capacity: 0 };
    sum.connections += feed.latest(uidOf(place))?.connections ?? 0;
    sum.capacity += connectionCapacity;
    sums.set(key, sum);
  }
  const over = [...sums.values()].filter(({ connections, capacity }) => connections > 0.6 * capacity);
  if (over.length > places.length) throw new Error("there are more places than nodes");
  return performance.now() - start;
}

const forever = new AbortController().signal;

function pause(ms: number): Promise<undefined> {
  return sleep(systemClock(), ms, forever).then(() => undefined);
}
