import { describe, expect, it } from "@jest/globals";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { listingPauseMs } from "../../platforms/listing-pause.ts";

const unavailable: PlatformError = { kind: "Unavailable", message: "" };
const throttled: PlatformError = { kind: "Throttled", message: "", retryAfterMs: 30_000 };

describe("pause before the next listing", () => {
  it.each([
    ["the interval, less 10 %", { failures: 0, draw: 0 }, 900],
    ["the interval, plus 10 %", { failures: 0, draw: 1 }, 1_100],
    ["doubled after a failure", { failures: 1, draw: 0, error: unavailable }, 2_000],
    ["doubled again, with jitter", { failures: 2, draw: 0.5, error: unavailable }, 4_400],
    ["a minute at most", { failures: 60, draw: 0, error: unavailable }, 60_000],
    ["what a throttling cloud asks for", { failures: 1, draw: 0, error: throttled }, 30_000],
    ["the back-off where it is longer than that", { failures: 6, draw: 0, error: throttled }, 60_000],
  ])("is %s", (_what, input, expected) => {
    expect(listingPauseMs({ intervalMs: 1_000, ...input })).toBeCloseTo(expected);
  });

  it("is never shorter than the interval", () => {
    expect(listingPauseMs({ intervalMs: 90_000, failures: 3, draw: 0, error: unavailable })).toBe(90_000);
  });
});
