import type { HistorySpan, LoadMinute } from "../../domain/history.ts";
import type { LoadStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { addedMinutes, minuteKey } from "../load-minutes.ts";

/** Minutes of load in memory. */
export class MemoryLoad implements LoadStore {
  readonly #minutes = new Map<string, LoadMinute>();

  add(minutes: readonly LoadMinute[]): Promise<void> {
    for (const minute of minutes) {
      const known = this.#minutes.get(minuteKey(minute));
      this.#minutes.set(minuteKey(minute), known === undefined ? minute : addedMinutes(known, minute));
    }
    return Promise.resolve();
  }

  read(filter: {
    readonly namespace: string;
    readonly group: string;
    readonly from: Instant;
    readonly to: Instant;
  }): Promise<readonly LoadMinute[]> {
    const { namespace, group, from, to } = filter;
    const found = [...this.#minutes.values()]
      .filter((minute) => minute.namespace === namespace && minute.group === group)
      .filter(({ minute }) => minute >= from && minute < to);
    return Promise.resolve(found.sort(byTimeRoleAndRegion));
  }

  during({ limit, ...filter }: HistorySpan): Promise<readonly LoadMinute[]> {
    return this.read(filter).then((found) => found.toSorted(newestFirst).slice(0, limit));
  }

  prune(before: Instant): Promise<number> {
    const old = [...this.#minutes].filter(([, { minute }]) => minute < before);
    for (const [key] of old) this.#minutes.delete(key);
    return Promise.resolve(old.length);
  }
}

function byTimeRoleAndRegion(a: LoadMinute, b: LoadMinute): number {
  return a.minute - b.minute || a.role.localeCompare(b.role) || a.region.localeCompare(b.region);
}

function newestFirst(a: LoadMinute, b: LoadMinute): number {
  return b.minute - a.minute || byTimeRoleAndRegion(a, b);
}
