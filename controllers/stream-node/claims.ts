/** What a StreamNode is to us, and whether its machine may be ended for it: the facts for `domain/node/claim.ts`, each as fresh as it has to be. */
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { groupUidOf, isOwnedBy, type Standing, standingOf, type Title, titleTo } from "../../domain/node/claim.ts";
import { groupTextOf } from "../../domain/group/place.ts";
import { type Machine, machineText } from "../../domain/node/machine.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import { ownerReferenceTo } from "../../fleet/drafts.ts";

export interface ClaimsDeps {
  readonly cluster: Pick<Cluster, "nodeGroups" | "streamNodes">;
  /** Whose machines are ours. */
  readonly settings: { readonly clusterId: string };
}

/** A standing with the group that it was judged by. */
export interface Judged {
  readonly group: NodeGroup | undefined;
  readonly standing: Standing;
}

export class Claims {
  readonly #deps: ClaimsDeps;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
  }

  /** Where the local copy of its group speaks against the node, the cluster itself is asked: the copy may be late. */
  async judge(node: StreamNode, machine: Machine | undefined, signal: AbortSignal): Promise<Judged> {
    const known = this.#deps.cluster.nodeGroups.cache.get(groupTextOf(node));
    const standing = this.#standing(node, known, machine);
    if (standing.kind !== "LetGo" && (known === undefined || !isLost(node, known))) return { group: known, standing };
    const group = await this.#group(node, signal);
    return { group, standing: this.#standing(node, group, machine) };
  }

  /**
   * Whether its machine may be terminated for it, by the cluster's own word on its group: a copy that is late may show one that is no
   * more, while the deletion of its nodes by the garbage collector is known already. `machine` as the cloud has just answered it.
   */
  async title(node: StreamNode, machine: Machine | undefined, signal: AbortSignal): Promise<Title> {
    const standing = this.#standing(node, await this.#group(node, signal), machine);
    if (standing.kind === "LetGo") return standing;
    return titleTo(node, { machine, rivals: this.#rivals(node), clusterId: this.#deps.settings.clusterId });
  }

  /** Makes a group that stays the owner again: whoever took that away did not delete the group. */
  async takeBack(node: StreamNode, group: NodeGroup, signal: AbortSignal): Promise<boolean> {
    const ownerReferences = [...(node.metadata.ownerReferences ?? []), ownerReferenceTo(group)];
    const { client } = this.#deps.cluster.streamNodes;
    return (await client.patch(node, { metadata: { ownerReferences } }, signal)).kind === "Patched";
  }

  #standing(node: StreamNode, group: NodeGroup | undefined, machine: Machine | undefined): Standing {
    const { clusterId } = this.#deps.settings;
    return standingOf(node, { group, machine, rivals: this.#rivals(node), clusterId });
  }

  #group({ metadata, spec }: StreamNode, signal: AbortSignal): Promise<NodeGroup | undefined> {
    return this.#deps.cluster.nodeGroups.client.get({ namespace: metadata.namespace, name: spec.group }, signal);
  }

  /** Others with its machine. */
  #rivals({ metadata, spec }: StreamNode): readonly StreamNode[] {
    if (spec.providerId === undefined) return [];
    const key = machineText(spec.launch.platform, spec.providerId);
    const holders = this.#deps.cluster.streamNodes.cache.byIndex(index.machineId, key);
    return holders.filter((other) => other.metadata.uid !== metadata.uid);
  }
}

/** The group is the one that it was made for, and not its owner any more. */
export function isLost(node: StreamNode, group: NodeGroup): boolean {
  return groupUidOf(node) === group.metadata.uid && !isOwnedBy(node, group);
}
