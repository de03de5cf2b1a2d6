/** The parts that `up`, `controller` and `api` build alike. */
import { InformedGroupDirectory } from "../fleet/group-directory.ts";
import type { LatestReports } from "../fleet/latest-reports.ts";
import type { ApiServer } from "../api/server.ts";
import { InformedStreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import type { Clouds } from "../fleet/clouds.ts";
import { type InformedCluster, informedCluster } from "../fleet/cluster.ts";
import type { Leadership } from "../fleet/leadership.ts";
import { operatorTasks } from "../controllers/operator.ts";
import type { Kind } from "../crds/names.ts";
import { staleIntervals } from "../domain/load/report.ts";
import type { LoadFeed } from "../domain/ports.ts";
import { BufferedHistory } from "../prisma/buffered-history.ts";
import type { HistoryDatabase } from "../prisma/history-database.ts";
import { connectPostgres } from "../prisma/postgres-database.ts";
import { recordReport } from "../prisma/report-record.ts";
import { passingOutageMs, unwritten } from "../prisma/unwritten.ts";
import { EventRecorder } from "../runtime/events.ts";
import type { KeyRing } from "../runtime/key-ring.ts";
import type { KubernetesApi } from "../runtime/kubernetes-api.ts";
import type { LeaderTask } from "../runtime/manager.ts";
import type { Process } from "./context.ts";
import type { Stops } from "./process.ts";
import type { SimulatedParts } from "./simulated-parts.ts";

/** How often (ms) the node keys are read again, so that a rotation is seen. */
export const keyRefreshMs = 60_000;

const keptSilenceFactor = 3;

export function openCluster(own: Process, api: KubernetesApi, missing: ReadonlySet<Kind> = new Set()): InformedCluster {
  const { clock, random, logger, metrics, config } = own;
  const { namespace } = config;
  return informedCluster({ api, clock, random, logger, metrics, namespace, missing });
}

interface NodeApiParts {
  readonly cluster: InformedCluster;
  readonly keys: KeyRing;
  readonly reports: LatestReports;
  readonly history: BufferedHistory;
  readonly database: HistoryDatabase;
  readonly events: EventRecorder;
  /** Absent: it answers to any. */
  readonly hosts?: readonly string[];
  /** Absent: it does. */
  readonly servesMetrics?: boolean;
}

export async function createNodeApi(own: Process, parts: NodeApiParts): Promise<ApiServer> {
  const { createApiServer } = await import("../api/server.ts");
  const { cluster, keys, reports, history, database } = parts;
  const { clock, config, logger, metrics, version } = own;
  if (config.trustBatch)
    logger.error("nodes are believed by their batch alone", { setting: "STREAMFLEET_TRUST_BATCH" });
  return createApiServer({
    nodes: new InformedStreamNodeDirectory(cluster.streamNodeInformer),
    groups: new InformedGroupDirectory({
      nodeGroups: cluster.nodeGroups.cache,
      scalePolicies: cluster.scalePolicies.cache,
    }),
    activities: database.history.activities,
    history: database.history,
    unwritten: () => unwritten({ history, database, clock }),
    diagnose: (error) => database.diagnose(error),
    registrations: cluster.streamNodes.client,
    reports,
    keys,
    clock,
    config: {
      reportIntervalMs: config.reportIntervalMs,
      trustedProxies: config.trustedProxies,
      trustBatch: config.trustBatch,
      ...(parts.hosts === undefined ? {} : { hosts: parts.hosts }),
      ...(parts.servesMetrics === undefined ? {} : { servesMetrics: parts.servesMetrics }),
    },
    events: parts.events,
    logger,
    metrics,
    version,
    onReport: (report, node) => recordReport(history, report, node),
  });
}

interface OperatorParts {
  readonly api: KubernetesApi;
  readonly cluster: InformedCluster;
  readonly simulated?: SimulatedParts;
  readonly keys: KeyRing;
  readonly feed: LoadFeed;
  readonly history: BufferedHistory;
  readonly database: HistoryDatabase;
  readonly leadership: Leadership;
}

/** Add the manager to `stops` after this: what it records at its end is sent as well. */
export function operator(own: Process, parts: OperatorParts, stops: Stops): readonly LeaderTask[] {
  const { config } = own;
  const { api: kube, simulated, database, ...rest } = parts;
  const clouds: Clouds = new Map(simulated === undefined ? [] : [[simulated.name, simulated.cloud]]);
  return operatorTasks({
    ...own,
    ...rest,
    clouds,
    stores: database.history,
    unwritten: () => unwritten({ history: parts.history, database, clock: own.clock }, passingOutageMs),
    retentionMs: config.retentionMs,
    bound: { bytes: config.historyMaxBytes, footprint: database.footprint },
    events: eventRecorder(own, kube, stops),
    settings: { clusterId: config.clusterId, apiUrl: config.apiUrl },
    namespace: config.namespace,
    freshMs: keptSilenceFactor * config.reportIntervalMs,
    staleMs: staleIntervals * config.reportIntervalMs,
    trustBatch: config.trustBatch,
  });
}

export function eventRecorder(own: Process, api: KubernetesApi, stops: Stops): EventRecorder {
  const events = new EventRecorder({ ...own, api, component: "streamfleet" });
  stops.add(() => events.close());
  return events;
}

export interface OpenHistory {
  readonly database: HistoryDatabase;
  readonly history: BufferedHistory;
}

/** The server may be down: its schema is brought up to date before the first history is written. */
export function postgresHistory(own: Process, url: string, stops: Stops, tell?: BufferParts["tell"]): OpenHistory {
  // What it means for history is told once: an idle pool loses all its connections at the same time.
  const onConnectionError = (error: Error): void => own.logger.debug("lost a database connection", { error });
  const database = connectPostgres({ url, clusterId: own.config.clusterId, onConnectionError });
  stops.add(() => database.close());
  const prepare = (): Promise<unknown> => database.migrate("Tolerate");
  return { database, history: bufferedHistory(own, { database, prepare, ...(tell && { tell }) }, stops) };
}

interface BufferParts {
  readonly database: HistoryDatabase;
  readonly prepare?: () => Promise<unknown>;
  /** Tells people on the terminal, where there are any. */
  readonly tell?: (line: string) => void;
}

export function bufferedHistory(own: Process, parts: BufferParts, stops: Stops): BufferedHistory {
  const { database, prepare, tell = () => undefined } = parts;
  const { clock, logger, metrics } = own;
  const history = new BufferedHistory({
    history: database.history,
    clock,
    onOutage: ({ error }) => {
      const reason = database.diagnose(error);
      logger.error("history is not being written", { reason });
      tell(`history is not being written: ${reason}`);
    },
    onRecovery: ({ outageMs, backlog }) => {
      logger.info("all history is written again", { outageSeconds: Math.round(outageMs / 1_000), backlog });
      tell("all history is written again");
    },
    onRefused: ({ kind, entries, error }) =>
      logger.error("the database refused history", { kind, entries, reason: database.diagnose(error) }),
    onFlush: (state) => metrics.history(state),
    ...(prepare !== undefined && { prepare }),
  });
  stops.add(() => history.stop());
  // The database is prepared now, and whatever keeps it from that is told before anything happens.
  void history.flush();
  return history;
}
