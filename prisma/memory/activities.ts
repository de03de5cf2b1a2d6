import type { DecidedActivity, ScalingActivity } from "../../domain/history.ts";
import type { ActivityStore } from "../../domain/ports.ts";
import { type Instant, instant } from "../../domain/time.ts";

/** Scaling activities in memory, each (group, role, region) in the order of its decisions. */
export class MemoryActivities implements ActivityStore {
  readonly #rows = new Map<string, ScalingActivity[]>();

  record(activity: DecidedActivity, at: Instant, count = 1): Promise<void> {
    const key = JSON.stringify([activity.namespace, activity.group, activity.role, activity.region]);
    const rows = this.#rows.get(key) ?? [];
    const newest = rows.at(-1);
    if (newest?.kind === activity.kind && newest.reason === activity.reason) {
      const lastAt = instant(Math.max(newest.lastAt, at));
      const { latestMessage: before, ...row } = newest;
      const latest = at < newest.lastAt ? before : activity.message === newest.message ? undefined : activity.message;
      const latestMessage = latest === undefined ? {} : { latestMessage: latest };
      rows.splice(-1, 1, { ...row, ...latestMessage, count: newest.count + count, lastAt });
    } else {
      rows.push({ ...activity, firstAt: at, lastAt: at, count });
    }
    this.#rows.set(key, rows);
    return Promise.resolve();
  }

  last(filter: {
    readonly namespace: string;
    readonly group: string;
    readonly limit: number;
    readonly until?: Instant;
  }): Promise<readonly ScalingActivity[]> {
    const { namespace, group, limit, until = Infinity } = filter;
    const all = [...this.#rows.values()].flatMap((rows) => rows.toReversed());
    const ofGroup = all.filter((row) => row.namespace === namespace && row.group === group);
    return Promise.resolve(
      ofGroup
        .filter(({ firstAt }) => firstAt <= until)
        .sort(newestFirst)
        .slice(0, limit),
    );
  }

  prune(before: Instant): Promise<number> {
    let pruned = 0;
    for (const [key, rows] of this.#rows) {
      const kept = rows.filter(({ lastAt }) => lastAt >= before);
      pruned += rows.length - kept.length;
      this.#rows.set(key, kept);
    }
    return Promise.resolve(pruned);
  }
}

function newestFirst(a: ScalingActivity, b: ScalingActivity): number {
  return b.firstAt - a.firstAt || a.role.localeCompare(b.role) || a.region.localeCompare(b.region);
}
