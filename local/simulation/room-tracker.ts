/**
 * Whether there was room when a client was told that there is none. The crowd is taken for the only clients there are. A
 * slot is free if nobody has it, nobody has left it so lately that a report may not say so yet, and no reservation of the
 * last seconds stands for it; it is reserved if the last alone is not so.
 */
import type { Role } from "../../crds/names.ts";
import type { SessionKind } from "./session-ports.ts";

/** A node as the Kubernetes API shows it. */
export interface SeenNode {
  readonly name: string;
  readonly role: Role;
  /** Clients that it can serve. */
  readonly capacity: number;
  /** In service, and not on its way out. */
  readonly serving: boolean;
  /** It has been told to go, or is going. */
  readonly draining: boolean;
  /** The cloud has been told to terminate its machine. */
  readonly toldToEnd: boolean;
}

/** Ten seconds of reservation, and some for the clocks: so long (ms) a slot may look taken after somebody was sent to it. */
const reservedMs = 12_000;
/** A report interval, and some for its way: so long (ms) a slot may look taken after somebody has left it. */
const reportedMs = 7_000;

/** A drain that is taken back is told with one report, and the next says so: so long (ms) the node may take nobody. */
const takenBackMs = 12_000;

/** Sessions may be lost before and after the order to end their machine is seen: within so long (ms) they are lost by it. */
export const orderSeenWithinMs = 30_000;

/** Moments (ms), oldest first, of which only the newest matter. */
class Recent {
  readonly #keptMs: number;
  #moments: number[] = [];

  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  add(nowMs: number): void {
    this.#moments.push(nowMs);
  }

  count(nowMs: number): number {
    const first = this.#moments.findIndex((atMs) => atMs > nowMs - this.#keptMs);
    if (first !== 0) this.#moments = first === -1 ? [] : this.#moments.slice(first);
    return this.#moments.length;
  }
}

class Occupancy {
  sessions = 0;
  /** When (ms) the node was last seen on its way out. */
  drainingMs = -Infinity;
  readonly placed = new Recent(reservedMs);
  readonly left = new Recent(reportedMs);

  /** Slots that may look taken, where a reservation counts beside the session that came of it. */
  reserved(nowMs: number): number {
    return this.taken(nowMs) + this.placed.count(nowMs);
  }

  /** Slots that are taken, or were until just now. */
  taken(nowMs: number): number {
    return this.sessions + this.left.count(nowMs);
  }
}

/** How a node had room, by the strict count or by the lenient one. */
type Room = "Free" | "Reserved";

interface Suspicion {
  readonly node: string;
  readonly room: Room;
}

/** Follows what the crowd does on each node, and what is seen of the nodes. */
export class RoomTracker {
  readonly #monotonicMs: () => number;
  readonly #occupancies = new Map<string, Occupancy>();
  /** When (ms) nodes, by name, were last seen with an order to end their machine. */
  readonly #orders = new Map<string, number>();
  #nodes = new Map<string, SeenNode>();
  /** Nodes that had room at a rejection since the last look, one for each rejection. */
  #suspicions: Suspicion[] = [];
  readonly #rejections: Record<Room, number> = { Free: 0, Reserved: 0 };

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Rejections at a moment when a node in service had a free slot, before and after it. */
  get rejectedWithRoom(): number {
    return this.#rejections.Free;
  }

  /** Rejections when there was none, but a slot that had a reservation and nobody on it. */
  get rejectedWhileReserved(): number {
    return this.#rejections.Reserved;
  }

  /** Takes in the nodes as they are now; rejections since the last look are judged. */
  see(nodes: readonly SeenNode[]): void {
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
    for (const { name, toldToEnd } of nodes) if (toldToEnd) this.#orders.set(name, this.#monotonicMs());
    for (const [name, seenMs] of this.#orders)
      if (this.#monotonicMs() - seenMs > 2 * orderSeenWithinMs) this.#orders.delete(name);
    for (const { name, draining } of nodes) if (draining) this.#occupancy(name).drainingMs = this.#monotonicMs();
    for (const { node, room } of this.#suspicions) {
      if (this.#roomOf(this.#nodes.get(node)) !== undefined) this.#rejections[room] += 1;
    }
    this.#suspicions = [];
    for (const [name, { sessions }] of this.#occupancies) {
      if (sessions === 0 && !this.#nodes.has(name)) this.#occupancies.delete(name);
    }
  }

  /** Whether the node was on its way out when last seen. */
  isDraining(name: string): boolean {
    return this.#nodes.get(name)?.draining === true;
  }

  /** Whether the operator has ended the machine of a node of this name lately. */
  wasOrdered(name: string): boolean {
    return this.#monotonicMs() - (this.#orders.get(name) ?? -Infinity) <= orderSeenWithinMs;
  }

  /** A look-up named this node. */
  placed(name: string): void {
    this.#occupancy(name).placed.add(this.#monotonicMs());
  }

  joined(name: string): void {
    this.#occupancy(name).sessions += 1;
  }

  left(name: string): void {
    const occupancy = this.#occupancy(name);
    occupancy.sessions -= 1;
    occupancy.left.add(this.#monotonicMs());
  }

  /** A client who came for this was told that there is no room. */
  rejected(kind: SessionKind): void {
    const role = this.#roleFor(kind);
    let reserved: string | undefined;
    for (const node of this.#nodes.values()) {
      const room = node.role === role ? this.#roomOf(node) : undefined;
      if (room === "Free") return void this.#suspicions.push({ node: node.name, room });
      if (room === "Reserved") reserved ??= node.name;
    }
    if (reserved !== undefined) this.#suspicions.push({ node: reserved, room: "Reserved" });
  }

  /** Viewers go to the edges, or where there is none of them to the origins. */
  #roleFor(kind: SessionKind): Role {
    if (kind === "publish") return "origin";
    return this.#nodes.values().some(({ role }) => role === "edge") ? "edge" : "origin";
  }

  #roomOf(node: SeenNode | undefined): Room | undefined {
    if (node?.serving !== true) return undefined;
    const [occupancy, nowMs] = [this.#occupancy(node.name), this.#monotonicMs()];
    if (nowMs - occupancy.drainingMs < takenBackMs) return undefined;
    if (occupancy.reserved(nowMs) < node.capacity) return "Free";
    return occupancy.taken(nowMs) < node.capacity ? "Reserved" : undefined;
  }

  #occupancy(name: string): Occupancy {
    const known = this.#occupancies.get(name);
    if (known !== undefined) return known;
    const fresh = new Occupancy();
    this.#occupancies.set(name, fresh);
    return fresh;
  }
}
