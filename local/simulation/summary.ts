/** What a simulation has shown, in a few numbers. */
import type { CrowdCounts } from "./crowd-counts.ts";
import type { FleetTally } from "./fleet-view.ts";
import { loadOf, type Sample } from "./sample.ts";

export interface Summary {
  readonly seconds: number;
  readonly peakViewers: number;
  readonly peakWanted: number;
  readonly peakNodes: number;
  readonly nodesAtEnd: number;
  /** From the first ALARM until the capacity was enough, at the threshold, for all at the peak. Absent: not reached. */
  readonly secondsToCapacity?: number;
  readonly hadAlarm: boolean;
  /** Longest time that the load was over the threshold without a break. */
  readonly longestOverSeconds: number;
  /** Percent of those who came. */
  readonly rejectedPercent: number;
  readonly launched: number;
  readonly drained: number;
  readonly endedUndrained: number;
  readonly counts: CrowdCounts;
}

export function summarize(
  samples: readonly Sample[],
  counts: CrowdCounts,
  { launched, drained, endedUndrained }: Pick<FleetTally, "launched" | "drained" | "endedUndrained">,
): Summary {
  const peak = (of: (sample: Sample) => number): number => samples.reduce((most, one) => Math.max(most, of(one)), 0);
  const peakWanted = peak(({ wanted }) => wanted);
  const toCapacity = secondsToCapacity(samples, peakWanted);
  return {
    seconds: samples.at(-1)?.seconds ?? 0,
    peakViewers: peak(({ watching }) => watching),
    peakWanted,
    peakNodes: peak(({ inService }) => inService),
    nodesAtEnd: samples.at(-1)?.inService ?? 0,
    ...(toCapacity !== undefined && { secondsToCapacity: toCapacity }),
    hadAlarm: samples.some(({ inAlarm }) => inAlarm),
    longestOverSeconds: longestOver(samples),
    rejectedPercent: counts.arrivals === 0 ? 0 : (100 * counts.rejected) / counts.arrivals,
    launched,
    drained,
    endedUndrained,
    counts,
  };
}

function secondsToCapacity(samples: readonly Sample[], peakWanted: number): number | undefined {
  const first = samples.findIndex(({ inAlarm }) => inAlarm);
  const rest = first === -1 ? [] : samples.slice(first);
  const enough = rest.find(({ capacity, threshold = 100 }) => peakWanted <= (capacity * threshold) / 100);
  return enough === undefined ? undefined : enough.seconds - (rest[0]?.seconds ?? 0);
}

function longestOver(samples: readonly Sample[]): number {
  let longest = 0;
  let since: number | undefined;
  for (const sample of samples) {
    const isOver = sample.threshold !== undefined && (loadOf(sample) ?? 0) > sample.threshold;
    if (!isOver) since = undefined;
    else longest = Math.max(longest, sample.seconds - (since ??= sample.seconds));
  }
  return longest;
}

/** For people, one fact on each line. */
export function summaryText(summary: Summary): string {
  const { counts, hadAlarm, secondsToCapacity: toCapacity } = summary;
  const when = toCapacity === undefined ? "never" : `${secondsText(toCapacity)} after the first ALARM`;
  const facts: readonly (readonly [string, string])[] = [
    ["time", secondsText(summary.seconds)],
    ["viewers", `${summary.peakViewers} at most, ${summary.peakWanted} wanted`],
    ["nodes", `${summary.peakNodes} at most, ${summary.nodesAtEnd} at the end`],
    ["capacity", hadAlarm ? `enough for the peak: ${when}` : "no alarm was raised"],
    ["over threshold", `${secondsText(summary.longestOverSeconds)} at the longest`],
    ["rejected", rejectedText(summary)],
    ["nodes launched", String(summary.launched)],
    ["nodes drained", `${summary.drained}${endedText(summary)}`],
    ["sessions cut", `${counts.cut} on nodes that were ended or draining, ${counts.lost} lost otherwise`],
  ];
  return facts.map(([name, text]) => `${name.padEnd(16)}${text}`).join("\n");
}

function endedText({ endedUndrained }: Summary): string {
  return endedUndrained === 0 ? "" : `, ${endedUndrained} more ended without a drain`;
}

function rejectedText({ counts, rejectedPercent }: Summary): string {
  const { rejected, arrivals, gaveUp, rejectedWithRoom, rejectedWhileReserved } = counts;
  return [
    `${rejected} of ${arrivals} viewers (${rejectedPercent.toFixed(1)} %)`,
    ...(gaveUp > 0 ? [`${gaveUp} gave up`] : []),
    ...(rejectedWhileReserved > 0 ? [`while slots were only reserved: ${rejectedWhileReserved}`] : []),
    ...(rejectedWithRoom > 0 ? [`WHILE THERE WAS ROOM, which is a defect: ${rejectedWithRoom}`] : []),
  ].join(", ");
}

/** `95 s` as `1 min 35 s`. */
export function secondsText(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
