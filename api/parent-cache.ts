/** The parents that each node is told, kept until a node changes that may be one of them. */
import type { StreamNode } from "../crds/stream-node.ts";
import { mayHaveChildren, type Parent, parentsOf, topologyNode } from "../domain/node/topology.ts";
import type { StreamNodeDirectory } from "../fleet/stream-node-directory.ts";
import { groupTextOf } from "../domain/group/place.ts";

/** Every report asks for parents, and they change seldom: the answer is kept per (group, role). */
export class ParentCache {
  readonly #directory: StreamNodeDirectory;
  readonly #byGroup = new Map<string, Map<string, readonly Parent[]>>();

  constructor(directory: StreamNodeDirectory) {
    this.#directory = directory;
    // Most changes are of edges, which are nobody's parents.
    directory.onChanged((node) => {
      if (mayHaveChildren(node.spec.role)) this.#byGroup.delete(groupTextOf(node));
    });
  }

  parentsFor(node: StreamNode): readonly Parent[] {
    const byRole = this.#byGroup.get(groupTextOf(node)) ?? new Map<string, readonly Parent[]>();
    const known = byRole.get(node.spec.role);
    if (known !== undefined) return known;
    const group = this.#directory.ofGroup(node.metadata.namespace, node.spec.group);
    const parents = parentsOf(node.spec.role, group.map(topologyNode));
    this.#byGroup.set(groupTextOf(node), byRole.set(node.spec.role, parents));
    return parents;
  }
}
