/** The API of one process on real sockets, with a cluster in memory and time that stands still. */
import type { EventRecorder } from "../../runtime/events.ts";
import { operatorHeader } from "../../api/client-address.ts";
import { type ApiServer, createApiServer, defaultRateLimits, type RateLimits } from "../../api/server.ts";
import type { LookedUpHistory } from "../../api/history-routes.ts";
import type { ReportSink } from "../../api/node-routes.ts";
import { InformedGroupDirectory } from "../../fleet/group-directory.ts";
import { LatestReports } from "../../fleet/latest-reports.ts";
import { InformedStreamNodeDirectory } from "../../fleet/stream-node-directory.ts";
import { finalizers, resourceType, type Role } from "../../crds/names.ts";
import type { NodeGroup, NodeGroupStatus } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import {
  type NodeLaunch,
  type StreamNode,
  streamNodeSchema,
  type StreamNodeSpec,
  type StreamNodeStatus,
} from "../../crds/stream-node.ts";
import type { HistoryOutage } from "../../domain/history.ts";
import type { ActivityStore } from "../../domain/ports.ts";
import type { PartLoss } from "../../domain/load/report-parts.ts";
import type { NodeReport } from "../../domain/load/report.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { type KeyRing, loadKeyRing } from "../../runtime/key-ring.ts";
import type { AnsweredRequest } from "../../runtime/metrics.ts";
import { type NodeClaims, signJoinToken, signNodeToken, signOperatorToken } from "../../runtime/node-tokens.ts";
import { ResourceClient } from "../../runtime/resource-client.ts";
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { productApi } from "./embedded-api.ts";
import { FakeClock } from "./fake-clock.ts";
import { KnownNodes } from "./known-nodes.ts";
import { OrderedFaults } from "./ordered-faults.ts";
import { RecordingLogger } from "./recording-logger.ts";
import { nodeGroup, scalePolicy } from "./resources.ts";

export const namespace = "media";
const operatorNamespace = "streamfleet-system";
const nodeType = resourceType("StreamNode");

export interface NodeChange {
  readonly name?: string;
  readonly spec?: Partial<StreamNodeSpec>;
  readonly status?: StreamNodeStatus;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface NodeApiWorldOptions {
  readonly clock?: FakeClock;
  readonly rateLimits?: Partial<RateLimits>;
  readonly onReport?: ReportSink;
  /** Default: of a history in memory. */
  readonly activities?: Pick<ActivityStore, "last">;
  readonly history?: LookedUpHistory;
  readonly unwritten?: () => HistoryOutage | undefined;
  readonly reportIntervalMs?: number;
  readonly trustedProxies?: readonly string[];
  readonly trustBatch?: boolean;
  readonly servesMetrics?: boolean;
  readonly hosts?: readonly string[];
  readonly events?: Pick<EventRecorder, "record">;
  readonly port?: number;
}

interface ClusterInTests {
  readonly faults: OrderedFaults;
  readonly cluster: EmbeddedApi;
}

export class NodeApiWorld {
  readonly clock: FakeClock;
  readonly faults: OrderedFaults;
  readonly cluster: EmbeddedApi;
  readonly known = new KnownNodes();
  readonly directory = new InformedStreamNodeDirectory(this.known);
  readonly reports = new LatestReports();
  /** By `namespace/name`, as informers know them. */
  readonly nodeGroups = new Map<string, NodeGroup>();
  readonly scalePolicies = new Map<string, ScalePolicy>();
  readonly logger = new RecordingLogger();
  readonly answered: AnsweredRequest[] = [];
  readonly losses: PartLoss[] = [];
  readonly keys: KeyRing;
  readonly #server: ApiServer;
  readonly client: ResourceClient<StreamNode>;
  url = "";

  constructor(keys: KeyRing, options: NodeApiWorldOptions, { faults, cluster }: ClusterInTests) {
    this.keys = keys;
    this.faults = faults;
    this.clock = options.clock ?? new FakeClock();
    this.cluster = cluster;
    this.client = new ResourceClient({
      api: cluster,
      type: nodeType,
      parse: (raw) => streamNodeSchema.parse(raw),
    });
    this.#server = createApiServer({
      nodes: this.directory,
      groups: new InformedGroupDirectory(this),
      activities: options.activities ?? memoryHistory().activities,
      history: options.history ?? memoryHistory(),
      ...(options.unwritten !== undefined && { unwritten: options.unwritten }),
      registrations: this.client,
      reports: this.reports,
      keys,
      clock: this.clock,
      config: {
        reportIntervalMs: options.reportIntervalMs ?? 5_000,
        rateLimits: { ...defaultRateLimits, ...options.rateLimits },
        trustBatch: options.trustBatch ?? false,
        ...(options.hosts !== undefined && { hosts: options.hosts }),
        ...(options.servesMetrics !== undefined && { servesMetrics: options.servesMetrics }),
        ...(options.trustedProxies !== undefined && { trustedProxies: options.trustedProxies }),
      },
      logger: this.logger,
      ...(options.events !== undefined && { events: options.events }),
      metrics: {
        contentType: "text/plain; version=0.0.4",
        text: () => Promise.resolve("streamfleet_leader 1\n"),
        requestAnswered: (answered) => this.answered.push(answered),
        reportPartsDropped: (loss) => void this.losses.push(loss),
      },
      version: "0.1.0",
      ...(options.onReport !== undefined && { onReport: options.onReport }),
    });
  }

  static async open(options: NodeApiWorldOptions = {}): Promise<NodeApiWorld> {
    const faults = new OrderedFaults();
    const cluster = productApi({ faults: faults.around, namespaces: [namespace, operatorNamespace] });
    const clock = options.clock ?? new FakeClock();
    const keys = await loadKeyRing(cluster, operatorNamespace, {
      clock,
      random: (bytes) => new Uint8Array(bytes).fill(7),
    });
    const world = new NodeApiWorld(keys, { ...options, clock }, { faults, cluster });
    const { port } = await world.#server.listen({ port: options.port ?? 0, host: "127.0.0.1" });
    world.url = `http://127.0.0.1:${port}`;
    return world;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /** Creates a StreamNode in the cluster and lets the API know it. */
  async addNode(change: NodeChange = {}): Promise<StreamNode> {
    const { status, ...draft } = nodeDraft(change);
    const { name } = draft.metadata;
    const { uid } = (
      await this.cluster.create(nodeType, { apiVersion: "streamfleet.dev/v1alpha1", kind: "StreamNode", ...draft })
    ).metadata;
    const own = { claimedUid: uid, ...status };
    await this.cluster.mergePatch(nodeType, { namespace, name }, { status: own }, { subresource: "status" });
    await this.sync(name);
    return this.node(name);
  }

  /** Lets the API know the group `live` and its policy. */
  addGroup(
    group: { readonly spec?: object; readonly status?: NodeGroupStatus; readonly deletionTimestamp?: string } = {},
    policy: object = {},
  ): void {
    const { spec, status, deletionTimestamp } = group;
    const { metadata, ...rest } = nodeGroup({ ...spec });
    const marked = { ...metadata, namespace, ...(deletionTimestamp !== undefined && { deletionTimestamp }) };
    this.nodeGroups.set(`${namespace}/live`, { ...rest, metadata: marked, ...(status !== undefined && { status }) });
    this.scalePolicies.set(`${namespace}/live`, scalePolicy({ ...policy }));
  }

  /** A node that serves: it is in service, and its first report is known. */
  async addServing(change: NodeChange, load: Partial<NodeReport> = {}): Promise<StreamNode> {
    const node = await this.addNode(change);
    this.reports.record(nodeReport(node, { receivedAt: this.clock.now(), ...load }));
    return node;
  }

  /**
   * Deletes the node, which a finalizer keeps until its machine is gone, and lets the API know that. `Told`: the controller has
   * told the cloud to terminate the machine.
   */
  async deleteNode(name = "live-edge-0", machine: "Told" | "NotTold" = "Told"): Promise<StreamNode> {
    if (machine === "Told") await this.patchStatus(name, toldToEnd(await this.node(name)));
    const patch = { metadata: { finalizers: [finalizers.machine] } };
    await this.cluster.mergePatch(nodeType, { namespace, name }, patch);
    await this.cluster.delete(nodeType, { namespace, name });
    await this.sync(name);
    return this.node(name);
  }

  /** The node as the cluster has it. */
  async node(name: string): Promise<StreamNode> {
    const node = await this.client.get({ namespace, name });
    if (node === undefined) throw new Error(`there is no ${name}`);
    return node;
  }

  /** Lets the API know the node as the cluster has it. */
  async sync(name: string): Promise<void> {
    this.known.learn(await this.node(name));
  }

  /** `unseen`: the API's copy of the node does not show it. */
  async patchSpec(name: string, spec: Readonly<Record<string, unknown>>, seen: "seen" | "unseen" = "seen") {
    await this.cluster.mergePatch(nodeType, { namespace, name }, { spec });
    if (seen === "seen") await this.sync(name);
  }

  /** As the controller does, which writes the rest of the status. */
  async patchStatus(name: string, status: StreamNodeStatus): Promise<void> {
    await this.cluster.mergePatch(nodeType, { namespace, name }, { status }, { subresource: "status" });
    await this.sync(name);
  }

  joinToken(change: Partial<Parameters<typeof signJoinToken>[1]> = {}): string {
    return signJoinToken(this.keys.current, { namespace, group: "live", batch: "live-edge-b1", ...change });
  }

  /** The node token of the boot that is registered on the machine that has this id. */
  nodeToken(providerId: string, change: Partial<NodeClaims> = {}): string {
    const { metadata, status } = this.directory.byMachine("simulated", providerId) ?? {};
    const bootId = status?.registration?.bootId ?? "boot-1";
    const claims = { platform: "simulated", providerId, uid: metadata?.uid ?? "none", bootId, ...change } as const;
    return signNodeToken(this.keys.current, claims);
  }

  async post(
    path: string,
    token: string | undefined,
    body: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const headers = {
      "Content-Type": "application/json",
      ...more,
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    const response = await fetch(this.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    return toAnswer(response);
  }

  /** Asks where to publish, or to watch, the stream `live/one`. */
  lookUp(
    verb: "publish" | "subscribe",
    query = `namespace=${namespace}&group=live`,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.get(`/v1/streams/live/one/${verb}?${query}`, headers);
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return toAnswer(await fetch(this.url + path, { headers }));
  }

  /** Registers; the call comes from the address that the machine gives, or from another. */
  register(change: Readonly<Record<string, unknown>> = {}, token = this.joinToken(), from?: string): Promise<Answer> {
    const body: Readonly<Record<string, unknown>> = { ...registration, ...change };
    return this.post("/v1/nodes/register", token, body, this.callingFrom(from ?? String(body["address"])));
  }

  /** As simulations on this machine call. */
  callingFrom(address: string): Readonly<Record<string, string>> {
    return { "X-Forwarded-For": address, [operatorHeader]: signOperatorToken(this.keys.current) };
  }

  /** Registers the machine of `addNode`'s default and gives its token. */
  async registered(change: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { body } = await this.register(change);
    return String(body["token"]);
  }

  report(
    token: string | undefined,
    change: Readonly<Record<string, unknown>> = {},
    name = "live-edge-0",
  ): Promise<Answer> {
    return this.post(`/v1/nodes/${namespace}/${name}/report`, token, { ...emptyReport, ...change });
  }

  goodbye(token: string, change: Readonly<Record<string, unknown>> = {}, name = "live-edge-0"): Promise<Answer> {
    return this.post(`/v1/nodes/${namespace}/${name}/goodbye`, token, { bootId: "boot-1", ...change });
  }
}

/** The status of a node whose machine the cloud was told to terminate. */
export function toldToEnd({ metadata, status }: StreamNode): StreamNodeStatus {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const told = { type: "Terminated", status: "False", reason: "AwaitingCloud", message: "it was asked" } as const;
  return { ...status, claimedUid: metadata.uid, conditions: [{ ...told, lastTransitionTime }] };
}

export const registration = {
  machineId: "i-1",
  platform: "simulated",
  address: "198.18.0.1",
  privateAddress: "10.0.0.1",
  version: "1.0",
  bootId: "boot-1",
};

export const emptyReport = { bootId: "boot-1", sequence: 1, connections: 0, publishers: 0, subscribers: 0 };

/** What the cloud says of every machine unless a test says otherwise: where its node claims to be. */
const addressesInTests = { public: "198.18.0.1", private: "10.0.0.1" };

/** A report of a node, as the API takes it; of nobody at all unless a test says otherwise. */
export function nodeReport(
  { metadata }: Pick<StreamNode, "metadata">,
  change: Partial<NodeReport> & Pick<NodeReport, "receivedAt">,
): NodeReport {
  const { uid, name } = metadata;
  const lists = { links: [], streams: [], children: [], acknowledged: [] };
  return { uid, namespace: metadata.namespace, name, ...emptyReport, accepting: true, ...lists, ...change };
}

const launch: NodeLaunch = {
  launchConfig: "media",
  revision: "1",
  platform: "simulated",
  image: "image-1",
  instanceType: "small",
  connectionCapacity: 500,
  registrationTimeoutSeconds: 150,
};

/** A StreamNode to be created, and the status to be written then. */
export function nodeDraft({ name = "live-edge-0", spec, status = {} }: NodeChange) {
  return {
    metadata: { name, namespace },
    spec: {
      group: "live",
      role: "edge",
      slot: 0,
      region: "sim-east",
      batch: "live-edge-b1",
      index: 0,
      providerId: "i-1",
      launch,
      ...spec,
    },
    status: { addresses: addressesInTests, ...status },
  };
}

/** A StreamNode as it would be read from a cluster. */
export function streamNode(change: NodeChange = {}): StreamNode {
  const { metadata, ...draft } = nodeDraft(change);
  return streamNodeSchema.parse({
    ...draft,
    status: { claimedUid: "uid-1", ...draft.status },
    metadata: { ...metadata, uid: "uid-1", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  });
}

/** An origin that serves, as parents are. */
export function origin(slot: number, address = `198.18.1.${slot}`): NodeChange {
  return serving("origin", slot, { providerId: `o-${slot}`, address });
}

/** An edge that serves, with room for so many. */
export function edge(slot: number, connectionCapacity = launch.connectionCapacity): NodeChange {
  const { spec, ...rest } = serving("edge", slot, { providerId: `e-${slot}`, address: `198.18.2.${slot}` });
  return { ...rest, spec: { ...spec, launch: { ...launch, connectionCapacity } } };
}

function serving(
  role: Role,
  slot: number,
  { providerId, address }: { readonly providerId: string; readonly address: string },
): NodeChange {
  return {
    name: `live-${role}-${slot}`,
    spec: { role, slot, batch: `live-${role}-b1`, providerId },
    status: {
      phase: "InService",
      addresses: { public: address },
      registration: { machineId: providerId, address, bootId: "boot-1", registeredAt: "2026-01-01T00:00:00Z" },
    },
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("Content-Type") ?? "");
  const body = (isJson ? JSON.parse(text) : { text }) as Readonly<Record<string, unknown>>;
  return { status: response.status, headers: response.headers, body };
}
