/** Minutes of load as sums: how they are told apart, and how two of the same minute add up. */
import type { LoadMinute } from "../domain/history.ts";

/** The same text for the same minute of the same (group, role, region). */
export function minuteKey({ namespace, group, role, region, minute }: LoadMinute): string {
  return JSON.stringify([namespace, group, role, region, minute]);
}

/** Two parts of one minute as one: sums add up, maxima compare. */
export function addedMinutes(a: LoadMinute, b: LoadMinute): LoadMinute {
  return {
    ...a,
    samples: a.samples + b.samples,
    connectionsSum: a.connectionsSum + b.connectionsSum,
    connectionsMax: Math.max(a.connectionsMax, b.connectionsMax),
    publishersSum: a.publishersSum + b.publishersSum,
    subscribersSum: a.subscribersSum + b.subscribersSum,
  };
}
