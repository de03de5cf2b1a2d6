/** All that one process does to the world outside goes through its lifeline, so that a test can end it between any two calls. */
import { addMs } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import { sleep } from "../../runtime/clock.ts";
import type { KubernetesApi, WatchEvent } from "../../runtime/kubernetes-api.ts";

/**
 * Where a process is killed: before any call leaves, or when a call has changed the world and its answer is not known yet.
 * After a call that only reads is the same as before the next one. `call` counts from 1, writes alone with `After`.
 */
export interface CrashPoint {
  readonly call: number;
  readonly moment: "Before" | "After";
}

const reading = new Set(["get", "list", "read", "readMany"]);

export interface LifelineOptions {
  readonly clock: Clock;
  readonly crash?: CrashPoint | undefined;
  /** How long (ms) each way of a call takes, drawn anew each time. */
  readonly latencyMs?: (() => number) | undefined;
  /** How late (ms) events of watches arrive, drawn anew each time. */
  readonly watchLagMs?: (() => number) | undefined;
}

/** A process that was killed goes no further: what it waits for never comes. */
const never = new Promise<never>(() => undefined);

export class Lifeline {
  /** The process's own clock: its timers die with it. */
  readonly clock: Clock;
  readonly #options: LifelineOptions;
  readonly #end = new AbortController();
  readonly #timers = new Set<() => void>();
  #wallOffsetMs = 0;
  #calls = 0;
  #writes = 0;
  /** What reads and watches are answered from since the process was cut off. */
  #past: { readonly reads: KubernetesApi | undefined; readonly watches: KubernetesApi } | undefined;
  readonly #cutOff = new AbortController();

  constructor(options: LifelineOptions) {
    this.#options = options;
    const { clock } = options;
    this.clock = {
      now: () => addMs(clock.now(), this.#wallOffsetMs),
      monotonicMs: () => clock.monotonicMs(),
      after: (ms, callback) => this.#after(ms, callback),
    };
  }

  /** Puts the process's wall clock forward, or back; its monotonic clock and the world's time stay. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  hasDied(): boolean {
    return this.#end.signal.aborted;
  }

  /** Calls so far; watches and the database do not count. */
  get calls(): number {
    return this.#calls;
  }

  /** Ends the process as `kill -9` would. */
  kill(): void {
    this.#end.abort();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  /** From now on watches tell of nothing new; with `reads`, so do gets and lists. Writes still reach the cluster. */
  cutOff(past: { readonly reads: KubernetesApi | undefined; readonly watches: KubernetesApi }): void {
    this.#past = past;
    this.#cutOff.abort();
  }

  kubernetes(api: KubernetesApi): KubernetesApi {
    const guarded = intercepted(api, (method, call) => {
      const reads = method === "get" || method === "list" ? this.#past?.reads : undefined;
      const answer = reads === undefined ? call : () => call(reads);
      return this.#through(method, answer);
    });
    const watch: KubernetesApi["watch"] = (type, options, signal) =>
      this.#watch((ended) => (this.#past?.watches ?? api).watch(type, options, ended), signal);
    return new Proxy(guarded, {
      get: (target, name) => (name === "watch" ? watch : (Reflect.get(target, name) as unknown)),
    });
  }

  cloud<T extends object>(platform: T): T {
    return intercepted(platform, (method, call) => this.#through(method, call));
  }

  /** A store of the database: no call of a process that is dead reaches it. */
  database<T extends object>(store: T): T {
    return intercepted(store, async (_method, call) => {
      if (this.hasDied()) return never;
      const answer = await call();
      return this.hasDied() ? never : answer;
    });
  }

  #after(ms: number, callback: () => void): () => void {
    if (this.hasDied()) return () => undefined;
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  async #through(method: string, call: () => Promise<unknown>): Promise<unknown> {
    if (this.hasDied()) return never;
    this.#calls += 1;
    const number = this.#calls;
    if (!reading.has(method)) this.#writes += 1;
    const write = reading.has(method) ? 0 : this.#writes;
    await this.#travel();
    this.#crashAt(number, "Before");
    if (this.hasDied()) return never;
    try {
      const answer = await call();
      await this.#travel();
      return answer;
    } finally {
      this.#crashAt(write, "After");
      if (this.hasDied()) await never;
    }
  }

  #crashAt(call: number, moment: CrashPoint["moment"]): void {
    const { crash } = this.#options;
    if (crash?.call === call && crash.moment === moment) this.kill();
  }

  async #travel(): Promise<void> {
    const { latencyMs, clock } = this.#options;
    const ms = latencyMs?.() ?? 0;
    if (ms > 0) await sleep(clock, ms, this.#end.signal);
  }

  async *#watch(
    open: (signal: AbortSignal) => AsyncIterable<WatchEvent>,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    if (this.hasDied()) return never;
    const endings = [signal, this.#end.signal, ...(this.#past === undefined ? [this.#cutOff.signal] : [])];
    for await (const event of open(AbortSignal.any(endings))) {
      const lag = this.#options.watchLagMs?.() ?? 0;
      if (lag > 0) await sleep(this.#options.clock, lag, this.#end.signal);
      if (this.hasDied()) return never;
      if (endings.includes(this.#cutOff.signal) && this.#cutOff.signal.aborted) break;
      yield event;
    }
    if (this.hasDied()) return never;
    if (endings.includes(this.#cutOff.signal) && this.#cutOff.signal.aborted) await aborted(signal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

type Method = (...args: unknown[]) => unknown;
type Around<T> = (
  method: string,
  /** Makes the call, of the object itself or of another in its place. */
  call: (instead?: T) => Promise<unknown>,
) => Promise<unknown>;

/** The same object, each of its methods run by `around`. */
function intercepted<T extends object>(target: T, around: Around<T>): T {
  return new Proxy(target, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== "function" || typeof name !== "string") return value;
      return (...args: unknown[]) =>
        around(name, (instead = object) => {
          const method: unknown = Reflect.get(instead, name);
          return Promise.resolve(Reflect.apply(method as Method, instead, args));
        });
    },
  });
}
