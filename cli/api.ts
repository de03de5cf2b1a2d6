/** `streamfleet api`: the node API, on a Kubernetes cluster and PostgreSQL. */
import { randomBytes } from "node:crypto";
import type { Listener } from "../api/listener.ts";
import { serveOperations } from "../api/operations-server.ts";
import { LatestReports } from "../fleet/latest-reports.ts";
import { assertKinds, assertNamespace } from "../fleet/installation.ts";
import { loadConfig, processEnvironment, type ServerConfig } from "../runtime/config.ts";
import { keepHeapSmall } from "../runtime/heap.ts";
import { loadKeyRing } from "../runtime/key-ring.ts";
import { KubeClient, loadKubeConfig } from "../runtime/kube-client.ts";
import type { KubernetesApi } from "../runtime/kubernetes-api.ts";
import { Manager } from "../runtime/manager.ts";
import { newProcess, type Process } from "./context.ts";
import { createNodeApi, eventRecorder, keyRefreshMs, openCluster, postgresHistory } from "./parts.ts";
import { type Stops, untilStopped } from "./process.ts";

export async function api(): Promise<void> {
  keepHeapSmall();
  const config = loadConfig(processEnvironment(), "api");
  const own = newProcess(config, process.stdout);
  await untilStopped(async (stops) => {
    const kube = new KubeClient({ config: await loadKubeConfig(config.kubeconfig), clock: own.clock });
    await startApi(own, config, kube, stops);
  });
}

async function startApi(own: Process, config: ServerConfig, kube: KubernetesApi, stops: Stops): Promise<Listener> {
  const { clock, logger, metrics } = own;
  await assertNamespace(kube, config.namespace);
  await assertKinds(kube, ["NodeGroup", "ScalePolicy", "StreamNode"]);
  const { history, database } = postgresHistory(own, config.databaseUrl, stops);
  const keys = await loadKeyRing(kube, config.namespace, { clock, random: randomBytes });
  stops.add(keys.refreshEvery(keyRefreshMs, logger));
  const cluster = openCluster(own, kube);
  const events = eventRecorder(own, kube, stops);
  const reports = new LatestReports();
  const parts = { cluster, keys, reports, history, database, events, servesMetrics: false };
  const nodeApi = await createNodeApi(own, parts);
  stops.add(() => nodeApi.close());
  const manager = new Manager({ sources: cluster.apiInformers, tasks: [], ...own });
  stops.add(() => manager.stop());
  const listener = await nodeApi.listen({ port: config.apiPort, chosenBy: "STREAMFLEET_API_PORT" });
  const isReady = (): boolean => cluster.streamNodeInformer.hasSynced();
  const operations = await serveOperations(
    { isReady, metrics, clock, logger },
    { port: config.metricsPort, chosenBy: "STREAMFLEET_METRICS_PORT" },
  );
  stops.add(() => operations.close());
  await manager.start();
  return listener;
}
