/** Datapoints: what a statistic makes of the samples of each rolling period. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { SampleWindow, windowKey, windowShape } from "../../../domain/load/sample-window.ts";
import { addMs } from "../../../domain/time.ts";
import { at } from "../../support/domain-values.ts";

const tenSeconds = { periodMs: 10_000, periods: 3, percentiles: true };

function windowOf(samples: readonly (readonly [ms: number, value: number])[], shape = tenSeconds): SampleWindow {
  const window = new SampleWindow(shape);
  for (const [ms, value] of samples) window.record(value, at(ms));
  return window;
}

/** By this statistic, as an alarm has it that scales out. */
function by(statistic: string) {
  return { statistic, comparisonOperator: "GreaterThanThreshold" } as const;
}

/** The definition, over all samples. */
function naiveDatapoint(statistic: string, samples: readonly number[]): number | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((a, b) => a - b);
  const sum = samples.reduce((total, value) => total + value, 0);
  const byName: Record<string, number | undefined> = {
    SampleCount: samples.length,
    Sum: sum,
    Minimum: sorted[0],
    Maximum: sorted.at(-1),
    Average: sum / samples.length,
  };
  const rank = Math.ceil((Number(statistic.slice(1)) * samples.length) / 100);
  return byName[statistic] ?? sorted[Math.max(1, rank) - 1];
}

describe("the datapoints of a window", () => {
  it("are missing where there was no sample", () => {
    expect(windowOf([]).datapoints(by("Average"), at(0))).toEqual([undefined, undefined, undefined]);
    expect(windowOf([[0, 5]]).datapoints(by("SampleCount"), at(15_000))).toEqual([undefined, 1, undefined]);
  });

  it("count a sample in the period that ends with it, and in the next one where it is one period old", () => {
    const window = windowOf([[0, 5]]);
    expect(window.datapoints(by("Sum"), at(0))).toEqual([undefined, undefined, 5]);
    expect(window.datapoints(by("Sum"), at(9_999))).toEqual([undefined, undefined, 5]);
    expect(window.datapoints(by("Sum"), at(10_000))).toEqual([undefined, 5, undefined]);
    expect(window.datapoints(by("Sum"), at(29_999))).toEqual([5, undefined, undefined]);
    expect(window.datapoints(by("Sum"), at(30_000))).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    ["Average", 25],
    ["Sum", 100],
    ["Minimum", 10],
    ["Maximum", 40],
    ["SampleCount", 4],
    ["p0", 10],
    ["p25", 10],
    ["p25.01", 20],
    ["p50", 20],
    ["p75", 30],
    ["p99.99", 40],
    ["p100", 40],
  ])("%s of 40, 10, 30, 20 is %d", (statistic, expected) => {
    const window = windowOf([
      [0, 40],
      [1_000, 10],
      [2_000, 30],
      [3_000, 20],
    ]);
    expect(window.datapoints(by(statistic), at(3_000)).at(-1)).toBe(expected);
  });

  it("average equal samples to exactly their value, though their sum is rounded", () => {
    const window = windowOf(Array.from({ length: 7 }, (_, index) => [index * 1_000, 60.1] as const));
    expect(window.datapoints(by("Average"), at(6_000)).at(-1)).toBe(60.1);
  });

  it("are what the definition says while samples are a bucket apart", () => {
    const anySample = fc.tuple(fc.integer({ min: 100, max: 9_000 }), fc.nat(500));
    const anyStatistic = fc.constantFrom(
      "Average",
      "Sum",
      "Minimum",
      "Maximum",
      "SampleCount",
      "p0",
      "p37.5",
      "p90",
      "p100",
    );
    fc.assert(
      fc.property(fc.array(anySample, { maxLength: 80 }), fc.nat(35_000), anyStatistic, (steps, laterMs, statistic) => {
        let ms = 0;
        const samples = steps.map(([afterMs, value]) => [(ms += afterMs), value] as const);
        const now = ms + laterMs;
        const expected = [2, 1, 0].map((period) => {
          const inPeriod = samples.filter(([t]) => t > now - (period + 1) * 10_000 && t <= now - period * 10_000);
          return naiveDatapoint(
            statistic,
            inPeriod.map(([, value]) => value),
          );
        });
        expect(windowOf(samples).datapoints(by(statistic), at(now))).toEqual(expected);
      }),
    );
  });

  it("are off by no more than a bucket while samples are dense", () => {
    const anyValues = fc.array(fc.nat(1_000), { minLength: 2_000, maxLength: 4_000 });
    fc.assert(
      fc.property(anyValues, fc.nat(120), (values, laterMs) => {
        const samples = values.map((value, index) => [index * 7, value] as const);
        const now = (values.length - 1) * 7 + laterMs;
        const window = windowOf(samples);
        const inPeriod = samples.filter(([ms]) => ms > now - 10_000).map(([, value]) => value);
        const count = window.datapoints(by("SampleCount"), at(now)).at(-1) ?? 0;
        expect(Math.abs(count - inPeriod.length)).toBeLessThanOrEqual(100 / 7 + 1);
        const total = window.datapoints(by("SampleCount"), at(now)).reduce<number>((sum, each) => sum + (each ?? 0), 0);
        expect(Math.abs(total - samples.filter(([ms]) => ms > now - 30_000).length)).toBeLessThanOrEqual(100 / 7 + 1);
        const median = window.datapoints(by("p50"), at(now)).at(-1) ?? -1;
        const below = inPeriod.filter((value) => value < median).length / inPeriod.length;
        const upTo = inPeriod.filter((value) => value <= median).length / inPeriod.length;
        expect(below).toBeLessThanOrEqual(0.55);
        expect(upTo).toBeGreaterThanOrEqual(0.45);
      }),
      { numRuns: 15 },
    );
  });

  it("keep the shape of the values where there are too many for a bucket", () => {
    const window = windowOf(Array.from({ length: 10_000 }, (_, index) => [9_000 + index / 200, index % 100] as const));
    const now = at(9_050);
    expect(window.datapoints(by("Maximum"), now).at(-1)).toBe(99);
    expect(Math.abs((window.datapoints(by("p90"), now).at(-1) ?? 0) - 90)).toBeLessThanOrEqual(10);
  });
});

describe("percentiles of a bucket with too many values", () => {
  it("weigh it by its samples", () => {
    const dense = Array.from({ length: 1_000 }, (_, index) => [index / 20, 5] as const);
    const sparse = Array.from({ length: 40 }, (_, index) => [200 + index * 150, 50] as const);
    const window = windowOf([...dense, ...sparse]);
    expect(window.datapoints(by("p50"), at(7_000)).at(-1)).toBe(5);
    expect(window.datapoints(by("p99"), at(7_000)).at(-1)).toBe(50);
  });

  it("are thinned evenly, not by forgetting the first or the last", () => {
    const window = windowOf(Array.from({ length: 1_000 }, (_, index) => [index / 20, index] as const));
    for (const percent of [25, 50, 75])
      expect(Math.abs((window.datapoints(by(`p${percent}`), at(60)).at(-1) ?? 0) - percent * 10)).toBeLessThanOrEqual(
        130,
      );
  });
});

describe("the size of a window", () => {
  it.each([
    ["of a short period", { periodMs: 1_000, periods: 3, percentiles: false }, 100],
    ["of a long period", { periodMs: 60_000, periods: 5, percentiles: true }, 1_200],
  ])("%s is bounded whatever the number of samples", (_name, shape, most) => {
    const window = new SampleWindow(shape);
    for (let index = 0; index < 200_000; index++) window.record(index, at(index * 5));
    expect(window.size).toBeLessThanOrEqual(most);
  });

  it("of a day in periods of a minute is bounded", () => {
    const window = new SampleWindow({ periodMs: 60_000, periods: 1_442, percentiles: false });
    for (let index = 0; index < 300_000; index++) window.record(index, at(index * 600));
    expect(window.size).toBeLessThanOrEqual(40_002);
    expect(window.datapoints(by("SampleCount"), addMs(at(0), 299_999 * 600))).toHaveLength(1_442);
  });
});

describe("alarms that share a window", () => {
  const alarm = { metric: "Connections", statistic: "Average", periodSeconds: 10, evaluationPeriods: 3 } as const;

  it("look at the same metric over the same periods, with statistics that are kept alike", () => {
    expect(windowKey({ ...alarm, statistic: "Sum" })).toBe(windowKey(alarm));
    expect(windowKey({ ...alarm, statistic: "p90" })).toBe(windowKey({ ...alarm, statistic: "p99.9" }));
  });

  it.each([
    ["metric", { metric: "Publishers" }],
    ["period", { periodSeconds: 20 }],
    ["number of periods", { evaluationPeriods: 4 }],
    ["kind of statistic", { statistic: "p50" }],
  ] as const)("do not differ in their %s", (_name, change) => {
    expect(windowKey({ ...alarm, ...change })).not.toBe(windowKey(alarm));
  });

  it("have the range of the alarm", () => {
    expect(windowShape(alarm)).toEqual({ periodMs: 10_000, periods: 5, percentiles: false });
  });
});
