/** `streamfleet controller`: the reconcilers, on a Kubernetes cluster and PostgreSQL. */
import { randomBytes, randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { FeedClient } from "../fleet/feed/feed-client.ts";
import { serveOperations } from "../api/operations-server.ts";
import { assertNamespace, kindsGone } from "../fleet/installation.ts";
import { loadConfig, processEnvironment, type ServerConfig } from "../runtime/config.ts";
import { keepHeapSmall } from "../runtime/heap.ts";
import { loadKeyRing } from "../runtime/key-ring.ts";
import { KubeClient, loadKubeConfig } from "../runtime/kube-client.ts";
import type { KubernetesApi } from "../runtime/kubernetes-api.ts";
import { LeaderElection } from "../runtime/leader-election.ts";
import { Manager } from "../runtime/manager.ts";
import { newProcess, type Process } from "./context.ts";
import { keyRefreshMs, openCluster, operator, postgresHistory } from "./parts.ts";
import { type Stops, untilStopped } from "./process.ts";

export async function controller(): Promise<void> {
  keepHeapSmall();
  const config = loadConfig(processEnvironment(), "controller");
  const own = newProcess(config, process.stdout);
  await untilStopped(async (stops) => {
    const kube = new KubeClient({ config: await loadKubeConfig(config.kubeconfig), clock: own.clock });
    await startController(own, config, kube, stops);
  });
}

/** Of one family: a process that has an address of both is to be followed once. */
async function addressesOf(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, order: "ipv4first" });
  return found.filter(({ family }) => family === found[0]?.family).map(({ address }) => address);
}

async function startController(own: Process, config: ServerConfig, kube: KubernetesApi, stops: Stops): Promise<void> {
  const { clock, logger, metrics, random } = own;
  await assertNamespace(kube, config.namespace);
  const missing = await kindsGone(kube);
  if (missing.size > 0) logger.info("definitions are being deleted: what is left is ended", { missing: [...missing] });
  const { database, history } = postgresHistory(own, config.databaseUrl, stops);
  const keys = await loadKeyRing(kube, config.namespace, { clock, random: randomBytes });
  stops.add(keys.refreshEvery(keyRefreshMs, logger));
  const { feedUrls, simulatedCloudDir } = config;
  const feed = new FeedClient({
    urls: feedUrls,
    resolve: addressesOf,
    keys,
    clock,
    random,
    fetch: globalThis.fetch,
    logger,
    metrics: own.metrics,
  });
  feed.start();
  stops.add(() => feed.stop());
  const simulated =
    simulatedCloudDir === undefined
      ? undefined
      : (await import("./simulated-parts.ts")).simulatedCloud(own, simulatedCloudDir, stops);
  simulated?.know(keys);
  const cluster = openCluster(own, kube, missing);
  cluster.streamNodes.cache.onChange((change) => {
    if (change.kind === "Deleted") feed.forget(change.object.metadata.uid);
  });
  const identity = `${hostname()}-${randomUUID()}`;
  const lease = { namespace: config.namespace, name: "streamfleet-controller", identity };
  const election = new LeaderElection({ api: kube, clock, random, logger, metrics, ...lease });
  const deps = { api: kube, cluster, keys, feed, history, database, leadership: election };
  const tasks = operator(own, simulated === undefined ? deps : { ...deps, simulated }, stops);
  const all = simulated === undefined ? tasks : [...tasks, simulated.mediaNodes];
  const manager = new Manager({ sources: cluster.informers, tasks: all, election, ...own });
  const isReady = (): boolean => cluster.informers.every((informer) => informer.hasSynced());
  const operations = await serveOperations(
    { isReady, metrics, clock, logger },
    { port: config.metricsPort, chosenBy: "STREAMFLEET_METRICS_PORT" },
  );
  stops.add(() => operations.close());
  stops.add(() => manager.stop());
  await manager.start();
}
