/** Restart: from the start of the operator to its first complete decision on a fleet that is there, with its history and without. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LatestReports } from "../fleet/latest-reports.ts";
import { apiGroup, kinds } from "../crds/names.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import { openEmbeddedDatabase } from "../prisma/embedded-database.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { median, rounded } from "./measure.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import { restingFleet, type RestingFleet } from "./resting-fleet.ts";
import type { Row } from "./table.ts";

export interface RestartOptions {
  readonly nodes: number;
  readonly rounds: number;
}

interface Start {
  /** Seconds until all caches were complete, the group was decided on, and every object had been looked at. */
  readonly synced: number;
  readonly decided: number;
  readonly quiet: number;
  readonly terminations: number;
  readonly launches: number;
  /** Writes to StreamNodes. */
  readonly nodeWrites: number;
}

export async function benchRestart({ nodes, rounds }: RestartOptions): Promise<readonly Row[]> {
  const fleet = await restingFleet({ nodes }, systemClock());
  const platform = new SimulatedPlatform({ cloud: fleet.cloud, clock: fleet.clock });
  const first = await OperatorUnderTest.settled({ fleet, platform, history: memoryHistory() });
  await first.stop();
  const scratch = mkdtempSync(join(tmpdir(), "streamfleet-bench-"));
  const kept: Start[] = [];
  const wiped: Start[] = [];
  try {
    await startOn(fleet, join(scratch, "kept"));
    for (let round = 0; round < rounds; round += 1) {
      kept.push(await startOn(fleet, join(scratch, "kept")));
      wiped.push(await startOn(fleet, join(scratch, `wiped-${round}`)));
    }
  } finally {
    rmSync(scratch, { recursive: true });
    fleet.close();
  }
  return [rowOf("kept", kept), rowOf("wiped", wiped)];
}

function rowOf(history: string, starts: readonly Start[]): Row {
  const middle = (of: (start: Start) => number) => rounded(median(starts.map(of)));
  const most = (of: (start: Start) => number) => Math.max(...starts.map(of));
  return {
    history,
    "caches s": middle(({ synced }) => synced),
    "first decision s": middle(({ decided }) => decided),
    "all looked at s": middle(({ quiet }) => quiet),
    terminations: most(({ terminations }) => terminations),
    launches: most(({ launches }) => launches),
    "writes to nodes": most(({ nodeWrites }) => nodeWrites),
  };
}

/** One life of an operator, with the database in this directory. Like every new process it knows no reports. */
async function startOn(fleet: RestingFleet, directory: string): Promise<Start> {
  const database = await openEmbeddedDatabase(directory, "test");
  const platform = new SimulatedPlatform({ cloud: fleet.cloud, clock: fleet.clock });
  const operator = await OperatorUnderTest.prepare({
    fleet,
    platform,
    history: database.history,
    feed: new LatestReports(),
  });
  const writes = countNodeWrites(fleet);
  const decision = operator.decided();
  const start = performance.now();
  const since = () => (performance.now() - start) / 1_000;
  await operator.start();
  const synced = since();
  await decision;
  const decided = since();
  await operator.quiet();
  const quiet = since();
  await operator.stop();
  await database.close();
  const calls = operator.calls.counts();
  const [terminations, launches] = [calls["cloud terminate"] ?? 0, calls["cloud launch"] ?? 0];
  return { synced, decided, quiet, terminations, launches, nodeWrites: writes() };
}

/** Counts until it is called. */
function countNodeWrites({ kube }: RestingFleet): () => number {
  let count = 0;
  const end = kube.store.subscribe({ resource: `${kinds.StreamNode.plural}.${apiGroup}` }, () => (count += 1));
  return () => {
    end();
    return count;
  };
}
