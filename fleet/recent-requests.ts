/** Scale-in requests of the last minute: the newest of each origin and node. */
import { requestKeptMs, type ScaleInRequest } from "../domain/load/report.ts";
import type { Instant } from "../domain/time.ts";

/** A bound on memory: the oldest go first. */
const mostRequests = 10_000;

/** Forgets by itself, without a timer: what is too old makes room when something new comes. */
export class RecentRequests {
  /** In order of arrival. */
  readonly #requests = new Map<string, ScaleInRequest>();
  readonly #most: number;

  constructor(options: { readonly most?: number } = {}) {
    this.#most = options.most ?? mostRequests;
  }

  /** Keeps the request and says so, unless it is no newer than what the same origin asked for the same node. */
  add(request: ScaleInRequest): boolean {
    const key = requestKey(request);
    const known = this.#requests.get(key);
    if (known !== undefined && known.receivedAt >= request.receivedAt) return false;
    this.#requests.delete(key);
    this.#requests.set(key, request);
    this.#dropExcess(request.receivedAt);
    return true;
  }

  /** Those that are not forgotten at `now`. */
  at(now: Instant): readonly ScaleInRequest[] {
    return [...this.#requests.values()].filter((request) => isRemembered(request, now));
  }

  #dropExcess(now: Instant): void {
    for (const [key, request] of this.#requests) {
      if (this.#requests.size <= this.#most && isRemembered(request, now)) return;
      this.#requests.delete(key);
    }
  }
}

/** Requests with the same key say the same; the newest counts. */
export function requestKey({ namespace, group, origin, node }: ScaleInRequest): string {
  return JSON.stringify([namespace, group, origin, node]);
}

/** Whether the request is not forgotten yet. */
export function isRemembered({ receivedAt }: ScaleInRequest, now: Instant): boolean {
  return now - receivedAt <= requestKeptMs;
}
