/** The operator in this process, put together as `up` does it, with everything counted that goes out of it. */
import { LatestReports } from "../fleet/latest-reports.ts";
import { informedCluster, type InformedCluster } from "../fleet/cluster.ts";
import { operatorTasks } from "../controllers/operator.ts";
import type { Clock, History, LoadFeed } from "../domain/ports.ts";
import { instrumented } from "../platforms/instrumented.ts";
import { MachineInventory } from "../platforms/inventory.ts";
import type { CloudPlatform } from "../platforms/platform.ts";
import { BufferedHistory } from "../prisma/buffered-history.ts";
import { Controller } from "../runtime/controller.ts";
import { EventRecorder } from "../runtime/events.ts";
import { loadKeyRing } from "../runtime/key-ring.ts";
import type { KubernetesApi } from "../runtime/kubernetes-api.ts";
import { silentLogger } from "../runtime/logger.ts";
import { Manager } from "../runtime/manager.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { Activity } from "./activity.ts";
import { DecisionWatch } from "./decision-watch.ts";
import { CallCount, countedKubernetes } from "./call-count.ts";
import { clusterId, operatorNamespace } from "./installation.ts";
import type { RestingFleet } from "./resting-fleet.ts";

export interface OperatorUnderTestOptions {
  readonly fleet: Pick<RestingFleet, "clock"> & { readonly kube: KubernetesApi; readonly reports?: LatestReports };
  /** Of the informers; the fleet's when absent. */
  readonly clusterClock?: Clock;
  readonly platform: CloudPlatform;
  readonly history: History;
  /** What it knows of the load; the fleet's own reports when absent. */
  readonly feed?: LoadFeed;
  /** Age (ms) above which a report counts no more; never, unless nodes do report meanwhile. */
  readonly staleMs?: number;
}

const seed = new Uint8Array(32).fill(7);
/** Where nobody reports again, what was told once stays true. */
const neverMs = 86_400_000;

export class OperatorUnderTest {
  readonly activity: Activity;
  readonly calls: CallCount;
  readonly cluster: InformedCluster;
  readonly inventory: MachineInventory;
  readonly #controllers: readonly Controller[];
  readonly #manager: Manager;
  readonly #history: BufferedHistory;
  readonly #decisions: DecisionWatch;
  #listedMs = 0;
  #clear: () => void = () => undefined;

  private constructor(
    parts: Pick<OperatorUnderTest, "activity" | "calls" | "cluster" | "inventory">,
    controllers: readonly Controller[],
    manager: Manager,
    history: { readonly buffered: BufferedHistory; readonly decisions: DecisionWatch },
  ) {
    this.activity = parts.activity;
    this.calls = parts.calls;
    this.cluster = parts.cluster;
    this.inventory = parts.inventory;
    this.#controllers = controllers;
    this.#manager = manager;
    this.#history = history.buffered;
    this.#decisions = history.decisions;
  }

  /** Everything is there, and nothing has begun. */
  static async prepare(options: OperatorUnderTestOptions): Promise<OperatorUnderTest> {
    const { clock, kube, reports = new LatestReports() } = options.fleet;
    const calls = new CallCount();
    const activity = new Activity();
    const metrics = activity.watch(createMetrics());
    const own = { clock, random: Math.random, logger: silentLogger, metrics };
    const api = countedKubernetes(kube, calls);
    const cluster = informedCluster({
      ...{ ...own, api, namespace: operatorNamespace },
      clock: options.clusterClock ?? clock,
    });
    const observe = { observe: ({ method }: { readonly method: string }) => calls.add("cloud", method) };
    const platform = instrumented(options.platform, observe, () => clock.monotonicMs());
    const inventory = new MachineInventory({ platform, clock, random: Math.random, clusterId });
    const buffered = new BufferedHistory({ history: options.history, clock });
    const decisions = new DecisionWatch(buffered);
    const { staleMs = neverMs } = options;
    const tasks = operatorTasks({
      ...own,
      cluster,
      clouds: new Map([["simulated", { platform, inventory }]]),
      feed: options.feed ?? reports,
      leadership: { isLeader: () => true },
      keys: await keysOf(kube, clock),
      settings: { clusterId, apiUrl: "http://node-api.test" },
      namespace: operatorNamespace,
      freshMs: staleMs,
      staleMs,
      history: decisions,
      stores: options.history,
      retentionMs: 30 * 86_400_000,
      events: new EventRecorder({ ...own, api, component: "streamfleet" }),
    });
    const manager = new Manager({ ...own, sources: cluster.informers, tasks });
    const controllers = tasks.filter((task) => task instanceof Controller);
    const operator = new OperatorUnderTest({ activity, calls, cluster, inventory }, controllers, manager, {
      buffered,
      decisions,
    });
    inventory.onListing(() => {
      operator.#clear();
      operator.#listedMs = performance.now();
    });
    return operator;
  }

  /** Started on a fleet, with everything written that it had to say. */
  static async settled(options: OperatorUnderTestOptions): Promise<OperatorUnderTest> {
    const operator = await OperatorUnderTest.prepare(options);
    const decided = operator.decided();
    await operator.start();
    await decided;
    await operator.quiet();
    return operator;
  }

  start(): Promise<void> {
    return this.#manager.start();
  }

  /** Resolves at the next decision on a group for which all of its machines had been read. */
  decided(): Promise<void> {
    return this.#decisions.next();
  }

  /** Resolves once nothing is left to do but to wait. */
  quiet(): Promise<void> {
    return this.activity.quiet();
  }

  /**
   * Has the region listed. Answers when (`performance.now()`) the listing had been read and its changes were told; nobody has
   * acted on them by then. `clear` is called right before.
   */
  async listed(region: string, clear: () => void = () => undefined): Promise<number> {
    this.#clear = clear;
    await this.inventory.refresh(region);
    this.#clear = () => undefined;
    return this.#listedMs;
  }

  /** Looks at every object of every kind once, and at every region. Answers how many keys those are. */
  async fullPass(): Promise<number> {
    const keys = this.#controllers.flatMap((controller) =>
      this.#keysOf(controller).map((key) => ({ controller, key })),
    );
    for (const { controller, key } of keys) controller.queue.add(key);
    await this.quiet();
    return keys.length;
  }

  async stop(): Promise<void> {
    await this.#manager.stop();
    this.inventory.stop();
    await this.#history.stop();
  }

  #keysOf({ name }: Controller): readonly string[] {
    const { nodeGroups, scalePolicies, launchConfigs, launchBatches, streamNodes } = this.cluster;
    switch (name) {
      case "alarm":
      case "alarm-report":
      case "node-group":
        return nodeGroups.cache.keys();
      case "scale-policy":
        return scalePolicies.cache.keys();
      case "launch-config":
        return launchConfigs.cache.keys();
      case "launch":
        return launchBatches.cache.keys();
      case "stream-node":
        return streamNodes.cache.keys();
      case "sweep":
        return [...new Set(nodeGroups.cache.list().flatMap(({ spec }) => spec.regions))].map((at) => `simulated/${at}`);
      default:
        throw new Error(`the benchmark does not know the keys of ${name}`);
    }
  }
}

function keysOf(kube: KubernetesApi, clock: Clock) {
  return loadKeyRing(kube, operatorNamespace, { clock, random: () => seed, seed });
}
