/** Samples of one gauge over time, and the datapoints that a statistic makes of them, one for each period. */
import type { AlarmDefinition } from "../alarm/alarm-definitions.ts";
import { type AlarmRule, type Datapoint, rangeOf } from "../alarm/alarm-state.ts";
import { addMs, type Instant } from "../time.ts";

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

/** What a datapoint is made by, and what it is compared by. */
type Judged = Pick<AlarmDefinition, "statistic" | "comparisonOperator">;
type ComparisonOperator = AlarmRule["comparisonOperator"];

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
 *
 * A gauge is known between two samples that are no more than `holdMs` apart, and that long after the last one. So a period
 * that is shorter than the distance of two samples is not without data: it has that of its neighbours which breaches less,
 * and the periods do not roll on while the next sample is awaited. Nothing is known of how many samples it would have had.
 */
export class SampleWindow {
  readonly #shape: WindowShape;
  readonly #holdMs: number;
  readonly #bucketMs: number;
  #buckets: Bucket[] = [];
  /** Buckets before this one have left the window. */
  #first = 0;

  /** `holdMs`: for how long a sample speaks for the gauge; 0: for its own moment. */
  constructor(shape: WindowShape, holdMs = 0) {
    this.#shape = shape;
    this.#holdMs = holdMs;
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

  /** One datapoint for each period, oldest first; undefined for a period of which nothing is known. */
  datapoints({ statistic, comparisonOperator }: Judged, now: Instant): readonly Datapoint[] {
    const { periods, periodMs } = this.#shape;
    const newest = this.#endOfNewest(now);
    const datapoints: Datapoint[] = [];
    let begin = this.#firstAfter(addMs(newest, -periods * periodMs));
    for (let period = periods - 1; period >= 0; period--) {
      const end = this.#firstAfter(addMs(newest, -period * periodMs));
      const stretch = { buckets: this.#buckets, begin, end };
      datapoints.push(
        begin < end ? datapointOf(statistic, stretch) : this.#between(begin, statistic, comparisonOperator),
      );
      begin = end;
    }
    return datapoints;
  }

  /** Now; but while the next sample is awaited, no later than the last one is in the newest period. */
  #endOfNewest(now: Instant): Instant {
    const last = this.#buckets.at(-1)?.lastAt ?? now;
    const isAwaited = now - last >= this.#shape.periodMs && now - last < this.#holdMs;
    return isAwaited ? addMs(last, this.#shape.periodMs - 1) : now;
  }

  /** Of a period between the sample before this place and the one at it, if they are near enough to speak for it. */
  #between(place: number, statistic: string, comparison: ComparisonOperator): Datapoint {
    const before = place > this.#first ? this.#buckets[place - 1] : undefined;
    const after = this.#buckets[place];
    if (before === undefined || after === undefined || after.openedAt - before.lastAt > this.#holdMs) return undefined;
    if (statistic === "SampleCount" || statistic === "Sum") return undefined;
    const earlier = datapointOf(statistic, { buckets: this.#buckets, begin: place - 1, end: place });
    const later = datapointOf(statistic, { buckets: this.#buckets, begin: place, end: place + 1 });
    if (earlier === undefined || later === undefined) return undefined;
    return comparison.startsWith("Greater") ? Math.min(earlier, later) : Math.max(earlier, later);
  }

  /** Place of the first bucket whose last sample came after the instant. */
  #firstAfter(instant: Instant): number {
    let [low, high] = [this.#first, this.#buckets.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#buckets[middle]?.lastAt ?? Infinity) > instant) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #dropOld(now: Instant): void {
    const oldest = addMs(now, -this.rangeMs);
    // The one before the range speaks for its beginning.
    while ((this.#buckets[this.#first + 1]?.lastAt ?? now) <= oldest) this.#first++;
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

/** The buckets of a period, from `begin` up to and without `end`. */
interface Stretch {
  readonly buckets: readonly Bucket[];
  readonly begin: number;
  readonly end: number;
}

function datapointOf(statistic: string, stretch: Stretch): Datapoint {
  if (stretch.begin >= stretch.end) return undefined;
  const { count, sum, minimum, maximum } = totalOf(stretch);
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
      return percentile(percentOf(statistic) ?? 100, stretch, count);
  }
}

/** A plain loop: it runs over hundreds of buckets at every report. */
function totalOf({ buckets, begin, end }: Stretch): Pick<Bucket, "count" | "sum" | "minimum" | "maximum"> {
  let [count, sum, minimum, maximum] = [0, 0, Infinity, -Infinity];
  for (let place = begin; place < end; place++) {
    const bucket = buckets[place];
    if (bucket === undefined) continue;
    count += bucket.count;
    sum += bucket.sum;
    if (bucket.minimum < minimum) minimum = bucket.minimum;
    if (bucket.maximum > maximum) maximum = bucket.maximum;
  }
  return { count, sum, minimum, maximum };
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
function percentile(percent: number, { buckets, begin, end }: Stretch, count: number): Datapoint {
  const weighted = buckets
    .slice(begin, end)
    .flatMap(({ values, count: samples }) => values.map((value) => ({ value, weight: samples / values.length })));
  weighted.sort((a, b) => a.value - b.value);
  // Weights of thinned buckets are fractions, whose sum may fall short of the rank by a rounding.
  const rank = Math.max(1, (percent / 100) * count) - count * 1e-12;
  let below = 0;
  return (weighted.find(({ weight }) => (below += weight) >= rank) ?? weighted.at(-1))?.value;
}
