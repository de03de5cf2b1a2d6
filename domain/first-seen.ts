/**
 * Stored times were written by other clocks. One that lies in the future is taken as the moment at which this process first saw
 * it, so that a clock that is ahead makes no wait longer.
 */
import type { Instant } from "./time.ts";

/** A bound on memory; the oldest go first, and are seen anew. */
const mostKept = 20_000;

/**
 * A time in the future counts as the moment at which it was first seen, and goes on counting as that. Were it "now" at each look, the wait
 * that begins with it would begin with each look.
 */
export class FirstSeen {
  readonly #seen = new Map<string, { readonly stored: Instant; readonly at: Instant }>();

  /** The stored time, or when it was first seen if it was in the future then. `key` names what it is the time of. */
  notAfter(key: string, stored: Instant, now: Instant): Instant {
    const known = this.#seen.get(key);
    if (known?.stored === stored) return known.at;
    if (stored <= now) return stored;
    this.#seen.delete(key);
    this.#seen.set(key, { stored, at: now });
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > mostKept && oldest !== undefined) this.#seen.delete(oldest);
    return now;
  }
}
