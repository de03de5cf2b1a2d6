import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { RateLimiter } from "../../api/rate-limit.ts";

describe("the rate limiter", () => {
  it("never lets more pass than burst and time allow", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000), { minLength: 1, maxLength: 200 }), (gaps) => {
        let nowMs = 0;
        const limiter = new RateLimiter({ perSecond: 2, burst: 5 }, () => nowMs);
        let passed = 0;
        for (const gap of gaps) {
          nowMs += gap;
          if (limiter.take("a") === 0) passed += 1;
        }
        expect(passed).toBeLessThanOrEqual(5 + (nowMs / 1_000) * 2);
      }),
    );
  });

  it("says when to come again, and keeps its word", () => {
    let nowMs = 0;
    const limiter = new RateLimiter({ perSecond: 2, burst: 1 }, () => nowMs);
    expect(limiter.take("a")).toBe(0);
    const waitMs = limiter.take("a");
    expect(waitMs).toBe(500);
    expect(limiter.take("b")).toBe(0);
    nowMs += waitMs;
    expect(limiter.take("a")).toBe(0);
  });

  it("forgets the key used longest ago when there are too many", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, () => 0, { mostKeys: 2 });
    for (const key of ["a", "b", "c"]) expect(limiter.take(key)).toBe(0);
    expect(limiter.take("c")).toBeGreaterThan(0);
    expect(limiter.take("a")).toBe(0);
  });
});
