import { type RowQueueOptions, writeAccepted } from "./row-queue.ts";

export interface MergingQueueOptions<T> extends RowQueueOptions<T> {
  /** Rows with the same text become one. */
  readonly keyOf: (row: T) => string;
  readonly merge: (earlier: T, later: T) => T;
}

/** Rows that become one when they speak of the same, written in chunks. A chunk that fails goes back to the front. */
export class MergingQueue<T> {
  #rows = new Map<string, T>();
  readonly #options: MergingQueueOptions<T>;

  constructor(options: MergingQueueOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.size;
  }

  add(row: T): void {
    const { keyOf, merge } = this.#options;
    const key = keyOf(row);
    const known = this.#rows.get(key);
    this.#rows.set(key, known === undefined ? row : merge(known, row));
  }

  dropOldest(): void {
    const [oldest] = this.#rows.keys();
    if (oldest !== undefined) this.#rows.delete(oldest);
  }

  /** Writes all rows that wait now; what is added meanwhile waits for the next time. */
  async drain(): Promise<void> {
    const { chunkSize } = this.#options;
    for (let left = this.size; left > 0; left -= chunkSize) await this.#writeSome(Math.min(left, chunkSize));
  }

  async #writeSome(count: number): Promise<void> {
    const taken = takeOldest(this.#rows, count);
    try {
      await writeAccepted([...taken.values()], this.#options);
    } catch (cause) {
      this.#putBack(taken);
      throw cause;
    }
  }

  /** The oldest stay in front, to be dropped first. */
  #putBack(taken: Map<string, T>): void {
    const newer = this.#rows;
    this.#rows = taken;
    for (const row of newer.values()) this.add(row);
  }
}

/** Moves the oldest entries out of a map. */
export function takeOldest<K, V>(entries: Map<K, V>, count: number): Map<K, V> {
  const taken = new Map(entries.entries().take(count));
  for (const key of taken.keys()) entries.delete(key);
  return taken;
}
