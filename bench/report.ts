/**
 * Report to launch: from the arrival of a report that raises an alarm to the beginning of the launch call, while the whole fleet
 * reports beside it: in one process, and in two on a real API server. Its peer is the same decision by a loop that looks
 * every ten seconds.
 */
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { LaunchWatch } from "./launch-watch.ts";
import { median, pause, sharedMs } from "./measure.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import { type ReportOptions, type Round, roundOn, rowsOf, connectionsAt, eventPlaces } from "./report-round.ts";
import { intervalMs, ReportStream } from "./report-stream.ts";
import { connectionCapacity, restingFleet, uidOf } from "./resting-fleet.ts";
import type { Row } from "./table.ts";
import { inTwoProcesses } from "./two-processes.ts";

interface LoadedRound extends Round {
  readonly reportsPerSecond: number;
  readonly createdMs: readonly number[];
}

export async function benchReport(options: ReportOptions): Promise<readonly Row[]> {
  const { sizes, rounds, events } = options;
  // The code is compiled as it runs: the first round is not counted.
  await roundAt(Math.min(...sizes), events);
  const bySize = new Map<number, LoadedRound[]>(sizes.map((size) => [size, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const [size, done] of bySize) done.push(await roundAt(size, events));
  const rows = [...bySize].flatMap(([nodes, done]) => {
    const reportsPerSecond = median(done.map((round) => round.reportsPerSecond));
    const createdMs = done.flatMap((round) => round.createdMs);
    return rowsOf({ subject: "one process", nodes, reportsPerSecond, rounds: done, createdMs });
  });
  return [...rows, ...(await inTwoProcesses(options))];
}

async function roundAt(nodes: number, events: number): Promise<LoadedRound> {
  const fleet = await restingFleet({ nodes, pairs: events }, systemClock());
  const platform = new LaunchWatch(new SimulatedPlatform({ cloud: fleet.cloud, clock: fleet.clock }));
  const operator = await OperatorUnderTest.settled({
    ...{ fleet, platform, history: memoryHistory() },
    staleMs: 2 * intervalMs,
  });
  const stream = new ReportStream({
    fleet,
    uidOf,
    record: (report) => void fleet.reports.record(report),
    connectionsAt,
  });
  const startMs = sharedMs();
  stream.start();
  await pause(intervalMs);
  const tell = (edge: (typeof fleet.places)[number]): Promise<number> => {
    const arrivedMs = sharedMs();
    stream.tell(edge, connectionCapacity);
    return Promise.resolve(arrivedMs);
  };
  const { places, reports: feed } = fleet;
  const round = await roundOn({ places, edges: eventPlaces(places), uidOf, feed, platform, tell });
  const reportsPerSecond = (stream.sent / (sharedMs() - startMs)) * 1_000;
  stream.stop();
  await operator.stop();
  fleet.close();
  return { ...round, reportsPerSecond, createdMs: operator.calls.createdMs };
}
