import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { FirstSeen } from "../../domain/first-seen.ts";
import { addMs } from "../../domain/time.ts";
import { at } from "../support/domain-values.ts";

describe("a stored time", () => {
  it("that is past counts as it is", () => {
    expect(new FirstSeen().notAfter("a", at(5), at(10))).toBe(at(5));
    expect(new FirstSeen().notAfter("a", at(10), at(10))).toBe(at(10));
  });

  it("that is in the future counts as the moment at which it was first seen, from then on", () => {
    const seen = new FirstSeen();
    expect([10, 20, 90, 200].map((now) => seen.notAfter("a", at(100), at(now)))).toEqual(Array(4).fill(at(10)));
    expect(seen.notAfter("b", at(100), at(20))).toBe(at(20));
    expect(seen.notAfter("a", at(110), at(30))).toBe(at(30));
  });

  it("never makes a wait that begins with it longer than the wait is, by whatever it is ahead", () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 10_000_000 }), fc.nat({ max: 10_000 }), (aheadMs, waitMs) => {
        const seen = new FirstSeen();
        const stored = at(aheadMs);
        const isOver = (now: number) => addMs(seen.notAfter("a", stored, at(now)), waitMs) <= at(now);
        isOver(0);
        expect(isOver(waitMs)).toBe(true);
      }),
    );
  });

  it("is remembered within bounds", () => {
    const seen = new FirstSeen();
    for (let key = 0; key <= 20_000; key += 1) seen.notAfter(String(key), at(1e9), at(key));
    expect(seen.notAfter("1", at(1e9), at(30_000))).toBe(at(1));
    expect(seen.notAfter("0", at(1e9), at(30_000))).toBe(at(30_000));
  });
});
