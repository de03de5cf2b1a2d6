/** Work that is done again and again, never twice at once. */
import type { Clock } from "../domain/ports.ts";

export interface PeriodicTaskOptions {
  readonly clock: Clock;
  /** From the start to the first time, and from the end of one to the next (ms). */
  readonly firstMs: number;
  readonly everyMs: number;
  /** The work. It must not throw; it may look at `signal`, which says that the task was stopped. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

export class PeriodicTask {
  readonly #options: PeriodicTaskOptions;
  #cancel: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #over = new AbortController();

  constructor(options: PeriodicTaskOptions) {
    this.#options = options;
  }

  start(): void {
    this.#over = new AbortController();
    this.#schedule(this.#options.firstMs);
  }

  /** Begins no more, and waits for what runs. */
  async stop(): Promise<void> {
    this.#over.abort();
    this.#cancel();
    await this.#running;
  }

  #schedule(ms: number): void {
    const { signal } = this.#over;
    if (signal.aborted) return;
    this.#cancel = this.#options.clock.after(ms, () => {
      this.#running = this.#options.work(signal).finally(() => this.#schedule(this.#options.everyMs));
    });
  }
}
