/**
 * The whole product in one process on virtual time: an embedded Kubernetes API, a simulated cloud with media nodes on its
 * machines, a database in memory, and processes that can be killed, doubled and cut off from the news.
 */
import { readFileSync } from "node:fs";
import type { Express } from "express";
import { parseAllDocuments } from "yaml";
import { customResourceDefinitions } from "../../crds/definitions.ts";
import { type LaunchBatch, launchBatchSchema } from "../../crds/launch-batch.ts";
import { type Kind, resourceType, type Role } from "../../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../../crds/node-group.ts";
import { type StreamNode, streamNodeSchema } from "../../crds/stream-node.ts";
import { findCondition, type Condition } from "../../domain/conditions.ts";
import type { Machine } from "../../domain/node/machine.ts";
import { fromTags } from "../../domain/node/ownership.ts";
import { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { type Change, ObjectStore } from "../../local/kube/object-store.ts";
import { MediaFleet } from "../../local/media/fleet.ts";
import { SimulatedCloud } from "../../platforms/simulated/simulated-cloud.ts";
import type { SimulatedCloudOptions } from "../../platforms/simulated/options.ts";
import { SimulatedPlatform, type SimulatedPlatformOptions } from "../../platforms/simulated/simulated-platform.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { eventType } from "../../runtime/events.ts";
import { ApiError, type KubernetesObject, type ResourceType } from "../../runtime/kubernetes-api.ts";
import { FakeClock } from "./fake-clock.ts";
import { fetchFrom, fromHeader } from "./in-process-fetch.ts";
import { apiUrl, OperatorProcess, operatorNamespace, type ProcessOptions } from "./operator-process.ts";
import { countedUids, seededRandom } from "./random.ts";
import { RecordingLogger } from "./recording-logger.ts";

export interface FleetOptions {
  readonly seed?: number;
  /** Whether the processes that live share the requests to the node API, as the replicas behind one address do. */
  readonly shared?: boolean;
  readonly cloud?: Omit<SimulatedCloudOptions, "clock">;
  readonly platform?: Omit<SimulatedPlatformOptions, "clock" | "cloud">;
}

export const namespace = "default";

/** How far (ms) `until` moves time between two looks. */
const stepMs = 100;

export class Fleet {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly cloud: SimulatedCloud;
  readonly platform: SimulatedPlatform;
  readonly mediaFleet: MediaFleet;
  /** Every write to an object since the last `forgetWrites`, but for Leases and Events. */
  readonly writes: Change[] = [];
  /** Calls to the cloud by method, since the last `forgetWrites`. */
  readonly cloudCalls = new Map<string, number>();
  /** Chance, the same for the same seed. */
  readonly random: () => number;
  /** Reaches the node API of the first process that lives; where requests are shared, of any. */
  readonly fetch: typeof globalThis.fetch;
  readonly #newUid = countedUids();
  readonly #processes: OperatorProcess[] = [];
  readonly #shared: boolean;
  readonly #cut = new Set<(path: string) => boolean>();
  #rewrite: ((report: Record<string, unknown>) => object) | undefined;
  readonly #parsedNodes = new WeakMap<KubernetesObject, StreamNode>();
  #kube: EmbeddedApi;
  #database = memoryHistory();

  constructor({ seed = 1, shared = false, cloud = {}, platform = {} }: FleetOptions = {}) {
    const { clock } = this;
    this.#shared = shared;
    this.random = seededRandom(seed);
    this.cloud = new SimulatedCloud({ clock, seed: String(seed), ...cloud });
    this.platform = new SimulatedPlatform({ clock, cloud: this.cloud, ...platform });
    this.#kube = this.#newKube();
    this.fetch = fetchFrom((url) => this.#serverOf(url));
    this.mediaFleet = new MediaFleet({
      cloud: this.cloud,
      clock,
      random: this.random,
      fetch: (input, init) => this.fetch(input, this.#rewritten(input, init)),
      logger: this.logger,
    });
    this.mediaFleet.start();
  }

  /** A fleet with one process, and the example applied. */
  static async example(options?: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    await fleet.start();
    await fleet.applyExample();
    return fleet;
  }

  get kube(): EmbeddedApi {
    return this.#kube;
  }

  get database() {
    return this.#database;
  }

  /** The newest process. */
  get process(): OperatorProcess {
    const newest = this.#processes.at(-1);
    if (newest === undefined) throw new Error("there is no process");
    return newest;
  }

  /** Starts a process; with `crash` it may die before it is up. */
  async start(options: ProcessOptions = {}): Promise<OperatorProcess> {
    const { clock, logger, platform } = this;
    const around = { kube: this.#kube, platform: this.#counted(platform), history: this.#database, clock };
    const own = new OperatorProcess({ ...around, random: this.random, logger, fetch: this.fetch }, options);
    this.#processes.push(own);
    const progress = { up: false };
    void own.start().then(() => (progress.up = true));
    for (let waited = 0; !progress.up && !own.lifeline.hasDied(); waited += 10) {
      if (waited > 120_000) throw new Error("the process does not start");
      await clock.advance(10);
    }
    return own;
  }

  /** Kills every process at this moment. */
  kill(): void {
    for (const own of this.#processes) own.kill();
  }

  close(): void {
    this.kill();
    void this.mediaFleet.stop();
    this.cloud.close();
    this.#kube.close();
  }

  // What people do.

  async applyExample(): Promise<void> {
    for (const manifest of exampleManifests()) await this.apply(manifest);
  }

  /** The example with this many origins, and no edges. */
  async applyOrigins(count: number): Promise<void> {
    const [config, policy, group] = exampleManifests();
    if (config === undefined || policy === undefined || group === undefined) throw new Error("the example has changed");
    const roles = [{ role: "origin", minLimit: count, maxLimit: count }];
    for (const manifest of [config, { ...policy, spec: { roles } }, group]) await this.apply(manifest);
  }

  /** Another group of one origin, from the example's launch config, with a policy of its own. */
  async applyOther(name: string): Promise<void> {
    const [, policy, group] = exampleManifests();
    if (policy === undefined || group === undefined) throw new Error("the example has no policy or no group");
    await this.apply({
      ...policy,
      metadata: { name },
      spec: { roles: [{ role: "origin", minLimit: 1, maxLimit: 1 }] },
    });
    const spec = { ...(group["spec"] as object), scalePolicyRef: { name } };
    await this.apply({ ...group, metadata: { name }, spec });
  }

  /** Creates the object, or replaces its spec. */
  async apply(manifest: KubernetesObject): Promise<void> {
    const placed = { ...manifest, metadata: { namespace, ...manifest.metadata } };
    const type = typeOf(manifest.kind);
    try {
      await this.#kube.create(type, placed);
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
      const address = { namespace, name: manifest.metadata.name };
      const known = await this.#kube.get(type, address);
      await this.#kube.replace(type, { ...known, spec: manifest["spec"] });
    }
  }

  async patch(kind: Kind, name: string, patch: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#kube.mergePatch(resourceType(kind), { namespace, name }, patch);
  }

  async delete(kind: Kind, name: string): Promise<void> {
    await this.#kube.delete(resourceType(kind), { namespace, name });
  }

  /** Sets the limits of a role in the ScalePolicy `live`, and leaves the other roles as they are. */
  async limit(role: Role, minLimit: number, maxLimit: number): Promise<void> {
    const policy = await this.#kube.get(resourceType("ScalePolicy"), { namespace, name: "live" });
    const { roles } = policy["spec"] as { readonly roles: readonly { readonly role: string }[] };
    const others = roles.filter((entry) => entry.role !== role);
    await this.patch("ScalePolicy", "live", { spec: { roles: [...others, { role, minLimit, maxLimit }] } });
  }

  /** Requests to these paths of the node API reach nobody, until the returned function is called. */
  cut(paths: (path: string) => boolean): () => void {
    this.#cut.add(paths);
    return () => this.#cut.delete(paths);
  }

  /** From now on media servers report what this makes of their reports. */
  rewriteReports(rewrite: (report: Record<string, unknown>) => object): void {
    this.#rewrite = rewrite;
  }

  /** The database is empty again; processes that run keep the old one. */
  wipeDatabase(): void {
    this.#database = memoryHistory();
  }

  /** A new, empty cluster; processes that run keep the old one. */
  wipeObjects(): void {
    this.#kube.close();
    this.#kube = this.#newKube();
  }

  /** A read-only copy of the cluster as it is now. */
  snapshot(): EmbeddedApi {
    const { store } = this.#kube;
    const objects = [...store.all()];
    const revision = store.revision;
    const nothing = (): void => undefined;
    const persistence = { load: () => ({ revision, objects }), put: nothing, remove: nothing, close: nothing };
    return this.#kubeOn(new ObjectStore({ persistence }));
  }

  // Time.

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Moves time until the condition holds; throws when it does not within `withinMs` of virtual time. */
  async until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<number> {
    const start = this.clock.monotonicMs();
    for (;;) {
      await this.advance(0);
      if (await holds()) return this.clock.monotonicMs() - start;
      if (this.clock.monotonicMs() - start >= withinMs)
        throw new Error(`${what}: not within ${withinMs} ms\n${this.#picture()}`);
      await this.advance(stepMs);
    }
  }

  // What there is.

  nodes(role?: Role): readonly StreamNode[] {
    const nodes = this.#objects("StreamNode").map((raw) => this.#parsed(raw));
    return nodes.filter(({ spec }) => role === undefined || spec.role === role);
  }

  names(role?: Role): readonly string[] {
    return this.nodes(role)
      .toSorted((a, b) => a.spec.slot - b.spec.slot)
      .map(({ metadata }) => metadata.name);
  }

  node(name: string): StreamNode {
    const node = this.nodes().find(({ metadata }) => metadata.name === name);
    if (node === undefined) throw new Error(`there is no StreamNode ${name}`);
    return node;
  }

  batches(): readonly LaunchBatch[] {
    return this.#objects("LaunchBatch").map((raw) => launchBatchSchema.parse(raw));
  }

  group(name = "live"): NodeGroup {
    const raw = this.#objects("NodeGroup").find(({ metadata }) => metadata.name === name);
    if (raw === undefined) throw new Error(`there is no NodeGroup ${name}`);
    return nodeGroupSchema.parse(raw);
  }

  condition(type: string, kind: Kind = "NodeGroup", name = "live"): Condition | undefined {
    const raw = this.#objects(kind).find(({ metadata }) => metadata.name === name);
    const { conditions } = (raw?.["status"] ?? {}) as { readonly conditions?: readonly Condition[] };
    return findCondition(conditions, type);
  }

  /** Machines that run or will, by role or all. */
  machines(role?: Role): readonly Machine[] {
    return this.cloud
      .machines()
      .filter(({ state }) => state === "Pending" || state === "Running")
      .filter(({ tags }) => role === undefined || fromTags(tags)?.role === role);
  }

  /** Machines that are not gone for good: these cost money. */
  machinesLeft(): readonly Machine[] {
    return this.cloud.machines().filter(({ state }) => state !== "Terminated");
  }

  machineOf(nodeName: string): Machine {
    const { providerId } = this.node(nodeName).spec;
    const machine = this.cloud.machines().find((known) => known.providerId === providerId);
    if (machine === undefined) throw new Error(`${nodeName} has no machine`);
    return machine;
  }

  inService(role?: Role): number {
    return this.nodes(role).filter(({ status, metadata }) => {
      return status?.phase === "InService" && metadata.deletionTimestamp === undefined;
    }).length;
  }

  /** Every object of our kinds, as `Kind/name`. */
  objects(): readonly string[] {
    const kinds: readonly Kind[] = ["NodeGroup", "ScalePolicy", "LaunchConfig", "LaunchBatch", "StreamNode"];
    return kinds.flatMap((kind) => this.#objects(kind).map(({ metadata }) => `${kind}/${metadata.name}`));
  }

  /** Events about an object, as `reason: message`. */
  events(kind: Kind, name: string): readonly string[] {
    const { items } = this.#listed(eventType);
    return items
      .filter((event) => {
        const { kind: about, name: of } = event["involvedObject"] as { readonly kind: string; readonly name: string };
        return about === kind && of === name;
      })
      .map((event) => `${String(event["reason"])}: ${String(event["message"])}`);
  }

  forgetWrites(): void {
    this.writes.length = 0;
    this.cloudCalls.clear();
  }

  /** Writes since the last `forgetWrites`, as `ADDED streamnodes/live-edge-0`. */
  writesInWords(): readonly string[] {
    return this.writes.map(({ type, key }) => `${type} ${key.resource.split(".")[0] ?? ""}/${key.name}`);
  }

  /** Calls `look` after every write and every change of a machine, until the returned function is called. */
  watch(look: () => void): () => void {
    const endObjects = this.#kube.store.subscribe({}, look);
    const endMachines = this.cloud.onStateChange(look);
    return () => {
      endObjects();
      endMachines();
    };
  }

  /**
   * Looks after every step whether a limit is passed or a machine has two nodes; answers what was wrong so far. A machine
   * counts until it stops or its node is told to go.
   */
  guard(maxima: Readonly<Partial<Record<Role, number>>>): () => readonly string[] {
    const wrong = new Set<string>();
    this.watch(() => {
      for (const trouble of this.#trouble(maxima)) wrong.add(trouble);
    });
    return () => [...wrong];
  }

  /** What must hold whenever all is calm: each node one machine, each machine one node, no name twice. */
  contradictions(): readonly string[] {
    const nodes = this.nodes().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const ids = nodes.map(({ spec }) => spec.providerId ?? "none");
    const machines = this.machinesLeft().map(({ providerId }) => providerId);
    return [
      ...ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => `machine ${id} has two nodes`),
      ...nodes
        .filter(({ spec }) => !machines.includes(spec.providerId ?? ""))
        .map(({ metadata }) => `${metadata.name} has no machine`),
      ...machines.filter((id) => !ids.includes(id)).map((id) => `machine ${id} has no node`),
    ];
  }

  #trouble(maxima: Readonly<Partial<Record<Role, number>>>): readonly string[] {
    const nodes = this.nodes();
    const going = nodes.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    const goingIds = new Set(going.map(({ spec }) => spec.providerId));
    const overs = Object.entries(maxima).flatMap(([role, most]) => {
      const regions = Map.groupBy(
        this.machines(role as Role).filter(({ providerId }) => !goingIds.has(providerId)),
        ({ region }) => region,
      );
      return [...regions]
        .filter(([, machines]) => machines.length > most)
        .map(([region, { length }]) => `${length} ${role} machines in ${region}, maximum ${most}`);
    });
    const ids = nodes.flatMap(({ spec }) => spec.providerId ?? []);
    const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
    return [...overs, ...twice.map((id) => `machine ${id} has two nodes`)];
  }

  #rewritten(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): RequestInit | undefined {
    const { body } = init ?? {};
    const url = input instanceof Request ? input.url : String(input);
    if (url.endsWith("/register") && typeof body === "string") {
      const { address } = JSON.parse(body) as { readonly address: string };
      return { ...init, headers: { ...(init?.headers as Record<string, string>), [fromHeader]: address } };
    }
    if (this.#rewrite === undefined || typeof body !== "string" || !url.endsWith("/report")) return init;
    const report = this.#rewrite(JSON.parse(body) as Record<string, unknown>);
    return { ...init, body: JSON.stringify(report) };
  }

  #serverOf(url: URL): Express | undefined {
    if (this.#cut.values().some((paths) => paths(url.pathname))) return undefined;
    if (url.origin !== apiUrl) return this.#processes.find((own) => own.url === url.origin)?.app;
    const living = this.#processes.flatMap(({ app }) => app ?? []);
    return living[this.#shared ? checksum(url.pathname) % living.length : 0];
  }

  /** The store never changes an object in place, so each is parsed once. */
  #parsed(raw: KubernetesObject): StreamNode {
    const node = this.#parsedNodes.get(raw) ?? streamNodeSchema.parse(raw);
    this.#parsedNodes.set(raw, node);
    return node;
  }

  #objects(kind: Kind): readonly KubernetesObject[] {
    return this.#listed(resourceType(kind)).items;
  }

  #listed(type: ResourceType): { readonly items: readonly KubernetesObject[] } {
    const kind = this.#kube.kindAt(type.group, type.version, type.plural);
    return { items: kind === undefined ? [] : this.#kube.store.list(kind.resource) };
  }

  #newKube(): EmbeddedApi {
    const store = new ObjectStore();
    const unwanted = ["leases.coordination.k8s.io", "events"];
    const kube = this.#kubeOn(store);
    store.subscribe({}, (change) => {
      if (!unwanted.includes(change.key.resource)) this.writes.push(change);
    });
    return kube;
  }

  #kubeOn(store: ObjectStore): EmbeddedApi {
    const crds = customResourceDefinitions();
    return new EmbeddedApi({ crds, store, clock: this.clock, newUid: this.#newUid, namespaces: [operatorNamespace] });
  }

  #counted(platform: SimulatedPlatform): SimulatedPlatform {
    return new Proxy(platform, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function" || typeof name !== "string") return value;
        return (...args: unknown[]): unknown => {
          this.cloudCalls.set(name, (this.cloudCalls.get(name) ?? 0) + 1);
          return Reflect.apply(value as (...args: unknown[]) => unknown, target, args);
        };
      },
    });
  }

  /** For the message of a test that waits in vain. */
  #picture(): string {
    const nodes = this.nodes().map(({ metadata, spec, status }) => {
      const going = metadata.deletionTimestamp === undefined ? "" : " deleting";
      return `  ${metadata.name} ${status?.phase ?? "-"} ${spec.providerId ?? "-"}${going}`;
    });
    const machines = this.cloud.machines().map(({ providerId, state }) => `  ${providerId} ${state}`);
    const batches = this.batches().map(({ metadata, status }) => {
      return `  ${metadata.name} ${JSON.stringify(status?.conditions?.[0]?.message)}`;
    });
    const errors = this.logger.lines.filter(({ level }) => level === "error").slice(-5);
    const words = errors.map(
      ({ message, fields }) => `  ${message} ${JSON.stringify({ ...fields, error: String(fields["error"]) })}`,
    );
    const groups = this.#objects("NodeGroup").map((raw) => `  ${JSON.stringify(raw["status"])}`);
    return [
      "nodes:",
      ...nodes,
      "machines:",
      ...machines,
      "batches:",
      ...batches,
      "errors:",
      ...words,
      "groups:",
      ...groups,
    ].join("\n");
  }
}

/** The same path goes to the same process, as long as that lives. */
function checksum(path: string): number {
  return Buffer.from(path).reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 0);
}

function typeOf(kind: string): ResourceType {
  if (kind === "ConfigMap") return { group: "", version: "v1", kind, plural: "configmaps", namespaced: true };
  return resourceType(kind as Kind);
}

/** An object as a backup holds it: without what the server fills in, and without its owners where they are left out. */
export function asSaved(object: KubernetesObject, { owners = true, status = true } = {}): KubernetesObject {
  const kept = Object.entries(object.metadata).filter(
    ([field]) =>
      !["uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp"].includes(field) &&
      (owners || field !== "ownerReferences"),
  );
  const metadata = { ...Object.fromEntries(kept), name: object.metadata.name };
  const fields = Object.entries(object).filter(([field]) => status || field !== "status");
  return { ...Object.fromEntries(fields), kind: object.kind, apiVersion: object.apiVersion, metadata };
}

/** The manifests of `examples/live.yaml`. */
export function exampleManifests(): readonly KubernetesObject[] {
  const text = readFileSync(new URL("../../examples/live.yaml", import.meta.url), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject);
}
