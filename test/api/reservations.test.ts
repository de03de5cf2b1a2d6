import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Reservations } from "../../api/reservations.ts";

class Holder {
  reserved = 0;

  keepSlot(): void {
    this.reserved += 1;
  }

  endSlot(): void {
    this.reserved -= 1;
  }
}

const holder = () => new Holder();

describe("reservations", () => {
  it("hold for ten seconds, each for itself", () => {
    const reservations = new Reservations();
    const [a, b] = [holder(), holder()];
    reservations.reserve(a, 0);
    reservations.reserve(a, 4_000);
    reservations.reserve(b, 4_000);
    expect([a.reserved, b.reserved]).toEqual([2, 1]);
    reservations.endOver(9_999);
    expect([a.reserved, b.reserved]).toEqual([2, 1]);
    reservations.endOver(10_000);
    expect([a.reserved, b.reserved]).toEqual([1, 1]);
    reservations.endOver(14_000);
    expect([a.reserved, b.reserved]).toEqual([0, 0]);
  });

  it("say when the first ends", () => {
    const reservations = new Reservations();
    expect(reservations.nextEndMs(0)).toBeUndefined();
    reservations.reserve(holder(), 0);
    reservations.reserve(holder(), 4_000);
    expect(reservations.nextEndMs(4_000)).toBe(6_000);
    reservations.endOver(11_000);
    expect(reservations.nextEndMs(11_000)).toBe(3_000);
    reservations.endOver(20_000);
    expect(reservations.nextEndMs(20_000)).toBeUndefined();
  });

  it("are bounded: the oldest ends early", () => {
    const reservations = new Reservations({ most: 3 });
    const [a, b] = [holder(), holder()];
    for (const each of [a, a, b, b]) reservations.reserve(each, 0);
    expect([a.reserved, b.reserved]).toEqual([1, 2]);
    reservations.endOver(10_000);
    expect([a.reserved, b.reserved]).toEqual([0, 0]);
  });

  it("count what a list of all of them would", () => {
    const step = fc.record({ waitMs: fc.nat(3_000), which: fc.nat(2), reserve: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const reservations = new Reservations();
        const holders = [holder(), holder(), holder()];
        const all: { readonly which: number; readonly endMs: number }[] = [];
        let nowMs = 0;
        for (const { waitMs, which, reserve } of steps) {
          nowMs += waitMs;
          reservations.endOver(nowMs);
          if (reserve) {
            reservations.reserve(holders[which]!, nowMs);
            all.push({ which, endMs: nowMs + 10_000 });
          }
          const live = all.filter(({ endMs }) => endMs > nowMs);
          const counts = holders.map((_, index) => live.filter((each) => each.which === index).length);
          expect(holders.map(({ reserved }) => reserved)).toEqual(counts);
        }
      }),
    );
  });
});
