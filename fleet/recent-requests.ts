/** Scale-in requests of the last minute: the newest of each origin and node. */
import { requestKeptMs, type ScaleInRequest } from "../domain/load/report.ts";
import type { Instant } from "../domain/time.ts";

/** A bound on memory: the oldest go first. */
const mostWishes = 10_000;

/** Forgets by itself, without a timer: what is too old makes room when something new comes. */
export class ScaleInWishes {
  /** In order of arrival. */
  readonly #wishes = new Map<string, ScaleInRequest>();
  readonly #most: number;

  constructor(options: { readonly most?: number } = {}) {
    this.#most = options.most ?? mostWishes;
  }

  /** Keeps the request and says so, unless it is no newer than what the same origin asked for the same node. */
  add(request: ScaleInRequest): boolean {
    const key = wishKey(request);
    const known = this.#wishes.get(key);
    if (known !== undefined && known.receivedAt >= request.receivedAt) return false;
    this.#wishes.delete(key);
    this.#wishes.set(key, request);
    this.#dropExcess(request.receivedAt);
    return true;
  }

  /** Those that are not forgotten at `now`. */
  at(now: Instant): readonly ScaleInRequest[] {
    return [...this.#wishes.values()].filter((request) => isRemembered(request, now));
  }

  #dropExcess(now: Instant): void {
    for (const [key, request] of this.#wishes) {
      if (this.#wishes.size <= this.#most && isRemembered(request, now)) return;
      this.#wishes.delete(key);
    }
  }
}

/** Requests with the same key say the same; the newest counts. */
export function wishKey({ namespace, group, origin, node }: ScaleInRequest): string {
  return JSON.stringify([namespace, group, origin, node]);
}

/** Whether the request is not forgotten yet. */
export function isRemembered({ receivedAt }: ScaleInRequest, now: Instant): boolean {
  return now - receivedAt <= requestKeptMs;
}
