/** `streamfleet controller`: the reconcilers, on a Kubernetes cluster and PostgreSQL. */
import { randomBytes, randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { FeedClient } from "../fleet/feed/feed-client.ts";
import { serveOperations } from "../api/operations-server.ts";
import type { InformedCluster } from "../fleet/cluster.ts";
import { assertNamespace, kindsGone } from "../fleet/installation.ts";
import { loadConfig, processEnvironment, type ServerConfig } from "../runtime/config.ts";
import { keepHeapSmall } from "../runtime/heap.ts";
import { type KeyRing, loadKeyRing } from "../runtime/key-ring.ts";
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
  const { clock, logger, random } = own;
  await assertNamespace(kube, config.namespace);
  const missing = await kindsGone(kube);
  if (missing.size > 0) logger.info("definitions are being deleted: what is left is ended", { missing: [...missing] });
  const opened = postgresHistory(own, config.databaseUrl, stops);
  const keys = await loadKeyRing(kube, config.namespace, { clock, random: randomBytes });
  stops.add(keys.refreshEvery(keyRefreshMs, logger));
  const feed = openFeed(own, keys, stops);
  const { simulatedCloudDir: cloudDir } = config;
  const simulated =
    cloudDir === undefined ? undefined : (await import("./simulated-parts.ts")).simulatedCloud(own, cloudDir, stops);
  simulated?.know(keys);
  const cluster = openCluster(own, kube, missing);
  cluster.streamNodes.cache.onChange((change) => {
    if (change.kind === "Deleted") feed.forget(change.object.metadata.uid);
  });
  const identity = `${hostname()}-${randomUUID()}`;
  const lease = { namespace: config.namespace, name: "streamfleet-controller", identity };
  const election = new LeaderElection({ ...own, api: kube, random, ...lease });
  const deps = { api: kube, cluster, keys, feed, ...opened, leadership: election };
  const tasks = operator(own, simulated === undefined ? deps : { ...deps, simulated }, stops);
  const all = simulated === undefined ? tasks : [...tasks, simulated.mediaNodes];
  const manager = new Manager({ sources: cluster.informers, tasks: all, election, ...own });
  await serveHealth(own, cluster, stops);
  stops.add(() => manager.stop());
  await manager.start();
}

/** Follows the feeds of all API processes from now on. */
function openFeed({ clock, random, logger, metrics, config }: Process, keys: KeyRing, stops: Stops): FeedClient {
  const { fetch } = globalThis;
  const { feedUrls: urls } = config;
  const feed = new FeedClient({ urls, resolve: addressesOf, keys, clock, random, fetch, logger, metrics });
  feed.start();
  stops.add(() => feed.stop());
  return feed;
}

async function serveHealth(own: Process, { informers }: InformedCluster, stops: Stops): Promise<void> {
  const isReady = (): boolean => informers.every((informer) => informer.hasSynced());
  const { metricsPort } = own.config;
  const operations = await serveOperations(
    { ...own, isReady },
    { port: metricsPort, chosenBy: "STREAMFLEET_METRICS_PORT" },
  );
  stops.add(() => operations.close());
}
