import type { OnRefused } from "./lane.ts";
import { isRefusal } from "./refusal.ts";

export interface RowQueueOptions<T> {
  /** Writes rows in one statement; repeating it must be harmless. */
  readonly write: (rows: readonly T[]) => Promise<void>;
  readonly onRefused: OnRefused;
  /** Rows per statement. */
  readonly chunkSize: number;
}

/** Rows in order, written in chunks. A chunk that fails goes back to the front. */
export class RowQueue<T> {
  #rows: T[] = [];
  readonly #options: RowQueueOptions<T>;

  constructor(options: RowQueueOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.length;
  }

  add(row: T): void {
    this.#rows.push(row);
  }

  dropOldest(): void {
    this.#rows.shift();
  }

  /** Writes the oldest `count` rows; what is added meanwhile waits for the next time. */
  async drain(count: number): Promise<void> {
    for (let left = count; left > 0; left -= this.#options.chunkSize) {
      const chunk = this.#rows.splice(0, Math.min(left, this.#options.chunkSize));
      try {
        await writeAccepted(chunk, this.#options);
      } catch (cause) {
        this.#rows = [...chunk, ...this.#rows];
        throw cause;
      }
    }
  }
}

/** Writes rows, but for those that the database refuses: it halves them until each of these stands alone. */
export async function writeAccepted<T>(
  rows: readonly T[],
  { write, onRefused }: Pick<RowQueueOptions<T>, "write" | "onRefused">,
): Promise<void> {
  if (rows.length === 0) return;
  try {
    await write(rows);
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    if (rows.length === 1) {
      onRefused(cause);
      return;
    }
    const middle = Math.ceil(rows.length / 2);
    await writeAccepted(rows.slice(0, middle), { write, onRefused });
    await writeAccepted(rows.slice(middle), { write, onRefused });
  }
}
