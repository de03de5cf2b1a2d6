/** What the controllers of a process have to do and have done, as their metrics tell it. */
import type { Metrics } from "../runtime/metrics.ts";

/** Turns of the event loop without a reconcile after which nothing is on its way any more. */
const quietTurns = 20;

/** One reconcile that has ended. Times are those of `performance.now()`. */
export interface Reconciled {
  readonly controller: string;
  readonly endMs: number;
  readonly ms: number;
}

export class Activity {
  #ended: Reconciled[] = [];
  readonly #open = new Map<string, number>();
  #done = 0;

  /** The metrics with this activity listening. */
  watch(metrics: Metrics): Metrics {
    return {
      ...metrics,
      reconciled: (controller, outcome, seconds) => {
        metrics.reconciled(controller, outcome, seconds);
        this.#end(controller, seconds * 1_000);
      },
      queue: (controller) => {
        const queue = metrics.queue(controller);
        const added = (): void => {
          queue.added();
          this.#open.set(controller, this.#openOf(controller) + 1);
        };
        return { ...queue, added };
      },
    };
  }

  /** Reconciles since the last `forget`, in order of their ends. */
  ended(): readonly Reconciled[] {
    return this.#ended;
  }

  forget(): void {
    this.#ended = [];
  }

  /** Resolves once no key waits or is worked on, and none comes; delays are not waited for. */
  async quiet(): Promise<void> {
    for (let turns = 0, seen = this.#done; turns < quietTurns; turns += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#done !== seen || this.#isBusy()) turns = -1;
      seen = this.#done;
    }
  }

  #isBusy(): boolean {
    return [...this.#open.values()].some((open) => open > 0);
  }

  #end(controller: string, ms: number): void {
    this.#ended.push({ controller, endMs: performance.now(), ms });
    this.#done += 1;
    this.#open.set(controller, this.#openOf(controller) - 1);
  }

  #openOf(controller: string): number {
    return this.#open.get(controller) ?? 0;
  }
}
