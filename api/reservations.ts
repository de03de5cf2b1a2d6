/** Slots that are kept for clients who were sent to a node, until they had time to arrive. */

/** How long (s) a slot is kept for a client who has not arrived, whatever the node reports meanwhile. */
export const connectGraceSeconds = 10;
const keptMs = connectGraceSeconds * 1_000;

/** A bound on memory: the oldest end early. */
const mostReservations = 100_000;

/** Counts its own slots that are kept. */
export interface SlotHolder {
  /** One more is kept. */
  keepSlot(): void;
  /** The time of the one that has been kept for longest is over. */
  endSlot(): void;
}

interface Reservation {
  readonly holder: SlotHolder;
  readonly endMs: number;
}

/** Without timers: whoever asks ends first what is over. Times are of the monotonic clock. */
export class Reservations {
  readonly #most: number;
  /** In the order in which they end; those before `#first` have ended. */
  #all: Reservation[] = [];
  #first = 0;

  constructor(options: { readonly most?: number } = {}) {
    this.#most = options.most ?? mostReservations;
  }

  /** Keeps one slot of the holder. */
  reserve(holder: SlotHolder, nowMs: number): void {
    if (this.#all.length - this.#first >= this.#most) this.#endFirst();
    this.#all.push({ holder, endMs: nowMs + keptMs });
    holder.keepSlot();
  }

  /** Gives back the slots whose time is over. */
  endOver(nowMs: number): void {
    while ((this.#all[this.#first]?.endMs ?? Infinity) <= nowMs) this.#endFirst();
  }

  /** How long (ms) until the first ends; undefined: there is none. */
  nextEndMs(nowMs: number): number | undefined {
    const first = this.#all[this.#first];
    return first === undefined ? undefined : first.endMs - nowMs;
  }

  #endFirst(): void {
    const ended = this.#all[this.#first];
    if (ended === undefined) return;
    ended.holder.endSlot();
    this.#first += 1;
    // Moving the rest once in a while costs less than moving it each time.
    if (this.#first * 2 < this.#all.length) return;
    this.#all = this.#all.slice(this.#first);
    this.#first = 0;
  }
}
