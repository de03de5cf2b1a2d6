/** How long those are told to wait who come again and again for what is not there: ever longer, up to a minute. */

const longestSeconds = 60;

/** Callers that are remembered; the one that came longest ago goes first, and begins anew. */
const mostCallers = 10_000;

export class WaitTimes {
  readonly #last = new Map<string, number>();

  /** Seconds that this caller is to wait now: 1, 2, 4, ... 60. */
  next(caller: string): number {
    const before = this.#last.get(caller);
    const seconds = before === undefined ? 1 : Math.min(longestSeconds, 2 * before);
    this.#last.delete(caller);
    this.#last.set(caller, seconds);
    const [oldest] = this.#last.keys();
    if (this.#last.size > mostCallers && oldest !== undefined) this.#last.delete(oldest);
    return seconds;
  }

  /** What it waited for is there: the next time it begins with a second again. */
  found(caller: string): void {
    this.#last.delete(caller);
  }
}
