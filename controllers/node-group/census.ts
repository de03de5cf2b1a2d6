/** How many nodes a group has, by what they count for. Kept as nodes come, change and go: a decision is not to count thousands. */
import type { Role } from "../../crds/names.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { NodeCounts } from "../../domain/scaling.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { Cache } from "../cluster.ts";

/** Limits and decisions are per place. */
export interface Place {
  readonly role: Role;
  readonly region: string;
}

/** The nodes of one group, counted. */
export interface Census {
  /** Regions in which there are nodes. */
  regions(): readonly string[];
  counts(place: Place): NodeCounts;
  /** Whether a node has the slot. */
  holds(role: Role, slot: number): boolean;
}

type Counted = { -readonly [Class in keyof NodeCounts]: number };

/** A census of the nodes that were added and not removed. */
export class NodeCensus implements Census {
  readonly #places = new Map<string, { readonly region: string; readonly counted: Counted }>();
  readonly #slots = new Map<string, number>();

  static of(nodes: readonly StreamNode[]): NodeCensus {
    const census = new NodeCensus();
    for (const node of nodes) census.add(node);
    return census;
  }

  add(node: StreamNode): void {
    this.#count(node, 1);
  }

  /** In the form in which it was added. */
  remove(node: StreamNode): void {
    this.#count(node, -1);
  }

  regions(): readonly string[] {
    return [...new Set([...this.#places.values()].map(({ region }) => region))];
  }

  counts(place: Place): NodeCounts {
    return { ...(this.#places.get(placeKey(place))?.counted ?? nothing()) };
  }

  holds(role: Role, slot: number): boolean {
    return this.#slots.has(slotKey(role, slot));
  }

  #count(node: StreamNode, by: 1 | -1): void {
    const { role, region, slot } = node.spec;
    const key = placeKey({ role, region });
    const place = this.#places.get(key) ?? { region, counted: nothing() };
    place.counted[classOf(node)] += by;
    if (Object.values(place.counted).some((count) => count > 0)) this.#places.set(key, place);
    else this.#places.delete(key);
    const holders = (this.#slots.get(slotKey(role, slot)) ?? 0) + by;
    if (holders > 0) this.#slots.set(slotKey(role, slot), holders);
    else this.#slots.delete(slotKey(role, slot));
  }
}

/** A census of each group, which follows the local copy. */
export class CensusBook {
  readonly #groups = new Map<string, NodeCensus>();
  /** Nodes in the form in which they were counted, by key. */
  readonly #counted = new Map<string, StreamNode>();

  constructor(nodes: Pick<Cache<StreamNode>, "onChange">) {
    nodes.onChange((change) => {
      this.#forget(change.key);
      if (change.kind !== "Deleted") this.#count(change.key, change.object);
    });
  }

  /** Of the group with this key, as the local copy is now. */
  of(group: string): Census {
    return this.#groups.get(group) ?? new NodeCensus();
  }

  #count(key: string, node: StreamNode): void {
    const group = groupKey(node);
    const census = this.#groups.get(group) ?? new NodeCensus();
    census.add(node);
    this.#groups.set(group, census);
    this.#counted.set(key, node);
  }

  #forget(key: string): void {
    const node = this.#counted.get(key);
    if (node === undefined) return;
    const group = groupKey(node);
    const census = this.#groups.get(group);
    census?.remove(node);
    if (census?.regions().length === 0) this.#groups.delete(group);
    this.#counted.delete(key);
  }
}

function nothing(): Counted {
  return { inService: 0, starting: 0, draining: 0, terminating: 0 };
}

function classOf({ metadata, spec, status }: StreamNode): keyof NodeCounts {
  if (metadata.deletionTimestamp !== undefined || status?.phase === "Terminating") return "terminating";
  if (spec.drain !== undefined) return "draining";
  return status?.phase === "InService" ? "inService" : "starting";
}

function groupKey({ metadata, spec }: StreamNode): string {
  return keyText({ namespace: metadata.namespace, name: spec.group });
}

function placeKey({ role, region }: Place): string {
  return `${role}/${region}`;
}

function slotKey(role: Role, slot: number): string {
  return `${role}/${slot}`;
}
