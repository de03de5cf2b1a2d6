import type { AlarmTransition } from "../../domain/history.ts";
import type { AlarmTransitionStore } from "../../domain/ports.ts";
import { type Lane, type OnRefused, rowsPerStatement } from "./lane.ts";
import { RowQueue } from "./row-queue.ts";

/** Transitions of alarms, in the order in which they were said. */
export class AlarmLane implements Lane {
  readonly #transitions: RowQueue<AlarmTransition>;

  constructor(store: AlarmTransitionStore, onRefused: OnRefused) {
    const write = (rows: readonly AlarmTransition[]): Promise<void> => store.record(rows);
    this.#transitions = new RowQueue({ write, onRefused, chunkSize: rowsPerStatement });
  }

  get size(): number {
    return this.#transitions.size;
  }

  add(transition: AlarmTransition): void {
    this.#transitions.add(transition);
  }

  flush(): Promise<void> {
    return this.#transitions.drain(this.#transitions.size);
  }

  dropOldest(): void {
    this.#transitions.dropOldest();
  }
}
