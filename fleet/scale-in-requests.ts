/** What origins have asked for lately: scale-in requests, each remembered for a minute and then forgotten. */
import { tellAll } from "../domain/listeners.ts";
import { requestKeptMs, type ScaleInRequest } from "../domain/load/report.ts";
import type { LoadFeed } from "../domain/ports.ts";
import type { Instant } from "../domain/time.ts";
import { groupText } from "../domain/group/place.ts";

/** Requests of one group that are kept: more than edges that could go in a minute. */
const mostRequests = 100;

/** Follows the load feed from the start of the process, also while it does not lead. */
export class ScaleInRequests {
  /** By group, and there by origin and edge: a request that comes again replaces the first. */
  readonly #requests = new Map<string, Map<string, ScaleInRequest>>();
  readonly #listeners = new Set<(group: string) => void>();

  constructor(feed: Pick<LoadFeed, "onScaleInRequest">) {
    feed.onScaleInRequest((request) => this.#take(request));
  }

  /** What is remembered of the group (`namespace/name`) in a region, newest last. */
  inRegion(group: string, region: string, now: Instant): readonly ScaleInRequest[] {
    const all = this.#requests.get(group);
    if (all === undefined) return [];
    for (const [key, { receivedAt }] of all) if (now - receivedAt > requestKeptMs) all.delete(key);
    if (all.size === 0) this.#requests.delete(group);
    return [...all.values()].filter((request) => request.region === region);
  }

  /** Forgets a request that has been carried out. */
  carriedOut(request: ScaleInRequest): void {
    this.#requests.get(groupText(request))?.delete(keyOf(request));
  }

  /** Calls the listener with the group (`namespace/name`) of each new request. */
  onRequest(listener: (group: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(request: ScaleInRequest): void {
    const group = groupText(request);
    const all = this.#requests.get(group) ?? new Map<string, ScaleInRequest>();
    this.#requests.set(group, all);
    all.delete(keyOf(request));
    all.set(keyOf(request), request);
    const [oldest] = all.keys();
    if (all.size > mostRequests && oldest !== undefined) all.delete(oldest);
    tellAll(this.#listeners, group);
  }
}

function keyOf({ origin, node }: ScaleInRequest): string {
  return `${origin}/${node ?? ""}`;
}
