/** The node counts of every group: they follow the local copy. */
import type { StreamNode } from "../../crds/stream-node.ts";
import { type CreatedAt, creationOf, type GroupNodeCounts, NodeCounter } from "../../domain/group/node-counts.ts";
import { groupTextOf } from "../../domain/group/place.ts";
import type { Cache } from "../../fleet/cluster.ts";

/** The node counts of each group, which follow the local copy. */
export class NodeCounters {
  readonly #groups = new Map<string, NodeCounter>();
  /** Nodes in the form in which they were counted, by key. */
  readonly #counted = new Map<string, StreamNode>();

  readonly #createdAt: CreatedAt;

  constructor(nodes: Pick<Cache<StreamNode>, "onChange">, createdAt: CreatedAt = creationOf) {
    this.#createdAt = createdAt;
    nodes.onChange((change) => {
      this.#forget(change.key);
      if (change.kind !== "Deleted") this.#count(change.key, change.object);
    });
  }

  /** Of the group with this key, as the local copy is now. */
  ofGroup(group: string): GroupNodeCounts {
    return this.#groups.get(group) ?? new NodeCounter(this.#createdAt);
  }

  #count(key: string, node: StreamNode): void {
    const group = groupTextOf(node);
    const counter = this.#groups.get(group) ?? new NodeCounter(this.#createdAt);
    counter.add(node);
    this.#groups.set(group, counter);
    this.#counted.set(key, node);
  }

  #forget(key: string): void {
    const node = this.#counted.get(key);
    if (node === undefined) return;
    const group = groupTextOf(node);
    const counter = this.#groups.get(group);
    counter?.remove(node);
    if (counter?.isEmpty() === true) this.#groups.delete(group);
    this.#counted.delete(key);
  }
}
