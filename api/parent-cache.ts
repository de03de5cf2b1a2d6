/** The parents that each node is told, kept until a node changes that may be one of them. */
import type { StreamNode } from "../crds/stream-node.ts";
import { servedAddresses } from "../domain/node/address.ts";
import { mayHaveChildren, type Parent, parentsOf, type TopologyNode } from "../domain/node/topology.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";

/** Every report asks for parents, and they change seldom: the answer is kept per (group, role). */
export class ParentCache {
  readonly #directory: StreamNodeDirectory;
  readonly #byGroup = new Map<string, Map<string, readonly Parent[]>>();

  constructor(directory: StreamNodeDirectory) {
    this.#directory = directory;
    // Most changes are of edges, which are nobody's parents.
    directory.onChanged((node) => {
      if (mayHaveChildren(node.spec.role)) this.#byGroup.delete(groupKey(node));
    });
  }

  parentsFor(node: StreamNode): readonly Parent[] {
    const byRole = this.#byGroup.get(groupKey(node)) ?? new Map<string, readonly Parent[]>();
    const known = byRole.get(node.spec.role);
    if (known !== undefined) return known;
    const group = this.#directory.ofGroup(node.metadata.namespace, node.spec.group);
    const parents = parentsOf(node.spec.role, group.map(toTopologyNode));
    this.#byGroup.set(groupKey(node), byRole.set(node.spec.role, parents));
    return parents;
  }
}

function groupKey({ metadata, spec }: StreamNode): string {
  return `${metadata.namespace}/${spec.group}`;
}

/** A StreamNode as the topology sees it. */
export function toTopologyNode({ metadata, spec, status }: StreamNode): TopologyNode {
  const registration = status?.registration;
  return {
    name: metadata.name,
    role: spec.role,
    phase: status?.phase,
    draining:
      spec.drain !== undefined || metadata.deletionTimestamp !== undefined || registration?.goodbyeAt !== undefined,
    ...servedAddresses({ metadata, spec, status }),
  };
}
