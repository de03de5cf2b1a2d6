/** The process of the node API: it takes the reports of a whole fleet, and another process follows its feed. */
import { randomBytes } from "node:crypto";
import { InformedGroupDirectory } from "../fleet/group-directory.ts";
import { LatestReports } from "../fleet/latest-reports.ts";
import { createApiServer } from "../api/server.ts";
import { InformedStreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { informedCluster } from "../fleet/cluster.ts";
import { memoryHistory } from "../prisma/memory-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { loadKeyRing } from "../runtime/key-ring.ts";
import { KubeClient, loadKubeConfig } from "../runtime/kube-client.ts";
import { silentLogger } from "../runtime/logger.ts";
import { Manager } from "../runtime/manager.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { operatorNamespace } from "./installation.ts";
import { sharedMs } from "./measure.ts";
import { connectionsAt } from "./report-round.ts";
import { intervalMs, ReportStream } from "./report-stream.ts";
import {
  connectionCapacity,
  type FleetSize,
  fleetPlaces,
  namespace,
  nodeName,
  type NodePlace,
} from "./resting-fleet.ts";

/** What the deciding process says. */
export type ReportOrder =
  | { readonly kind: "Start"; readonly kubeconfig: string; readonly size: FleetSize }
  /** The node at this place (counted from 0) reports that it is full. */
  | { readonly kind: "Tell"; readonly place: number }
  | { readonly kind: "Count" };

/** What this one answers to each. */
export interface ReportAnswer {
  /** Where the feed is. */
  readonly port: number;
  /** When (`sharedMs`) the answer's report arrived, or else the answer was given. */
  readonly atMs: number;
  /** Reports so far. */
  readonly sent: number;
}

interface NodeApi {
  readonly port: number;
  readonly stream: ReportStream;
  readonly places: readonly NodePlace[];
}

async function started({ kubeconfig, size }: Extract<ReportOrder, { kind: "Start" }>): Promise<NodeApi> {
  const clock = systemClock();
  const own = { clock, random: Math.random, logger: silentLogger, metrics: createMetrics() };
  const kube = new KubeClient({ config: await loadKubeConfig(kubeconfig), clock });
  const cluster = informedCluster({ ...own, api: kube, namespace: operatorNamespace });
  const reports = new LatestReports();
  const server = createApiServer({
    ...own,
    nodes: new InformedStreamNodeDirectory(cluster.streamNodeInformer),
    groups: new InformedGroupDirectory({
      nodeGroups: cluster.nodeGroups.cache,
      scalePolicies: cluster.scalePolicies.cache,
    }),
    activities: memoryHistory().activities,
    history: memoryHistory(),
    registrations: cluster.streamNodes.client,
    reports,
    keys: await loadKeyRing(kube, operatorNamespace, { clock, random: randomBytes }),
    config: { reportIntervalMs: intervalMs },
    version: "bench",
  });
  await new Manager({ ...own, sources: cluster.apiInformers, tasks: [] }).start();
  const { port } = await server.listen({ port: 0, host: "127.0.0.1" });
  const places = fleetPlaces(size);
  const uidOf = (place: NodePlace): string | undefined =>
    cluster.streamNodes.cache.get(`${namespace}/${nodeName(place)}`)?.metadata.uid;
  const record = reports.record.bind(reports);
  const stream = new ReportStream({ fleet: { clock, places }, uidOf, record, connectionsAt });
  stream.start();
  return { port, stream, places };
}

async function obey(order: ReportOrder): Promise<ReportAnswer> {
  if (order.kind === "Start") api = await started(order);
  if (api === undefined) throw new Error("it has not been started");
  const atMs = sharedMs();
  const place = order.kind === "Tell" ? api.places[order.place] : undefined;
  if (place !== undefined) api.stream.tell(place, connectionCapacity);
  return { port: api.port, atMs, sent: api.stream.sent };
}

let api: NodeApi | undefined;
process.on("message", (order: ReportOrder) => void obey(order).then((answer) => process.send?.(answer)));
process.on("disconnect", () => process.exit());
