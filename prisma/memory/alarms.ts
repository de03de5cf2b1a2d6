import type { AlarmTransition, HistorySpan } from "../../domain/history.ts";
import type { AlarmTransitionStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";

/** Transitions of alarms in memory. */
export class MemoryAlarms implements AlarmTransitionStore {
  readonly #transitions = new Map<string, AlarmTransition>();

  record(transitions: readonly AlarmTransition[]): Promise<void> {
    for (const transition of transitions) {
      const key = keyOf(transition);
      if (!this.#transitions.has(key)) this.#transitions.set(key, transition);
    }
    return Promise.resolve();
  }

  during({ namespace, group, from, to, limit }: HistorySpan): Promise<readonly AlarmTransition[]> {
    const found = [...this.#transitions.values()]
      .filter((row) => row.namespace === namespace && row.group === group)
      .filter(({ at }) => at >= from && at < to);
    return Promise.resolve(found.sort(newestFirst).slice(0, limit));
  }

  prune(before: Instant): Promise<number> {
    const old = [...this.#transitions].filter(([, { at }]) => at < before);
    for (const [key] of old) this.#transitions.delete(key);
    return Promise.resolve(old.length);
  }
}

function keyOf({ namespace, group, alarm, region, at }: AlarmTransition): string {
  return JSON.stringify([namespace, group, alarm, region, at]);
}

function newestFirst(a: AlarmTransition, b: AlarmTransition): number {
  return b.at - a.at || a.alarm.localeCompare(b.alarm) || a.region.localeCompare(b.region);
}
