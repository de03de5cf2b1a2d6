/** Reconcile at rest: what one look at everything costs when there is nothing to do. */
import { startKubeServer } from "../local/kube/http-server.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { costOf, heldHeapMb, median, rounded } from "./measure.ts";
import { NaiveLoop } from "./naive-loop.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import { restingFleet, type RestingFleet } from "./resting-fleet.ts";
import type { Row } from "./table.ts";

export interface RestOptions {
  readonly nodes: number;
  readonly rounds: number;
}

interface Pass {
  readonly objects: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly kubernetesCalls: number;
  readonly cloudCalls: number;
}

/** One that looks at everything when told to. */
interface Contender {
  readonly name: string;
  /** Heap (MB) that it holds. */
  readonly heapMb: number;
  pass(): Promise<Pass>;
  stop(): Promise<void>;
}

/** No listing of the cloud comes between two passes. */
const listIntervalMs = 3_600_000;
const warmUps = 2;

/** The operator and the naive loop in turn, on the same objects and machines. */
export async function benchRest({ nodes, rounds }: RestOptions): Promise<readonly Row[]> {
  const fleet = await restingFleet({ nodes }, systemClock());
  const operator = await operatorContender(fleet);
  const loop = await loopContender(fleet);
  const contenders = [operator, loop];
  for (let warm = 0; warm < warmUps; warm += 1) for (const contender of contenders) await contender.pass();
  const passes = new Map<Contender, Pass[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [contender, done] of passes) {
      heldHeapMb();
      done.push(await contender.pass());
    }
  }
  const rows = [...passes].map(([contender, done]) => rowOf(contender, done));
  for (const contender of contenders) await contender.stop();
  fleet.close();
  return rows;
}

function rowOf({ name, heapMb }: Contender, passes: readonly Pass[]): Row {
  const middle = (of: (pass: Pass) => number) => median(passes.map(of));
  return {
    subject: name,
    objects: middle(({ objects }) => objects),
    "objects/s": Math.round(middle(({ objects, wallMs }) => (objects / wallMs) * 1_000)),
    "pass ms": rounded(middle(({ wallMs }) => wallMs)),
    "cpu ms": rounded(middle(({ cpuMs }) => cpuMs)),
    "heap MB": rounded(heapMb),
    "kubernetes calls": Math.max(...passes.map(({ kubernetesCalls }) => kubernetesCalls)),
    "cloud calls": Math.max(...passes.map(({ cloudCalls }) => cloudCalls)),
  };
}

async function operatorContender(fleet: RestingFleet): Promise<Contender> {
  const before = heldHeapMb();
  const platform = new SimulatedPlatform({ cloud: fleet.cloud, clock: fleet.clock, listIntervalMs });
  const operator = await OperatorUnderTest.settled({ fleet, platform, history: memoryHistory() });
  return {
    name: "streamfleet",
    heapMb: heldHeapMb() - before,
    pass: async () => {
      operator.calls.reset();
      let objects = 0;
      const cost = await costOf(async () => {
        objects = await operator.fullPass();
      });
      const { calls } = operator;
      return { objects, ...cost, kubernetesCalls: calls.total("kubernetes"), cloudCalls: calls.total("cloud") };
    },
    stop: () => operator.stop(),
  };
}

async function loopContender({ kube, cloud, clock, reports }: RestingFleet): Promise<Contender> {
  const before = heldHeapMb();
  const server = await startKubeServer({ api: kube, port: 0 });
  const platform = new SimulatedPlatform({ cloud, clock, listIntervalMs });
  const loop = new NaiveLoop({ url: server.url, platform, feed: reports });
  await loop.start();
  return {
    name: "naive loop",
    heapMb: heldHeapMb() - before,
    pass: async () => {
      let done = { objects: 0, patches: 0, cloudCalls: 0 };
      const cost = await costOf(async () => {
        done = await loop.pass();
      });
      return { objects: done.objects, ...cost, kubernetesCalls: done.patches, cloudCalls: done.cloudCalls };
    },
    stop: async () => {
      await loop.stop();
      await server.close();
    },
  };
}
