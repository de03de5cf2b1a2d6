/**
 * Whether there was room when a client was told that there is none. The crowd is taken for the only clients there are, and
 * a slot counts as free only if nobody has come or gone on it for so long that every report and reservation has caught up.
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
}

/** Ten seconds of reservation, and some for the clocks: so long (ms) a slot may look taken after a change. */
const unsettledMs = 12_000;

class Occupancy {
  sessions = 0;
  /** When (ms) a client was sent here or left, oldest first. */
  #changes: number[] = [];

  changed(nowMs: number): void {
    this.#changes.push(nowMs);
  }

  taken(nowMs: number): number {
    const settled = this.#changes.findIndex((atMs) => atMs > nowMs - unsettledMs);
    if (settled !== 0) this.#changes = settled === -1 ? [] : this.#changes.slice(settled);
    return this.sessions + this.#changes.length;
  }
}

/** Follows what the crowd does on each node, and what is seen of the nodes. */
export class RoomBook {
  readonly #monotonicMs: () => number;
  readonly #occupancies = new Map<string, Occupancy>();
  #nodes = new Map<string, SeenNode>();
  /** Nodes that had room at a rejection since the last look, once for each rejection. */
  #suspects: string[] = [];
  #rejectedWithRoom = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Rejections at a moment when a node in service had a free slot, before and after it. */
  get rejectedWithRoom(): number {
    return this.#rejectedWithRoom;
  }

  /** Takes in the nodes as they are now; rejections since the last look are judged. */
  see(nodes: readonly SeenNode[]): void {
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
    this.#rejectedWithRoom += this.#suspects.filter((name) => this.#hasRoom(this.#nodes.get(name))).length;
    this.#suspects = [];
    for (const [name, { sessions }] of this.#occupancies) {
      if (sessions === 0 && !this.#nodes.has(name)) this.#occupancies.delete(name);
    }
  }

  /** Whether the node was on its way out when last seen. */
  isDraining(name: string): boolean {
    return this.#nodes.get(name)?.draining === true;
  }

  /** A look-up named this node. */
  placed(name: string): void {
    this.#occupancy(name).changed(this.#monotonicMs());
  }

  joined(name: string): void {
    this.#occupancy(name).sessions += 1;
  }

  left(name: string): void {
    const occupancy = this.#occupancy(name);
    occupancy.sessions -= 1;
    occupancy.changed(this.#monotonicMs());
  }

  /** A client who came for this was told that there is no room. */
  rejected(kind: SessionKind): void {
    const role = this.#roleFor(kind);
    for (const node of this.#nodes.values()) {
      if (node.role !== role || !this.#hasRoom(node)) continue;
      this.#suspects.push(node.name);
      return;
    }
  }

  /** Viewers go to the edges, or where there is none of them to the origins. */
  #roleFor(kind: SessionKind): Role {
    if (kind === "publish") return "origin";
    return this.#nodes.values().some(({ role }) => role === "edge") ? "edge" : "origin";
  }

  #hasRoom(node: SeenNode | undefined): boolean {
    if (node?.serving !== true) return false;
    return this.#occupancy(node.name).taken(this.#monotonicMs()) < node.capacity;
  }

  #occupancy(name: string): Occupancy {
    const known = this.#occupancies.get(name);
    if (known !== undefined) return known;
    const fresh = new Occupancy();
    this.#occupancies.set(name, fresh);
    return fresh;
  }
}
