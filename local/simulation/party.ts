/** Clients who came for the same thing: who waits for a place, and who has one. */
import type { SessionKind } from "./session-ports.ts";

/** One client, from coming to leaving. */
export interface Guest {
  /** Nobody else has had it. */
  readonly number: number;
  /** The stream it wants, by number. 0: any. */
  stream: number;
  /** When (ms, monotonic) it looks for a node, the next time. */
  dueMs: number;
  /** How often it was told that there is no room since it came or was last served. */
  rejections: number;
  /** Whether it has been counted among the rejected. */
  wasRejected: boolean;
  /** When (ms, monotonic) it has seen enough; absent: when it is sent away. */
  leavesMs?: number;
  /** Its session and the node that serves it; absent while it waits. */
  seat?: Seat;
}

interface Seat {
  readonly id: string;
  readonly node: string;
}

export class Party {
  readonly kind: SessionKind;
  readonly #waiting = new Set<Guest>();
  readonly #seated: Guest[] = [];
  /** Place in `#seated`, by session. */
  readonly #places = new Map<string, number>();

  constructor(kind: SessionKind) {
    this.kind = kind;
  }

  get size(): number {
    return this.#waiting.size + this.#seated.length;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get seated(): readonly Guest[] {
    return this.#seated;
  }

  guests(): readonly Guest[] {
    return [...this.#waiting, ...this.#seated];
  }

  /** Those who wait and want to look for a node now, in the order of their coming. */
  due(nowMs: number, most: number): readonly Guest[] {
    return this.#waiting
      .values()
      .filter(({ dueMs }) => dueMs <= nowMs)
      .take(most)
      .toArray();
  }

  /** The guest waits, anew or for the first time. */
  await(guest: Guest): void {
    this.#unseat(guest);
    this.#waiting.add(guest);
  }

  seat(guest: Guest, seat: Seat): void {
    this.#waiting.delete(guest);
    guest.seat = seat;
    this.#places.set(seat.id, this.#seated.length);
    this.#seated.push(guest);
  }

  remove(guest: Guest): void {
    this.#waiting.delete(guest);
    this.#unseat(guest);
  }

  bySession(id: string): Guest | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.#seated[place];
  }

  /** Somebody to leave: one who waits, or else anybody. `chance` is in [0, 1). */
  anybody(chance: number): Guest | undefined {
    if (this.#waiting.size > 0) return this.#waiting.values().next().value;
    return this.#seated[Math.floor(chance * this.#seated.length)];
  }

  /** The last one takes the place, so that leaving costs the same in a large crowd. */
  #unseat(guest: Guest): void {
    const place = guest.seat === undefined ? undefined : this.#places.get(guest.seat.id);
    if (guest.seat === undefined || place === undefined) return;
    this.#places.delete(guest.seat.id);
    delete guest.seat;
    const last = this.#seated.pop();
    if (last?.seat === undefined || last === guest) return;
    this.#seated[place] = last;
    this.#places.set(last.seat.id, place);
  }
}
