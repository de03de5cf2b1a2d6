/** One process of the product, put together as `up` does it, with its lifeline to the world. */
import type { Express } from "express";
import { FeedClient, type FeedClientOptions } from "../../fleet/feed/feed-client.ts";
import { InformedGroupDirectory } from "../../fleet/group-directory.ts";
import { LatestReports } from "../../fleet/latest-reports.ts";
import { createApiServer } from "../../api/server.ts";
import { InformedStreamNodeDirectory } from "../../fleet/stream-node-directory.ts";
import { type InformedCluster, informedCluster } from "../../fleet/cluster.ts";
import type { Leadership } from "../../fleet/leadership.ts";
import { operatorTasks } from "../../controllers/operator.ts";
import type { Clock, History, LoadFeed } from "../../domain/ports.ts";
import { staleIntervals } from "../../domain/load/report.ts";
import { MachineInventory } from "../../platforms/inventory.ts";
import type { CloudPlatform } from "../../platforms/platform.ts";
import { BufferedHistory } from "../../prisma/buffered-history.ts";
import { recordReport } from "../../prisma/report-record.ts";
import { EventRecorder } from "../../runtime/events.ts";
import { loadKeyRing } from "../../runtime/key-ring.ts";
import type { KubernetesApi } from "../../runtime/kubernetes-api.ts";
import { LeaderElection } from "../../runtime/leader-election.ts";
import type { Logger } from "../../runtime/logger.ts";
import { Manager } from "../../runtime/manager.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type CrashPoint, Lifeline } from "./lifeline.ts";

/** What outlives a process. */
export interface Surroundings {
  readonly kube: KubernetesApi;
  readonly platform: CloudPlatform;
  readonly history: History;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Reaches the processes, each at its own address. */
  readonly fetch: typeof globalThis.fetch;
}

export interface ProcessOptions {
  readonly identity?: string;
  /** Whether it leads without asking (as `up` does), or by the lease. */
  readonly election?: boolean;
  /** Another process's reports, as if it subscribed to that feed. */
  readonly reports?: LatestReports;
  /** Addresses of the processes whose feeds it follows; absent: it knows what it is told itself. */
  readonly feeds?: readonly string[];
  readonly crash?: CrashPoint;
  readonly latencyMs?: () => number;
  readonly watchLagMs?: () => number;
  /** By how much (ms) its wall clock is ahead of the world's from the start. */
  readonly wallAheadMs?: number;
}

export const operatorNamespace = "streamfleet-system";
export const clusterId = "test-fleet";
export const apiUrl = "http://node-api.test";
export const reportIntervalMs = 5_000;
const defaultIdentity = "operator";

/** The address of the process with this identity. */
export function urlOf(identity: string): string {
  return `http://${identity}.test`;
}

/** Installations keep their key outside the cluster's objects, so it survives their loss. */
const seed = new Uint8Array(32).fill(7);

export class OperatorProcess {
  readonly lifeline: Lifeline;
  readonly reports: LatestReports;
  readonly #around: Surroundings;
  readonly #options: ProcessOptions;
  #stop: () => Promise<void> = () => Promise.resolve();
  readonly #metrics = createMetrics();
  #app: Express | undefined;
  #feed: FeedClient | undefined;
  #history: BufferedHistory | undefined;
  #cluster: InformedCluster | undefined;

  constructor(around: Surroundings, options: ProcessOptions = {}) {
    const { crash, latencyMs, watchLagMs } = options;
    this.#around = around;
    this.#options = options;
    this.lifeline = new Lifeline({ clock: around.clock, crash, latencyMs, watchLagMs });
    this.lifeline.stepWall(options.wallAheadMs ?? 0);
    this.reports = options.reports ?? new LatestReports();
  }

  /** The node API, from the start until the end of the process. */
  get app(): Express | undefined {
    return this.lifeline.hasDied() ? undefined : this.#app;
  }

  /** What it knows of the load. */
  get feed(): LoadFeed {
    return this.#feed ?? this.reports;
  }

  /** Its own address, apart from that which the processes share. */
  get url(): string {
    return urlOf(this.#options.identity ?? defaultIdentity);
  }

  /** What the process knows of the cluster. */
  get cluster(): InformedCluster {
    if (this.#cluster === undefined) throw new Error("the process has not been started");
    return this.#cluster;
  }

  /** Resolves once the caches are complete; never, where the process is killed before. */
  async start(): Promise<void> {
    const { random, logger, history: database } = this.#around;
    const { clock } = this.lifeline;
    const kube = this.lifeline.kubernetes(this.#around.kube);
    const platform = this.lifeline.cloud(this.#around.platform);
    const stores = this.#guarded(database);
    const metrics = this.#metrics;
    const own = { clock, random, logger, metrics };
    const keys = await loadKeyRing(kube, operatorNamespace, { clock, random: () => seed, seed });
    const cluster = informedCluster({ ...own, api: kube, namespace: operatorNamespace });
    const history = new BufferedHistory({ history: stores, clock });
    const api = createApiServer({
      ...own,
      nodes: new InformedStreamNodeDirectory(cluster.streamNodeInformer),
      groups: new InformedGroupDirectory({
        nodeGroups: cluster.nodeGroups.cache,
        scalePolicies: cluster.scalePolicies.cache,
      }),
      activities: stores.activities,
      history: stores,
      registrations: cluster.streamNodes.client,
      reports: this.reports,
      keys,
      config: { reportIntervalMs },
      version: "test",
      onReport: (report, node) => recordReport(history, report, node),
    });
    this.#feed = this.#followed({ ...own, keys });
    this.#feed?.start();
    const election = this.#election(kube, own);
    const leadership: Leadership = election ?? { isLeader: () => true };
    const inventory = new MachineInventory({ platform, clock, random, clusterId });
    const tasks = operatorTasks({
      ...own,
      cluster,
      clouds: new Map([["simulated", { platform, inventory }]]),
      feed: this.feed,
      leadership,
      keys,
      settings: { clusterId, apiUrl },
      namespace: operatorNamespace,
      freshMs: 3 * reportIntervalMs,
      staleMs: staleIntervals * reportIntervalMs,
      history,
      stores,
      retentionMs: 30 * 86_400_000,
      events: new EventRecorder({ ...own, api: kube, component: "streamfleet" }),
    });
    const manager = new Manager({
      ...own,
      sources: cluster.informers,
      tasks,
      ...(election !== undefined && { election }),
    });
    this.#app = api.app;
    this.#history = history;
    this.#cluster = cluster;
    this.#stop = async () => {
      await manager.stop();
      inventory.stop();
      await api.close();
      await this.#feed?.stop();
      await history.stop();
    };
    await manager.start();
  }

  /** Ends in order, as after Ctrl-C. */
  async stop(): Promise<void> {
    await this.#stop();
    this.kill();
  }

  kill(): void {
    this.lifeline.kill();
  }

  /** What the process tells Prometheus. */
  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  /** Writes what history waits for. */
  async flushHistory(): Promise<void> {
    await this.#history?.flush();
  }

  #election(
    api: KubernetesApi,
    own: Pick<ConstructorParameters<typeof LeaderElection>[0], "clock" | "random" | "logger" | "metrics">,
  ): LeaderElection | undefined {
    if (this.#options.election !== true) return undefined;
    const identity = this.#options.identity ?? defaultIdentity;
    return new LeaderElection({ ...own, api, namespace: operatorNamespace, name: "streamfleet-controller", identity });
  }

  #followed(own: Omit<FeedClientOptions, "urls" | "fetch">): FeedClient | undefined {
    const { feeds } = this.#options;
    return feeds && new FeedClient({ ...own, urls: feeds, fetch: this.#around.fetch });
  }

  #guarded({ nodeLives, streams, load, activities, alarms, lastReports }: History): History {
    return {
      alarms: this.lifeline.database(alarms),
      lastReports: this.lifeline.database(lastReports),
      nodeLives: this.lifeline.database(nodeLives),
      streams: this.lifeline.database(streams),
      load: this.lifeline.database(load),
      activities: this.lifeline.database(activities),
    };
  }
}
