/** The launch reconciler by itself, on virtual time: an embedded Kubernetes API, a simulated cloud, processes that die. */
import { type InformedCluster, informedCluster } from "../../fleet/cluster.ts";
import { BatchHandoff } from "../../fleet/batch-handoff.ts";
import { LaunchReconciler } from "../../controllers/launch/reconciler.ts";
import { type PlacedNodes, planBatch } from "../../domain/launch/batch-plan.ts";
import { largestBatch, type LaunchBatch, launchBatchSchema } from "../../crds/launch-batch.ts";
import { launchConfigSchema } from "../../crds/launch-config.ts";
import { type Kind, resourceType } from "../../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../../crds/node-group.ts";
import { type StreamNode, streamNodeSchema } from "../../crds/stream-node.ts";
import { isSettled } from "../../domain/launch/batch.ts";
import type { Machine } from "../../domain/node/machine.ts";
import { MachineInventory } from "../../platforms/inventory.ts";
import { SimulatedCloud } from "../../platforms/simulated/simulated-cloud.ts";
import { SimulatedPlatform } from "../../platforms/simulated/simulated-platform.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import type { ReconcileResult } from "../../runtime/reconciler.ts";
import { productApi } from "./embedded-api.ts";
import { FakeClock } from "./fake-clock.ts";
import { type CrashPoint, Lifeline } from "./lifeline.ts";
import { launchConfigManifest, nodeGroupManifest, scalePolicyManifest } from "./manifests.ts";
import { seededRandom } from "./random.ts";
import { launchBatchDraft } from "../../fleet/drafts.ts";

const namespace = "default";
const place = { role: "edge", region: "region-a" } as const;
export const call = { keyId: "k1", clusterId: "test", apiUrl: "http://api.test" };
const joinKey = { id: "k1", secret: new Uint8Array(32).fill(7) };
const empty: PlacedNodes = { nextNumber: () => 1, usedSlot: () => false, zones: () => new Map() };

export interface WorldOptions {
  /** How long (ms) a call to the cloud takes; 0 unless given. */
  readonly callMs?: number;
}

export interface BatchOptions {
  readonly count: number;
  /** Whether its creation commits its first call, as it does unless this is false. */
  readonly committed?: boolean;
}

/** A group of at most `maxLimit` 100 edges, its references, and a cloud; everything else is a test's. */
export class LaunchWorld {
  readonly clock = new FakeClock();
  readonly cloud: SimulatedCloud;
  readonly platform: SimulatedPlatform;
  readonly kube = productApi({ clock: this.clock });
  readonly #processes: LaunchProcess[] = [];
  #slots = 0;

  private constructor({ callMs = 0 }: WorldOptions) {
    const { clock } = this;
    this.cloud = new SimulatedCloud({ clock });
    this.platform = new SimulatedPlatform({ clock, cloud: this.cloud, callMs });
  }

  static async open(options: WorldOptions = {}): Promise<LaunchWorld> {
    const world = new LaunchWorld(options);
    const policy = scalePolicyManifest({ roles: [{ role: "edge", minLimit: 1, maxLimit: 100 }] });
    for (const manifest of [launchConfigManifest(), policy, nodeGroupManifest()]) {
      const placed = { ...manifest, metadata: { ...manifest.metadata, namespace } };
      await world.kube.create(resourceType(manifest.kind as Kind), placed);
    }
    return world;
  }

  close(): void {
    for (const own of this.#processes) own.kill();
    this.cloud.close();
    this.kube.close();
  }

  /** A process whose local copy is complete. */
  async start(crash?: CrashPoint): Promise<LaunchProcess> {
    const own = new LaunchProcess(this, crash);
    this.#processes.push(own);
    await own.start();
    return own;
  }

  /** A batch of slots that none before it has, as the cluster answered its creation. */
  async createBatch({ count, committed = true }: BatchOptions): Promise<LaunchBatch> {
    const config = await this.kube.get(resourceType("LaunchConfig"), { namespace, name: "live" });
    const first = this.#slots;
    this.#slots += count;
    const group = await this.group();
    const planned = planBatch({
      group,
      launchConfig: launchConfigSchema.parse(config),
      revision: "r1",
      place,
      decision: { count, reason: "BelowMinimum", message: "" },
      placed: { ...empty, usedSlot: (_role, slot) => slot < first, nextNumber: () => this.#slots },
      batches: [],
      call,
      decidedAt: this.clock.now(),
      mostSlots: largestBatch,
    });
    if (planned === undefined) throw new Error("there is no launch config for the role");
    const { call: kept, ...spec } = planned.spec;
    const type = resourceType("LaunchBatch");
    const apiVersion = `${type.group}/${type.version}`;
    const object = {
      ...launchBatchDraft(group, planned),
      apiVersion,
      kind: type.kind,
      spec: committed ? { ...spec, call: kept } : spec,
    };
    return launchBatchSchema.parse(await this.kube.create(type, object));
  }

  async group(): Promise<NodeGroup> {
    return nodeGroupSchema.parse(await this.kube.get(resourceType("NodeGroup"), { namespace, name: "live" }));
  }

  async batch({ metadata }: LaunchBatch): Promise<LaunchBatch> {
    return launchBatchSchema.parse(await this.kube.get(resourceType("LaunchBatch"), metadata));
  }

  async nodes(): Promise<readonly StreamNode[]> {
    const { items } = await this.kube.list(resourceType("StreamNode"), { namespace });
    return items.map((raw) => streamNodeSchema.parse(raw)).sort((a, b) => a.spec.slot - b.spec.slot);
  }

  patch(kind: Kind, name: string, patch: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.kube.mergePatch(resourceType(kind), { namespace, name }, patch);
  }

  delete(kind: Kind, name: string): Promise<void> {
    return this.kube.delete(resourceType(kind), { namespace, name });
  }

  /** Machines that run or will. */
  machines(): readonly Machine[] {
    return this.cloud.machines().filter(({ state }) => state === "Pending" || state === "Running");
  }
}

/** One process that launches, with its lifeline to the world. */
export class LaunchProcess {
  readonly lifeline: Lifeline;
  /** Its calls in the order in which they left, as `launch` or `create StreamNode`. */
  readonly calls: string[] = [];
  readonly #handoff: BatchHandoff;
  readonly cluster: InformedCluster;
  readonly #world: LaunchWorld;
  readonly #reconciler: LaunchReconciler;
  leads = true;

  constructor(world: LaunchWorld, crash: CrashPoint | undefined) {
    this.#world = world;
    this.lifeline = new Lifeline({ clock: world.clock, crash });
    const { clock } = this.lifeline;
    const random = seededRandom(1);
    const kube = this.#noted(this.lifeline.kubernetes(world.kube));
    const platform = this.#noted(this.lifeline.cloud(world.platform));
    const own = { clock, random, logger: silentLogger, metrics: createMetrics(), namespace };
    this.cluster = informedCluster({ ...own, api: kube });
    this.#handoff = new BatchHandoff(clock);
    this.#reconciler = new LaunchReconciler({
      cluster: this.cluster,
      clouds: new Map([
        ["simulated", { platform, inventory: new MachineInventory({ platform, clock, random, clusterId: "test" }) }],
      ]),
      leadership: { isLeader: () => this.leads },
      keys: { current: joinKey, find: (id) => (id === joinKey.id ? joinKey : undefined) },
      settings: { clusterId: call.clusterId, apiUrl: call.apiUrl },
      clock,
      events: { record: () => undefined },
      handoff: this.#handoff,
      revisionOf: () => "r1",
    });
  }

  async start(): Promise<void> {
    for (const informer of this.cluster.informers) informer.start();
    await this.#world.clock.advance(100);
    this.calls.length = 0;
  }

  /** A batch as if this process had just created it. */
  async handOver(batch: LaunchBatch): Promise<void> {
    await this.#handoff.creating(batch.metadata, () => Promise.resolve({ kind: "Created", object: batch } as const));
  }

  kill(): void {
    this.lifeline.kill();
  }

  /** One turn; its promise never settles where the process is killed in it. */
  reconcile(batch: LaunchBatch): Promise<ReconcileResult> {
    const { signal } = new AbortController();
    const { name } = batch.metadata;
    return this.#reconciler.reconcile({ namespace, name }, { signal, logger: silentLogger });
  }

  /** Turn after turn, as a controller would, until the batch is settled or the process is dead; answers whether it lives. */
  async settle(batch: LaunchBatch): Promise<boolean> {
    for (let turns = 0; turns < 20 && !isSettled(await this.#world.batch(batch)); turns += 1) {
      const progress = { ended: false };
      const turn = this.reconcile(batch).finally(() => (progress.ended = true));
      turn.catch(() => undefined);
      for (let waited = 0; !progress.ended && !this.lifeline.hasDied() && waited < 10_000; waited += 10)
        await this.#world.clock.advance(10);
      if (this.lifeline.hasDied()) return false;
      const result = await turn;
      await this.#world.clock.advance(result.kind === "RequeueAfter" ? result.ms : 0);
    }
    return !this.lifeline.hasDied();
  }

  /** The same object; its calls are noted as they leave. */
  #noted<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name);
        if (typeof value !== "function" || typeof name !== "string") return value;
        return (...args: unknown[]): unknown => {
          const [first] = args;
          const kind = typeof first === "object" && first !== null && "kind" in first ? ` ${String(first.kind)}` : "";
          this.calls.push(`${name}${kind}`);
          return Reflect.apply(value as (...args: unknown[]) => unknown, object, args);
        };
      },
    });
  }
}
