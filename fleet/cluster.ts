/** The cluster as the reconcilers see it: a local copy of each kind to decide on, and a client to act with. */
import type { z } from "zod";
import { type LaunchBatch, launchBatchSchema } from "../crds/launch-batch.ts";
import { type LaunchConfig, launchConfigSchema } from "../crds/launch-config.ts";
import { defaultsConfigMapName, type Kind, resourceType } from "../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../crds/node-group.ts";
import { type ScalePolicy, scalePolicySchema } from "../crds/scale-policy.ts";
import { type StreamNode, streamNodeSchema } from "../crds/stream-node.ts";
import type { Clock } from "../domain/ports.ts";
import { Informer } from "../runtime/informer.ts";
import type { KubernetesApi, KubernetesObject, ObjectMeta, ResourceType } from "../runtime/kubernetes-api.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Indexers } from "../runtime/object-cache.ts";
import { type Resource, ResourceClient } from "../runtime/resource-client.ts";
import { launchBatchIndexers, nodeGroupIndexers, streamNodeIndexers } from "./indexes.ts";

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
  const nodeGroups = collect(options, "NodeGroup", nodeGroupSchema, nodeGroupIndexers);
  const launchBatches = collect(options, "LaunchBatch", launchBatchSchema, launchBatchIndexers);
  const streamNodes = collect(options, "StreamNode", streamNodeSchema, streamNodeIndexers);
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
