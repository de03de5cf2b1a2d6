import type { Clock } from "../../domain/ports.ts";
import type { FlushScope, Lane } from "./lane.ts";

export interface LaneWriterOptions {
  readonly lane: Lane;
  readonly clock: Clock;
  /** From the first entry to its write, and from one write to the next (ms). */
  readonly flushIntervalMs: number;
  /** The longest wait (ms) while writes fail. */
  readonly maxBackoffMs: number;
  /** Done before each write, and costs nothing when it is done. */
  readonly prepare: () => Promise<void>;
  /** Told of each attempt; undefined: all that waited at its begin is written. */
  readonly onAttempt: (failure: { readonly error: unknown } | undefined) => void;
}

/**
 * Writes one kind of history at its own pace: a few statements a second, and later and later while they fail. Another kind
 * that is blocked does not hold it up.
 */
export class LaneWriter {
  readonly #options: LaneWriterOptions;
  #failures = 0;
  #stopped = false;
  /** Writes that have begun or wait for their turn. */
  #writes = 0;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: LaneWriterOptions) {
    this.#options = options;
  }

  /** Plans the next write; `waitedMs` says for how long the entries may have waited already. */
  schedule(waitedMs = 0): void {
    if (this.#stopped || this.#cancelTimer !== undefined || this.#writes > 0) return;
    const { clock, flushIntervalMs, maxBackoffMs } = this.#options;
    const ms = Math.min(flushIntervalMs * 2 ** this.#failures, Math.max(maxBackoffMs, flushIntervalMs));
    this.#cancelTimer = clock.after(Math.max(0, ms - waitedMs), () => void this.write("Due"));
  }

  /** One write at a time, so that the order in which things were said is kept. Never throws. */
  write(scope: FlushScope): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#writes += 1;
    this.#writing = this.#writing.then(() => this.#attempt(scope));
    return this.#writing;
  }

  /** Plans no further write. */
  stop(): void {
    this.#stopped = true;
  }

  async #attempt(scope: FlushScope): Promise<void> {
    const { lane, clock, onAttempt } = this.#options;
    const startMs = clock.monotonicMs();
    const failure = await this.#failureOf(scope);
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    this.#writes -= 1;
    onAttempt(failure);
    // Nothing may wait, and yet whether the database can be written is to be known again.
    if (failure !== undefined) this.schedule();
    else if (lane.size > 0 || lane.hasLater === true) this.schedule(clock.monotonicMs() - startMs);
  }

  async #failureOf(scope: FlushScope): Promise<{ readonly error: unknown } | undefined> {
    const { lane, clock, prepare } = this.#options;
    try {
      await prepare();
      await lane.flush(clock.now(), scope);
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}
