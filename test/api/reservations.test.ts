import { beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Reservations } from "../../api/reservations.ts";

let nowMs: number;
let reservations: Reservations;

beforeEach(() => {
  nowMs = 0;
  reservations = new Reservations(() => nowMs);
});

describe("reservations", () => {
  it("hold for ten seconds, each for itself", () => {
    reservations.reserve("a");
    nowMs = 4_000;
    reservations.reserve("a");
    reservations.reserve("b");
    expect([reservations.count("a"), reservations.count("b"), reservations.count("c")]).toEqual([2, 1, 0]);
    nowMs = 9_999;
    expect(reservations.count("a")).toBe(2);
    nowMs = 10_000;
    expect(reservations.count("a")).toBe(1);
    nowMs = 14_000;
    expect([reservations.count("a"), reservations.count("b")]).toEqual([0, 0]);
  });

  it("say when the first of a node ends", () => {
    expect(reservations.nextEndMs("a")).toBeUndefined();
    reservations.reserve("a");
    nowMs = 4_000;
    reservations.reserve("a");
    expect(reservations.nextEndMs("a")).toBe(6_000);
    nowMs = 11_000;
    expect(reservations.nextEndMs("a")).toBe(3_000);
    nowMs = 20_000;
    expect(reservations.nextEndMs("a")).toBeUndefined();
  });

  it("are bounded: the node to which nobody was sent for longest loses its own", () => {
    reservations = new Reservations(() => nowMs, { most: 3 });
    for (const uid of ["a", "a", "b", "c"]) reservations.reserve(uid);
    expect(["a", "b", "c"].map((uid) => reservations.count(uid))).toEqual([0, 1, 1]);
  });

  it("that ran out make room for others", () => {
    reservations = new Reservations(() => nowMs, { most: 3 });
    for (const uid of ["a", "b"]) reservations.reserve(uid);
    nowMs = 5_000;
    reservations.reserve("c");
    nowMs = 10_000;
    for (const uid of ["d", "e"]) reservations.reserve(uid);
    expect(["c", "d", "e"].map((uid) => reservations.count(uid))).toEqual([1, 1, 1]);
  });

  it("count what a list of all of them would", () => {
    const step = fc.record({ waitMs: fc.nat(6_000), uid: fc.constantFrom("a", "b", "c"), reserve: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        nowMs = 0;
        const book = new Reservations(() => nowMs);
        const all: { readonly uid: string; readonly endMs: number }[] = [];
        for (const { waitMs, uid, reserve } of steps) {
          nowMs += waitMs;
          if (reserve) {
            book.reserve(uid);
            all.push({ uid, endMs: nowMs + 10_000 });
          }
          expect(book.count(uid)).toBe(all.filter((each) => each.uid === uid && each.endMs > nowMs).length);
        }
      }),
    );
  });
});
