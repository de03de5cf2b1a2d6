/** The cluster as the reconcilers see it: a local copy of each kind to decide on, and a client to act with. */
import type { z } from "zod";
import { type LaunchBatch, launchBatchSchema } from "../crds/launch-batch.ts";
import { type LaunchConfig, launchConfigSchema } from "../crds/launch-config.ts";
import { defaultsConfigMapName, type Kind, resourceType, type Role } from "../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../crds/node-group.ts";
import { type ScalePolicy, scalePolicySchema } from "../crds/scale-policy.ts";
import { type StreamNode, streamNodeSchema } from "../crds/stream-node.ts";
import type { Clock } from "../domain/ports.ts";
import { servedAddresses } from "../domain/node/address.ts";
import { childRolesOf, needsParent, type TopologyNode } from "../domain/node/topology.ts";
import { Informer } from "../runtime/informer.ts";
import type { KubernetesApi, KubernetesObject, ObjectMeta, ResourceType } from "../runtime/kubernetes-api.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Indexers } from "../runtime/object-cache.ts";
import { type Resource, ResourceClient } from "../runtime/resource-client.ts";

/** What deciding needs of an informer. It may lag behind the cluster, so nothing is created on its word alone. */
export type Cache<T> = Pick<Informer<T>, "get" | "list" | "keys" | "byIndex" | "indexHas" | "onChange">;

export interface Collection<T extends Resource> {
  readonly cache: Cache<T>;
  readonly client: ResourceClient<T>;
}

/** The ConfigMap of defaults, as far as it is read. */
export interface ConfigMap {
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}

export interface Cluster {
  readonly nodeGroups: Collection<NodeGroup>;
  readonly scalePolicies: Collection<ScalePolicy>;
  readonly launchConfigs: Collection<LaunchConfig>;
  readonly launchBatches: Collection<LaunchBatch>;
  readonly streamNodes: Collection<StreamNode>;
  readonly defaults: Cache<ConfigMap>;
}

/** Names of the indexes, all of them over `namespace/name` or `platform/id`. */
export const index = {
  /** NodeGroups by the LaunchConfig they refer to. */
  launchConfig: "launchConfig",
  /** NodeGroups by the ScalePolicy they refer to. */
  scalePolicy: "scalePolicy",
  /** StreamNodes and LaunchBatches by NodeGroup. */
  nodeGroup: "nodeGroup",
  /** StreamNodes by LaunchBatch. */
  batch: "batch",
  /** StreamNodes by machine. */
  machineId: "machineId",
  /** StreamNodes in service that others are linked to, by `parentsKey`. */
  parents: "parents",
  /** StreamNodes that need a parent and are not in service, by NodeGroup. */
  orphans: "orphans",
} as const;

export interface ClusterOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The operator's own namespace, which holds the defaults. */
  readonly namespace: string;
  /** Kinds that the cluster did not know at the start, where all that is left is on its way out: they count as empty. */
  readonly missing?: ReadonlySet<Kind>;
  /** Further indexes of StreamNodes that others in the process need. */
  readonly streamNodeIndexers?: Indexers<StreamNode>;
}

/** A cluster with the informers that feed it, which somebody must start. */
export interface InformedCluster extends Cluster {
  readonly informers: readonly Informer<unknown>[];
  /** Those that the node API needs. */
  readonly apiInformers: readonly Informer<unknown>[];
  readonly streamNodeInformer: Informer<StreamNode>;
}

const configMapType: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};

export function informedCluster(options: ClusterOptions): InformedCluster {
  const nodeGroups = collect(options, "NodeGroup", nodeGroupSchema, {
    [index.launchConfig]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.launchConfigRef.name}`],
    [index.scalePolicy]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.scalePolicyRef.name}`],
  });
  const launchBatches = collect(options, "LaunchBatch", launchBatchSchema, { [index.nodeGroup]: ofGroup });
  const streamNodes = collect(options, "StreamNode", streamNodeSchema, {
    ...options.streamNodeIndexers,
    [index.nodeGroup]: ofGroup,
    [index.batch]: ({ metadata, spec }) => [`${metadata.namespace}/${spec.batch}`],
    [index.machineId]: ({ spec }) =>
      spec.providerId === undefined ? [] : [`${spec.launch.platform}/${spec.providerId}`],
    [index.parents]: (node) =>
      childRolesOf(toTopologyNode(node)).map((role) => parentsKey(node.metadata.namespace, node.spec.group, role)),
    [index.orphans]: (node) => (needsParent(node.spec.role) && node.status?.phase !== "InService" ? ofGroup(node) : []),
  });
  const scalePolicies = collect(options, "ScalePolicy", scalePolicySchema, {});
  const launchConfigs = collect(options, "LaunchConfig", launchConfigSchema, {});
  const defaults = defaultsInformer(options);
  const informers = [nodeGroups, scalePolicies, launchConfigs, launchBatches, streamNodes].map(({ cache }) => cache);
  return {
    nodeGroups,
    scalePolicies,
    launchConfigs,
    launchBatches,
    streamNodes,
    defaults,
    informers: [...informers, defaults] as readonly Informer<unknown>[],
    apiInformers: [streamNodes.cache, nodeGroups.cache, scalePolicies.cache] as readonly Informer<unknown>[],
    streamNodeInformer: streamNodes.cache,
  };
}

function ofGroup({ metadata, spec }: LaunchBatch | StreamNode): readonly string[] {
  return [`${metadata.namespace}/${spec.group}`];
}

/** Under which `index.parents` has the parents of a group's nodes of this role. */
export function parentsKey(namespace: string, group: string, role: Role): string {
  return `${namespace}/${group}/${role}`;
}

function toTopologyNode({ metadata, spec, status }: StreamNode): TopologyNode {
  return {
    name: metadata.name,
    role: spec.role,
    phase: status?.phase,
    draining: spec.drain !== undefined || metadata.deletionTimestamp !== undefined,
    ...servedAddresses({ metadata, spec, status }),
  };
}

function collect<S extends z.ZodType<Resource>>(
  options: ClusterOptions,
  kind: Kind,
  schema: S,
  indexers: Indexers<z.output<S>>,
): { readonly cache: Informer<z.output<S>>; readonly client: ResourceClient<z.output<S>> } {
  const { api, clock, random, logger, metrics, missing } = options;
  const type = resourceType(kind);
  const missingIsNone = missing?.has(kind) === true;
  const parse = (raw: KubernetesObject): z.output<S> => schema.parse(raw);
  return {
    cache: new Informer({ api, clock, random, logger, metrics, type, parse, indexers, missingIsNone }),
    client: new ResourceClient({ api, type, parse }),
  };
}

function defaultsInformer({ api, clock, random, logger, metrics, namespace }: ClusterOptions): Informer<ConfigMap> {
  const fieldSelector = `metadata.name=${defaultsConfigMapName}`;
  const parse = (raw: KubernetesObject): ConfigMap => {
    const data = raw["data"];
    const texts = Object.entries(data ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return { metadata: raw.metadata, data: Object.fromEntries(texts) };
  };
  return new Informer({ api, clock, random, logger, metrics, type: configMapType, namespace, fieldSelector, parse });
}

/** Labels by which people and quorum lists find what belongs to a group. */
export function groupLabels(group: string, role: Role, region: string): Record<string, string> {
  return {
    "streamfleet.dev/group": group,
    "streamfleet.dev/role": role,
    "streamfleet.dev/region": region,
  };
}
