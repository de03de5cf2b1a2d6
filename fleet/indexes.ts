/** By what the local copies find objects, besides their names: one set of indexes for everything that runs in a process. */
import type { LaunchBatch } from "../crds/launch-batch.ts";
import type { Role } from "../crds/names.ts";
import type { NodeGroup } from "../crds/node-group.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { type GroupKey, groupText, groupTextOf } from "../domain/group/place.ts";
import { machineText } from "../domain/node/machine.ts";
import { childRolesOf, needsParent, topologyNode } from "../domain/node/topology.ts";
import type { Indexers } from "../runtime/object-cache.ts";
import { keyText } from "../runtime/reconciler.ts";

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

export const nodeGroupIndexers: Indexers<NodeGroup> = {
  [index.launchConfig]: (group) => [launchConfigKeyOf(group)],
  [index.scalePolicy]: (group) => [scalePolicyKeyOf(group)],
};

export const launchBatchIndexers: Indexers<LaunchBatch> = { [index.nodeGroup]: (batch) => [groupTextOf(batch)] };

export const streamNodeIndexers: Indexers<StreamNode> = {
  [index.nodeGroup]: (node) => [groupTextOf(node)],
  [index.batch]: ({ metadata, spec }) => [keyText({ namespace: metadata.namespace, name: spec.batch })],
  [index.machineId]: ({ spec }) =>
    spec.providerId === undefined ? [] : [machineText(spec.launch.platform, spec.providerId)],
  [index.parents]: (node) =>
    childRolesOf(topologyNode(node)).map((role) =>
      parentsKey({ namespace: node.metadata.namespace, group: node.spec.group }, role),
    ),
  [index.orphans]: (node) =>
    needsParent(node.spec.role) && node.status?.phase !== "InService" ? [groupTextOf(node)] : [],
};

/** Under which `index.parents` has the parents of a group's nodes of this role. */
export function parentsKey(group: GroupKey, role: Role): string {
  return `${groupText(group)}/${role}`;
}

/** Key of the LaunchConfig that a group refers to. */
export function launchConfigKeyOf({ metadata, spec }: NodeGroup): string {
  return keyText({ namespace: metadata.namespace, name: spec.launchConfigRef.name });
}

/** Key of the ScalePolicy that a group refers to. */
export function scalePolicyKeyOf({ metadata, spec }: NodeGroup): string {
  return keyText({ namespace: metadata.namespace, name: spec.scalePolicyRef.name });
}
