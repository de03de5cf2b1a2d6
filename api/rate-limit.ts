/** Token buckets by key: who asks too often waits, and nobody else does. */

export interface RateLimit {
  readonly perSecond: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** A bound on memory: the bucket used longest ago makes room, and its key begins with a full one again. */
const mostKeys = 20_000;

/** One bucket for each key, filled on the monotonic clock. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #monotonicMs: () => number;
  readonly #mostKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit, monotonicMs: () => number, options: { readonly mostKeys?: number } = {}) {
    this.#limit = limit;
    this.#monotonicMs = monotonicMs;
    this.#mostKeys = options.mostKeys ?? mostKeys;
  }

  /** Takes a token and answers 0, or answers how long (ms) to wait for one. */
  take(key: string): number {
    const bucket = this.#filled(key);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#dropExcess();
    if (bucket.tokens < 1) return ((1 - bucket.tokens) / this.#limit.perSecond) * 1_000;
    bucket.tokens -= 1;
    return 0;
  }

  #filled(key: string): Bucket {
    const nowMs = this.#monotonicMs();
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return { tokens: this.#limit.burst, filledAtMs: nowMs };
    const gained = ((nowMs - bucket.filledAtMs) / 1_000) * this.#limit.perSecond;
    return { tokens: Math.min(this.#limit.burst, bucket.tokens + gained), filledAtMs: nowMs };
  }

  #dropExcess(): void {
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > this.#mostKeys && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
