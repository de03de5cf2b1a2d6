/** Samples of one gauge over time, and the datapoints that a statistic makes of them, one for each period. */
import type { AlarmDefinition } from "./alarm-definitions.ts";
import { type Datapoint, rangeOf } from "./alarm.ts";
import { addMs, type Instant } from "./time.ts";

/** Samples closer together than this (ms), or than a hundredth of the period, share a bucket. */
const finestBucketMs = 100;
const bucketsPerPeriod = 100;

/** However many periods: beyond so many buckets they are coarser, which bounds memory and the cost of looking. */
const mostBuckets = 20_000;

/** Values that one bucket keeps for percentiles; of more than these, every second, fourth, ... is kept. */
const mostValues = 16;

interface Bucket {
  readonly openedAt: Instant;
  lastAt: Instant;
  count: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** For percentiles: every `stride`-th sample. */
  values: number[];
  stride: number;
}

/** What is kept for an alarm: alarms that agree in it share a window. */
export interface WindowShape {
  readonly periodMs: number;
  /** Periods that are looked at. */
  readonly periods: number;
  /** Whether single values are kept. */
  readonly percentiles: boolean;
}

type Watched = Pick<AlarmDefinition, "metric" | "statistic" | "periodSeconds" | "evaluationPeriods">;

/** The window that an alarm needs. */
export function windowShape(alarm: Watched): WindowShape {
  return {
    periodMs: alarm.periodSeconds * 1_000,
    periods: rangeOf(alarm),
    percentiles: percentOf(alarm.statistic) !== undefined,
  };
}

/** Equal for alarms of a role that can share a window. */
export function windowKey(alarm: Watched): string {
  const { periodMs, periods, percentiles } = windowShape(alarm);
  return `${alarm.metric}/${percentiles ? "values" : "summary"}/${periodMs}/${periods}`;
}

/**
 * Periods roll: they end when they are looked at. Period k (0 the newest) covers `(now - (k + 1) * P, now - k * P]`. Samples
 * at least a hundredth of a period (and 100 ms) apart are exact; of denser ones a bucket counts whole where its last one was.
 */
export class SampleWindow {
  readonly #shape: WindowShape;
  readonly #bucketMs: number;
  #buckets: Bucket[] = [];
  /** Buckets before this one have left the window. */
  #first = 0;

  constructor(shape: WindowShape) {
    this.#shape = shape;
    const coarsest = (shape.periodMs * shape.periods) / mostBuckets;
    this.#bucketMs = Math.max(finestBucketMs, shape.periodMs / bucketsPerPeriod, coarsest);
  }

  /** Time (ms) that the window looks back. */
  get rangeMs(): number {
    return this.#shape.periodMs * this.#shape.periods;
  }

  /** Buckets held: for tests of the bound on memory. */
  get size(): number {
    return this.#buckets.length;
  }

  /** Takes a sample; `now` never goes back. */
  record(value: number, now: Instant): void {
    const last = this.#buckets.at(-1);
    if (last !== undefined && now - last.openedAt < this.#bucketMs) add(last, value, now);
    else this.#buckets.push(opened(value, now));
    if (this.#shape.percentiles) keepValue(this.#buckets.at(-1), value);
    this.#dropOld(now);
  }

  /** One datapoint for each period, oldest first; undefined for a period without a sample. */
  datapoints(statistic: string, now: Instant): readonly Datapoint[] {
    const { periods, periodMs } = this.#shape;
    const byPeriod = Array.from({ length: periods }, (): Bucket[] => []);
    for (let at = this.#first; at < this.#buckets.length; at++) {
      const bucket = this.#buckets[at];
      if (bucket === undefined) continue;
      const period = Math.max(0, Math.floor((now - bucket.lastAt) / periodMs));
      byPeriod[periods - 1 - period]?.push(bucket);
    }
    return byPeriod.map((buckets) => datapointOf(statistic, buckets));
  }

  #dropOld(now: Instant): void {
    const oldest = addMs(now, -this.rangeMs);
    while ((this.#buckets[this.#first]?.lastAt ?? now) <= oldest) this.#first++;
    if (this.#first <= this.#buckets.length / 2) return;
    this.#buckets = this.#buckets.slice(this.#first);
    this.#first = 0;
  }
}

function opened(value: number, now: Instant): Bucket {
  return { openedAt: now, lastAt: now, count: 1, sum: value, minimum: value, maximum: value, values: [], stride: 1 };
}

function add(bucket: Bucket, value: number, now: Instant): void {
  bucket.lastAt = now;
  bucket.count++;
  bucket.sum += value;
  bucket.minimum = Math.min(bucket.minimum, value);
  bucket.maximum = Math.max(bucket.maximum, value);
}

/** Called once the sample is counted: it is number `count - 1` of its bucket. */
function keepValue(bucket: Bucket | undefined, value: number): void {
  if (bucket === undefined || (bucket.count - 1) % bucket.stride !== 0) return;
  bucket.values.push(value);
  if (bucket.values.length <= mostValues) return;
  bucket.values = bucket.values.filter((_, index) => index % 2 === 0);
  bucket.stride *= 2;
}

function datapointOf(statistic: string, buckets: readonly Bucket[]): Datapoint {
  if (buckets.length === 0) return undefined;
  const count = buckets.reduce((total, bucket) => total + bucket.count, 0);
  const sum = buckets.reduce((total, bucket) => total + bucket.sum, 0);
  const minimum = buckets.reduce((least, bucket) => Math.min(least, bucket.minimum), Infinity);
  const maximum = buckets.reduce((most, bucket) => Math.max(most, bucket.maximum), -Infinity);
  switch (statistic) {
    case "SampleCount":
      return count;
    case "Sum":
      return sum;
    case "Minimum":
      return minimum;
    case "Maximum":
      return maximum;
    case "Average":
      // Rounding must not lift the mean of equal values over a threshold that they only reach.
      return Math.min(maximum, Math.max(minimum, sum / count));
    default:
      return percentile(percentOf(statistic) ?? 100, buckets, count);
  }
}

/** The NN of `pNN`, or undefined for any other statistic. */
function percentOf(statistic: string): number | undefined {
  const digits = /^p(\d+(?:\.\d+)?)$/.exec(statistic)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * By nearest rank: the smallest sample that at least so many percent of the samples do not exceed (Hyndman and Fan, "Sample
 * quantiles in statistical packages", 1996, definition 1). It is evaluated however few samples there are.
 */
function percentile(percent: number, buckets: readonly Bucket[], count: number): Datapoint {
  const weighted = buckets.flatMap(({ values, count: samples }) =>
    values.map((value) => ({ value, weight: samples / values.length })),
  );
  weighted.sort((a, b) => a.value - b.value);
  // Weights of thinned buckets are fractions, whose sum may fall short of the rank by a rounding.
  const rank = Math.max(1, (percent / 100) * count) - count * 1e-12;
  let below = 0;
  return (weighted.find(({ weight }) => (below += weight) >= rank) ?? weighted.at(-1))?.value;
}
