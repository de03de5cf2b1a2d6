/** Slots that are kept for clients who were sent to a node, until they had time to arrive. */

/** How long (s) a slot is kept, whatever the node reports meanwhile. */
export const connectGraceSeconds = 10;
const keptMs = connectGraceSeconds * 1_000;

/** A bound on memory: the node to which nobody was sent for longest loses its reservations first. */
const mostReservations = 200_000;

/** Runs out by itself, without timers, on the monotonic clock. */
export class Reservations {
  readonly #monotonicMs: () => number;
  readonly #most: number;
  /** By UID, when each reservation ends (ms), the earliest first; the node reserved last comes last. */
  readonly #ends = new Map<string, number[]>();
  #count = 0;

  constructor(monotonicMs: () => number, options: { readonly most?: number } = {}) {
    this.#monotonicMs = monotonicMs;
    this.#most = options.most ?? mostReservations;
  }

  /** Keeps one slot of the node with this UID. */
  reserve(uid: string): void {
    const nowMs = this.#monotonicMs();
    const ends = this.#held(uid, nowMs) ?? [];
    this.#ends.delete(uid);
    this.#ends.set(uid, ends);
    ends.push(nowMs + keptMs);
    this.#count += 1;
    this.#dropExcess(nowMs);
  }

  /** How many slots of the node are kept now. */
  count(uid: string): number {
    return this.#held(uid, this.#monotonicMs())?.length ?? 0;
  }

  /** How long (ms) until the first of the node's reservations ends; undefined: it has none. */
  nextEndMs(uid: string): number | undefined {
    const nowMs = this.#monotonicMs();
    const [end] = this.#held(uid, nowMs) ?? [];
    return end === undefined ? undefined : end - nowMs;
  }

  #held(uid: string, nowMs: number): number[] | undefined {
    const ends = this.#ends.get(uid);
    const [first] = ends ?? [];
    if (ends === undefined || (first !== undefined && first > nowMs)) return ends;
    const stillHeld = ends.findIndex((end) => end > nowMs);
    const over = stillHeld === -1 ? ends.length : stillHeld;
    ends.splice(0, over);
    this.#count -= over;
    if (ends.length === 0) this.#ends.delete(uid);
    return ends;
  }

  /** Nodes that nobody asks about any more go here: the first entry is the one reserved longest ago. */
  #dropExcess(nowMs: number): void {
    for (const [uid, ends] of this.#ends) {
      if ((ends.at(-1) ?? 0) > nowMs && this.#count <= this.#most) return;
      this.#ends.delete(uid);
      this.#count -= ends.length;
    }
  }
}
