/** Virtual time for tests: it stands still until `advance` moves it. */
import { addMs, type Instant, instant } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

const defaultStart = instant(Date.UTC(2026, 0, 1));

/** A Clock whose wall time and monotonic time move together, and only by `advance`. */
export class FakeClock implements Clock {
  readonly #start: Instant;
  #elapsedMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(start: Instant = defaultStart) {
    this.#start = start;
  }

  /** In whole milliseconds, as every wall clock gives it. */
  now(): Instant {
    return addMs(this.#start, Math.floor(this.#elapsedMs));
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.#elapsedMs + Math.max(0, ms), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves time by `ms`: runs the timers that fall due, in order of time, and lets promises settle before and after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#firstDue(endMs); next !== undefined; next = this.#firstDue(endMs)) {
      this.#timers.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.callback();
      await settle();
    }
    this.#elapsedMs = endMs;
    await settle();
  }

  #firstDue(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** Lets promises and immediates that are ready run, without waiting for time. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
