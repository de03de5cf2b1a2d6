/** The peak is never given too low, and is not held for much longer than asked. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { longestPeakMs, PeakWindow } from "../../../domain/load/peak-window.ts";
import { addMs } from "../../../domain/time.ts";
import { at } from "../../support/domain-values.ts";

describe("peak window", () => {
  it("knows nothing before the first value", () => {
    expect(new PeakWindow().after(at(0))).toBeUndefined();
  });

  it("gives the highest of the values after an instant, whatever the length of the window", () => {
    const peaks = new PeakWindow();
    for (const [ms, value] of [
      [0, 90],
      [10_000, 50],
      [20_000, 70],
      [30_000, 10],
    ] as const)
      peaks.record(value, at(ms));
    expect(peaks.after(at(-1))).toBe(90);
    expect(peaks.after(at(0))).toBe(70);
    expect(peaks.after(at(20_000))).toBe(10);
    expect(peaks.after(at(30_000))).toBeUndefined();
  });

  it("is never under the true maximum, and never over that of a slightly longer window", () => {
    const anyStep = fc.record({
      afterMs: fc.constantFrom(0, 1, 100, 900, 5_000, 60_000, 900_000),
      value: fc.nat(1_000),
    });
    fc.assert(
      fc.property(
        fc.array(anyStep, { minLength: 1, maxLength: 400 }),
        fc.nat({ max: 7_200_000 }),
        (steps, windowMs) => {
          const peaks = new PeakWindow();
          const values: { ms: number; value: number }[] = [];
          let ms = 0;
          for (const { afterMs, value } of steps) {
            ms += afterMs;
            peaks.record(value, at(ms));
            values.push({ ms, value });
          }
          const highestAfter = (from: number) =>
            Math.max(-1, ...values.filter((each) => each.ms > from).map(({ value }) => value));
          const peak = peaks.after(at(ms - windowMs)) ?? -1;
          expect(peak).toBeGreaterThanOrEqual(highestAfter(ms - windowMs));
          const longer = windowMs + Math.max(1_000, windowMs / 200) + 1;
          if (windowMs < longestPeakMs / 2) expect(peak).toBeLessThanOrEqual(highestAfter(ms - longer));
        },
      ),
    );
  });

  it("is held no longer than a second or a part of its age, through an hour of falling values", () => {
    const peaks = new PeakWindow();
    for (let second = 0; second <= 3_600; second += 2) peaks.record(10_000 - second, at(second * 1_000));
    for (const windowSeconds of [10, 100, 600, 1_800, 3_500]) {
      const peak = peaks.after(at((3_600 - windowSeconds) * 1_000)) ?? 0;
      const trueOne = 10_000 - 3_600 + windowSeconds;
      expect(peak).toBeGreaterThanOrEqual(trueOne - 2);
      expect(peak).toBeLessThanOrEqual(trueOne + 2 + windowSeconds / 200);
    }
  });

  it("stays small through a day of falling values", () => {
    const peaks = new PeakWindow();
    let most = 0;
    for (let second = 0; second < 2 * 86_400; second++) {
      peaks.record(1_000_000 - second, at(second * 1_000));
      most = Math.max(most, peaks.size);
    }
    expect(most).toBeLessThan(5_000);
    const now = at((2 * 86_400 - 1) * 1_000);
    expect(peaks.after(addMs(now, -longestPeakMs))).toBeGreaterThanOrEqual(1_000_000 - 86_400);
  });
});
