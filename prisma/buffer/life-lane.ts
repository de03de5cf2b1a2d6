import type { NodeLifeTransition } from "../../domain/history.ts";
import type { NodeLifeStore } from "../../domain/ports.ts";
import type { NodeLifeEnd } from "../history-recorder.ts";
import { type Lane, type OnRefused, rowsPerStatement } from "./lane.ts";
import { RowQueue } from "./row-queue.ts";

/** Transitions and ends of node lives. An end is written after every transition that was said before it. */
export class LifeLane implements Lane {
  readonly #transitions: RowQueue<NodeLifeTransition>;
  readonly #ends: RowQueue<NodeLifeEnd>;

  constructor(store: NodeLifeStore, onRefused: OnRefused) {
    const options = { onRefused, chunkSize: rowsPerStatement };
    this.#transitions = new RowQueue({ ...options, write: (rows) => store.record(rows) });
    this.#ends = new RowQueue({ ...options, write: (rows) => store.close(rows) });
  }

  get size(): number {
    return this.#transitions.size + this.#ends.size;
  }

  addTransition(transition: NodeLifeTransition): void {
    this.#transitions.add(transition);
  }

  addEnd(end: NodeLifeEnd): void {
    this.#ends.add(end);
  }

  async flush(): Promise<void> {
    // Counted before the first write: an end that is said during it may belong to a transition that is not in it.
    const ends = this.#ends.size;
    await this.#transitions.drain(this.#transitions.size);
    await this.#ends.drain(ends);
  }

  dropOldest(): void {
    const queue = this.#transitions.size > 0 ? this.#transitions : this.#ends;
    queue.dropOldest();
  }
}
