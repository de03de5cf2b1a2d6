/** Virtual time for hours that are to pass in minutes. It stands still until it is moved. */
import { addMs, type Instant } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";

type Callback = () => void;

export class VirtualClock implements Clock {
  readonly #start: Instant;
  #elapsedMs = 0;
  /** Timers by the whole millisecond in which they fall due. A cancelled one is gone at once, and holds nothing. */
  readonly #timers = new Map<number, Set<{ readonly callback: Callback }>>();

  constructor(start: Instant) {
    this.#start = start;
  }

  now(): Instant {
    return addMs(this.#start, this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(ms: number, callback: Callback): () => void {
    const dueMs = Math.max(this.#elapsedMs + 1, Math.ceil(this.#elapsedMs + ms));
    const timers = this.#timers.get(dueMs) ?? new Set();
    const timer = { callback };
    this.#timers.set(dueMs, timers.add(timer));
    return () => {
      timers.delete(timer);
      if (timers.size === 0) this.#timers.delete(dueMs);
    };
  }

  /** Moves time, runs what falls due meanwhile, and lets what follows from it run. */
  async advance(ms: number): Promise<void> {
    for (const endMs = this.#elapsedMs + ms; this.#elapsedMs < endMs;) {
      this.#elapsedMs += 1;
      const due = this.#timers.get(this.#elapsedMs);
      if (due === undefined) continue;
      this.#timers.delete(this.#elapsedMs);
      for (const { callback } of due) callback();
      await settled();
    }
    await settled();
  }
}

/** Promises that are ready, and what came in meanwhile. */
async function settled(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
