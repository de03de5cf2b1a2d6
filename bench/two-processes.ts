/** Report to launch where the node API and the controller are two processes, and the Kubernetes API is a real one. */
import { FeedClient } from "../fleet/feed/feed-client.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { loadKeyRing } from "../runtime/key-ring.ts";
import { silentLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { operatorNamespace } from "./installation.ts";
import { LaunchWatch } from "./launch-watch.ts";
import { pause, sharedMs } from "./measure.ts";
import { OperatorUnderTest } from "./operator-under-test.ts";
import { type Ordered, ordered } from "./orders.ts";
import { type RealCluster, startRealCluster } from "./real-cluster.ts";
import { fill } from "./real-fleet.ts";
import type { ReportAnswer, ReportOrder } from "./report-process.ts";
import { eventPlaces, type Measured, type ReportOptions, type Round, roundOn, rowsOf } from "./report-round.ts";
import { intervalMs } from "./report-stream.ts";
import { connectionCapacity, namespace, nodeName, type NodePlace, restingFleet } from "./resting-fleet.ts";
import type { Row } from "./table.ts";

const subject = "two processes, real API server";
const seed = new Uint8Array(32).fill(7);

export async function inTwoProcesses({ sizes, rounds, events }: ReportOptions): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const nodes of sizes) {
    const cluster = await startRealCluster();
    if (cluster === undefined) return [{ subject: `${subject}: no binaries: npm run test:cluster builds them` }];
    try {
      rows.push(...rowsOf(await measured(cluster, { nodes, rounds, events })));
    } finally {
      await cluster.stop();
    }
  }
  return rows;
}

interface Scale {
  readonly nodes: number;
  readonly rounds: number;
  readonly events: number;
}

/** One fleet for all rounds, for it takes a while to fill in; the first is not counted, and each has groups of its own. */
async function measured({ kube, kubeconfig }: RealCluster, { nodes, rounds, events }: Scale): Promise<Measured> {
  const size = { nodes, pairs: (rounds + 1) * events };
  const clock = systemClock();
  const fleet = await restingFleet(size, clock);
  await fill(kube, fleet);
  fleet.kube.close();
  const own = { clock, random: Math.random, logger: silentLogger };
  const keys = await loadKeyRing(kube, operatorNamespace, { clock, random: () => seed, seed });
  const nodeApi: Ordered<ReportOrder, ReportAnswer> = ordered("report-process.ts");
  const first = await nodeApi.tell({ kind: "Start", kubeconfig, size });
  const urls = [`http://127.0.0.1:${first.port}`];
  const feed = new FeedClient({ ...own, urls, keys, fetch: globalThis.fetch, metrics: createMetrics() });
  feed.start();
  await pause(intervalMs);
  const platform = new LaunchWatch(new SimulatedPlatform({ cloud: fleet.cloud, clock }));
  const operator = await OperatorUnderTest.settled({
    ...{ fleet: { clock, kube }, platform, feed, history: memoryHistory() },
    staleMs: 2 * intervalMs,
  });
  const { places } = fleet;
  const uidOf = (place: NodePlace): string | undefined =>
    operator.cluster.streamNodes.cache.get(`${namespace}/${nodeName(place)}`)?.metadata.uid;
  const told: { readonly name: string; readonly atMs: number }[] = [];
  const tell = async (edge: NodePlace): Promise<number> => {
    const { atMs } = await nodeApi.tell({ kind: "Tell", place: edge.ordinal - 1 });
    told.push({ name: nodeName(edge), atMs });
    return atMs;
  };
  const heard = new Map<string, number>();
  feed.subscribe(({ name, connections }) => {
    // A node goes on saying that it is full: what counts is when it was first heard.
    if (connections === connectionCapacity && !heard.has(name)) heard.set(name, sharedMs());
  });
  const done: Round[] = [];
  const allEdges = eventPlaces(places);
  for (let round = 0; round <= rounds; round += 1) {
    const edges = allEdges.slice(round * events, (round + 1) * events);
    done.push(await roundOn({ places, edges, uidOf, feed, platform, tell }));
    if (round === 0) operator.calls.reset();
    console.error(`${nodes} nodes in two processes: round ${round} of ${rounds}`);
  }
  const last = await nodeApi.tell({ kind: "Count" });
  const feedMs = told.slice(events).map(({ name, atMs }) => (heard.get(name) ?? Infinity) - atMs);
  await operator.stop();
  await feed.stop();
  await nodeApi.end();
  fleet.cloud.close();
  const reportsPerSecond = ((last.sent - first.sent) / (last.atMs - first.atMs)) * 1_000;
  return { subject, nodes, reportsPerSecond, rounds: done.slice(1), createdMs: operator.calls.createdMs, feedMs };
}
