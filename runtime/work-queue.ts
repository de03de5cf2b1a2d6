/** Which key is worked on next: the queue between events and reconcilers, with the semantics of client-go. */
import type { Clock } from "../domain/ports.ts";
import { type BackOff, backOffMs, reconcileBackOff } from "./back-off.ts";

/** What a queue tells of itself. */
export interface WorkQueueMetrics {
  depth(keys: number): void;
  added(): void;
  retried(): void;
  /** Seconds that a key waited from its first `add` until it was taken. */
  waited(seconds: number): void;
}

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
  readonly backOff?: BackOff;
  readonly metrics?: WorkQueueMetrics;
}

interface Delay {
  readonly dueMs: number;
  readonly cancel: () => void;
}

/**
 * Each key waits at most once and is never worked on twice at the same time; a key added while it is worked on is
 * queued once more when it is released. It accepts keys whether or not anyone takes them.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Keys in order of arrival; all of them are dirty and not active. */
  readonly #waiting: string[] = [];
  /** Keys that need work, with the time of their first `add`. */
  readonly #dirty = new Map<string, number>();
  readonly #active = new Set<string>();
  readonly #delayed = new Map<string, Delay>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string) => void)[] = [];
  #worked = true;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait to be taken. */
  get depth(): number {
    return this.#waiting.length;
  }

  /** Asks for work on a key; again before it is taken, it changes nothing. */
  add(key: string): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.set(key, this.#options.clock.monotonicMs());
    this.#options.metrics?.added();
    if (!this.#active.has(key)) this.#enqueue(key);
  }

  /** Adds the key after `ms`. Of several delays of one key only the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#options.clock.monotonicMs() + ms;
    const pending = this.#delayed.get(key);
    if (pending !== undefined && pending.dueMs <= dueMs) return;
    pending?.cancel();
    const cancel = this.#options.clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { dueMs, cancel });
  }

  /** Counts a failure of the key and adds it after its back-off; returns the wait in ms. */
  retry(key: string): number {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.#options.metrics?.retried();
    const ms = backOffMs(failures, this.#options.random, this.#options.backOff ?? reconcileBackOff);
    this.addAfter(key, ms);
    return ms;
  }

  /** Failures in a row of a key. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The key has succeeded: its next failure is its first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Waits for the next key and marks it active; `release` it afterwards. Undefined once the signal aborts. */
  take(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    const key = this.#waiting.shift();
    return key === undefined ? this.#wait(signal) : Promise.resolve(this.#activate(key));
  }

  /** Work on the key has ended; if it was added meanwhile, it waits again. */
  release(key: string): void {
    if (this.#active.delete(key) && this.#dirty.has(key)) this.#enqueue(key);
  }

  /** Adds every delayed key now: nobody works on them for a while, and no timer is to keep the process alive. */
  endDelays(): void {
    for (const [key, delay] of [...this.#delayed]) {
      delay.cancel();
      this.#delayed.delete(key);
      this.add(key);
    }
  }

  /** Forgets every key that waits or is delayed, with its timer. */
  clear(): void {
    for (const delay of this.#delayed.values()) delay.cancel();
    this.#delayed.clear();
    this.#dirty.clear();
    this.#failures.clear();
    this.#waiting.length = 0;
    this.#options.metrics?.depth(0);
  }

  /** Says whether anybody works on the keys. While nobody does, as in a process that does not lead, none of them waits for a worker. */
  worked(worked: boolean): void {
    this.#worked = worked;
    this.#tellDepth();
  }

  #tellDepth(): void {
    this.#options.metrics?.depth(this.#worked ? this.depth : 0);
  }

  #enqueue(key: string): void {
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker(this.#activate(key));
      return;
    }
    this.#waiting.push(key);
    this.#tellDepth();
  }

  #activate(key: string): string {
    const since = this.#dirty.get(key) ?? this.#options.clock.monotonicMs();
    this.#dirty.delete(key);
    this.#active.add(key);
    this.#tellDepth();
    this.#options.metrics?.waited((this.#options.clock.monotonicMs() - since) / 1_000);
    return key;
  }

  #wait(signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const taker = (key: string): void => {
        signal.removeEventListener("abort", leave);
        resolve(key);
      };
      const leave = (): void => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        resolve(undefined);
      };
      this.#takers.push(taker);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
