import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Candidate, leastLoaded } from "../../../domain/node/placement.ts";
import { at } from "../../support/domain-values.ts";

function candidate(fields: Partial<Candidate> = {}): Candidate {
  return {
    name: "live-edge-0",
    open: true,
    capacity: 10,
    connections: 0,
    reserved: 0,
    reportedAt: at(1_000),
    ...fields,
  };
}

describe("the least loaded", () => {
  it.each([
    ["nobody of none", [], undefined],
    [
      "nobody when all are full",
      [{ connections: 10 }, { connections: 4, reserved: 6 }, { connections: 12 }],
      undefined,
    ],
    [
      "the last free slot",
      [
        { name: "a", connections: 10 },
        { name: "b", connections: 5, reserved: 4 },
      ],
      "b",
    ],
    [
      "the lowest share of its capacity, not the lowest count",
      [
        { name: "a", connections: 5 },
        { name: "b", connections: 20, capacity: 100 },
      ],
      "b",
    ],
    [
      "reservations count as connections",
      [
        { name: "a", connections: 3, reserved: 2 },
        { name: "b", connections: 4 },
      ],
      "b",
    ],
    [
      "of equals the one with fewer reservations",
      [
        { name: "a", connections: 1, reserved: 2 },
        { name: "b", connections: 3 },
      ],
      "b",
    ],
    ["of equals the first by name", [{ name: "b" }, { name: "a" }, { name: "c" }], "a"],
    [
      "equal shares of unequal capacities are equal",
      [
        { name: "b", connections: 1, capacity: 3 },
        { name: "a", connections: 3, capacity: 9 },
      ],
      "a",
    ],
    [
      "never one that takes nobody, nor one that has not reported",
      [
        { name: "a", open: false },
        { name: "b", reportedAt: undefined },
        { name: "c", connections: 9 },
      ],
      "c",
    ],
    [
      "a stale one only when no fresh one has room",
      [
        { name: "a", reportedAt: at(999) },
        { name: "b", connections: 9 },
      ],
      "b",
    ],
    [
      "a stale one when the fresh are full",
      [
        { name: "a", reportedAt: at(999), connections: 8 },
        { name: "b", connections: 10 },
      ],
      "a",
    ],
  ] as [string, Partial<Candidate>[], string | undefined][])("is %s", (_name, given, chosen) => {
    expect(leastLoaded(given.map(candidate), at(1_000))?.name).toBe(chosen);
  });

  it("has room, does not depend on the order, and is found whenever there is room", () => {
    const count = fc.nat(12);
    const any = fc.record({
      name: fc.string({ minLength: 1, maxLength: 3 }),
      capacity: fc.integer({ min: 1, max: 12 }),
      connections: count,
      reserved: count,
      open: fc.boolean(),
      reportedAt: fc.constantFrom(undefined, at(999), at(1_000), at(2_000)),
    });
    const some = fc.uniqueArray(any, { selector: ({ name }) => name, maxLength: 8 });
    fc.assert(
      fc.property(some, (candidates) => {
        const chosen = leastLoaded(candidates, at(1_000));
        const givable = candidates.filter(({ open, reportedAt }) => open && reportedAt !== undefined);
        const roomy = givable.filter(({ capacity, connections, reserved }) => connections + reserved < capacity);
        expect(chosen === undefined).toBe(roomy.length === 0);
        expect(leastLoaded(candidates.toReversed(), at(1_000))).toBe(chosen);
        if (chosen === undefined) return;
        expect(roomy).toContain(chosen);
        const fresh = roomy.filter(({ reportedAt }) => reportedAt !== undefined && reportedAt >= at(1_000));
        const preferred = fresh.length > 0 ? fresh : roomy;
        const share = ({ capacity, connections, reserved }: Candidate) => (connections + reserved) / capacity;
        expect(share(chosen)).toBeCloseTo(Math.min(...preferred.map(share)), 12);
      }),
    );
  });
});
