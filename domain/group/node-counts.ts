/** How many nodes a group has, by what they count for. Kept as nodes come, change and go: a decision is not to count thousands. */
import type { Role } from "../../crds/names.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { PlacedNodes } from "../launch/batch-plan.ts";
import { batchNumber } from "../names.ts";
import { groupUidOf, isClaimed } from "../node/claim.ts";
import type { NodeCounts } from "../scaling/decide-scaling.ts";
import { fromRfc3339, instant, type Instant } from "../time.ts";
import { type Place, placeText } from "./place.ts";

/** A node that is coming. */
export interface StartingNode {
  readonly createdAt: Instant;
  /** Connections that it will serve. */
  readonly capacity: number;
}

/** When an object was created, as this process may rely on it. */
export type CreatedAt = (object: Pick<StreamNode, "metadata">) => Instant;

/** When the object was created, by the API server's clock. */
export function creationOf({ metadata }: Pick<StreamNode, "metadata">): Instant {
  return fromRfc3339(metadata.creationTimestamp) ?? instant(0);
}

/** The nodes of one group, counted. */
export interface GroupNodeCounts extends PlacedNodes {
  /** Regions in which there are nodes. */
  regions(): readonly string[];
  counts(place: Place): NodeCounts;
  /** Nodes that are coming. */
  starting(place: Place): readonly StartingNode[];
  /** How many of those that are coming are not claimed yet: they may be copies, and nothing is to go for them. */
  unclaimed(place: Place): number;
  /** Connections that the largest node in service can serve; 0 where there is none. */
  largestCapacity(place: Place): number;
  /** Whether a node of this batch in this slot has ever been seen. */
  hasSeen(batchUid: string, slot: number): boolean;
}

type Counted = { -readonly [Class in keyof NodeCounts]: number };

interface PlaceCount {
  readonly region: string;
  readonly counted: Counted;
  /** By UID. */
  readonly starting: Map<string, StartingNode>;
  /** By UID, those of them that are not claimed yet. */
  readonly unclaimed: Set<string>;
  /** How many nodes in service have this capacity. */
  readonly capacities: Tally<number>;
  /** Nodes that stay, by zone. */
  readonly zones: Tally<string>;
}

/** How often each key was added and not removed. */
class Tally<K> {
  readonly #counts = new Map<K, number>();

  get counts(): ReadonlyMap<K, number> {
    return this.#counts;
  }

  add(key: K, by: 1 | -1): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

/** Batches that are remembered with the slots in which their nodes were seen: more than are kept of all roles. */
const mostBatches = 200;

/** Counts the nodes that were added and not removed. */
export class NodeCounter implements GroupNodeCounts {
  readonly #places = new Map<string, PlaceCount>();
  readonly #slots = new Tally<string>();
  /** By UID of the batch. */
  readonly #seen = new Map<string, Set<number>>();
  readonly #numbers = new Map<Role, number>();

  readonly #createdAt: CreatedAt;

  constructor(createdAt: CreatedAt = creationOf) {
    this.#createdAt = createdAt;
  }

  static of(nodes: readonly StreamNode[], createdAt?: CreatedAt): NodeCounter {
    const counter = new NodeCounter(createdAt);
    for (const node of nodes) counter.add(node);
    return counter;
  }

  add(node: StreamNode): void {
    this.#remember(node);
    this.#count(node, 1);
  }

  /** In the form in which it was added. */
  remove(node: StreamNode): void {
    this.#count(node, -1);
  }

  isEmpty(): boolean {
    return this.#places.size === 0;
  }

  regions(): readonly string[] {
    return [...new Set([...this.#places.values()].map(({ region }) => region))];
  }

  counts(place: Place): NodeCounts {
    return { ...(this.#places.get(placeText(place))?.counted ?? nothing()) };
  }

  starting(place: Place): readonly StartingNode[] {
    return [...(this.#places.get(placeText(place))?.starting.values() ?? [])];
  }

  unclaimed(place: Place): number {
    return this.#places.get(placeText(place))?.unclaimed.size ?? 0;
  }

  largestCapacity(place: Place): number {
    return Math.max(0, ...(this.#places.get(placeText(place))?.capacities.counts.keys() ?? []));
  }

  zones(place: Place): ReadonlyMap<string, number> {
    return this.#places.get(placeText(place))?.zones.counts ?? new Map();
  }

  usedSlot(role: Role, slot: number): boolean {
    return this.#slots.counts.has(slotKey(role, slot));
  }

  /** One above every number that a node has named. */
  nextNumber(role: Role): number {
    return (this.#numbers.get(role) ?? 0) + 1;
  }

  hasSeen(batchUid: string, slot: number): boolean {
    return this.#seen.get(batchUid)?.has(slot) === true;
  }

  #remember({ spec }: StreamNode): void {
    this.#numbers.set(spec.role, Math.max(this.#numbers.get(spec.role) ?? 0, batchNumber(spec.batch) ?? 0));
    if (spec.batchUid === undefined) return;
    const slots = this.#seen.get(spec.batchUid) ?? new Set();
    this.#seen.set(spec.batchUid, slots.add(spec.slot));
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > mostBatches && oldest !== undefined) this.#seen.delete(oldest);
  }

  #count(node: StreamNode, by: 1 | -1): void {
    const { role, region, slot } = node.spec;
    const key = placeText({ role, region });
    const place = this.#places.get(key) ?? emptyPlace(region);
    countIn(place, node, by, this.#createdAt);
    if (Object.values(place.counted).some((count) => count > 0)) this.#places.set(key, place);
    else this.#places.delete(key);
    this.#slots.add(slotKey(role, slot), by);
  }
}

function emptyPlace(region: string): PlaceCount {
  return {
    region,
    counted: nothing(),
    starting: new Map(),
    unclaimed: new Set(),
    capacities: new Tally(),
    zones: new Tally(),
  };
}

function countIn(place: PlaceCount, node: StreamNode, by: 1 | -1, createdAtOf: CreatedAt): void {
  const { metadata, spec, status } = node;
  const kind = classOf(node);
  const capacity = spec.launch.connectionCapacity;
  place.counted[kind] += by;
  if (kind === "inService") place.capacities.add(capacity, by);
  if (kind === "starting" && by === -1) {
    place.starting.delete(metadata.uid);
    place.unclaimed.delete(metadata.uid);
  }
  if (kind === "starting" && by === 1) {
    if (!isClaimed(node)) place.unclaimed.add(metadata.uid);
    const createdAt = createdAtOf(node);
    place.starting.set(metadata.uid, { createdAt, capacity });
  }
  const zone = status?.machine?.zone;
  if (zone !== undefined && (kind === "inService" || kind === "starting")) place.zones.add(zone, by);
}

function nothing(): Counted {
  return { inService: 0, starting: 0, draining: 0, terminating: 0 };
}

function classOf(node: StreamNode): keyof NodeCounts {
  const { spec, status } = node;
  if (isGoing(node)) return "terminating";
  if (spec.drain !== undefined) return "draining";
  // What the status of a copy says is not its own.
  return status?.phase === "InService" && isClaimed(node) ? "inService" : "starting";
}

/** One that is deleted and was not ours to end is let go: its machine runs on, and gets its node again. */
function isGoing(node: StreamNode): boolean {
  const { metadata, status } = node;
  if (metadata.deletionTimestamp === undefined) return status?.phase === "Terminating";
  const owner = groupUidOf(node);
  return isClaimed(node) && metadata.ownerReferences?.some(({ uid }) => uid === owner) === true;
}

function slotKey(role: Role, slot: number): string {
  return `${role}/${slot}`;
}
