import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { batchName, batchNumber, formatSlots, freeSlots, parseSlots, slotName } from "../../domain/names.ts";
import { anyGroupName, anyRole } from "../support/domain-values.ts";

const anySlot = fc.nat({ max: 99_999 });
const anySlots = fc.array(anySlot, { minLength: 1, maxLength: 50 });

describe("names", () => {
  it("say group, role and slot", () => {
    expect(slotName("live", "edge", 3)).toBe("live-edge-3");
    expect(batchName("live", "edge", 7)).toBe("live-edge-b7");
  });

  it("are the same for two slots only when group, role and slot are", () => {
    const anyPlace = fc.tuple(anyGroupName, anyRole, fc.nat({ max: 20 }));
    fc.assert(
      fc.property(anyPlace, anyPlace, (one, other) => {
        expect(slotName(...one) === slotName(...other)).toBe(one.join("/") === other.join("/"));
      }),
    );
  });

  it("differ though the group of one reads like the node of another", () => {
    expect(slotName("live-origin-1", "edge", 1)).not.toBe(slotName("live", "origin", 1));
    expect(slotName("live-edge", "origin", 1)).not.toBe(slotName("live", "edge", 1));
  });

  it("stand in a label, whatever the group and the number", () => {
    fc.assert(
      fc.property(anyGroupName, anyRole, fc.integer({ min: 1, max: 9_999_999_999 }), (group, role, number) => {
        expect(batchName(group, role, number)).toMatch(/^[a-z0-9][-a-z0-9]{0,61}[a-z0-9]$/);
      }),
    );
  });

  it("give a batch's number back", () => {
    fc.assert(
      fc.property(anyGroupName, anyRole, fc.integer({ min: 1, max: 1_000_000 }), (group, role, number) => {
        expect(batchNumber(batchName(group, role, number))).toBe(number);
      }),
    );
  });

  it.each(["live-edge-3", "live-edge-b", "b7", "live-edge-b7x", "live-edge-b-1", ""])(
    "tell that %j is no batch",
    (name) => {
      expect(batchNumber(name)).toBeUndefined();
    },
  );
});

describe("free slots", () => {
  it("are the lowest that nobody holds, in rising order", () => {
    expect(freeSlots((slot) => [0, 2, 3, 7].includes(slot), 4)).toEqual([1, 4, 5, 6]);
    expect(freeSlots(() => false, 3)).toEqual([0, 1, 2]);
    expect(freeSlots((slot) => slot === 0, 0)).toEqual([]);
  });

  it("are as many as asked for, none in use, and no lower one is passed over", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 60 })), fc.nat({ max: 50 }), (held, count) => {
        const used = new Set(held);
        const free = freeSlots((slot) => used.has(slot), count);
        expect(free).toHaveLength(count);
        const below = Array.from({ length: (free.at(-1) ?? -1) + 1 }, (_, slot) => slot);
        expect(below.filter((slot) => !used.has(slot))).toEqual(free);
      }),
    );
  });
});

describe("slots as a text", () => {
  it.each([
    [[0, 1, 2, 3, 4, 7, 9, 10], "0-4,7,9-10"],
    [[3], "3"],
    [[3, 2, 1], "3,2,1"],
    [[1, 1], "1,1"],
    [[], ""],
  ])("of %j are %j", (slots, text) => {
    expect(formatSlots(slots)).toBe(text);
  });

  it.each([10, 36] as const)("are read again as they were, in order, in base %d", (radix) => {
    fc.assert(
      fc.property(anySlots, (slots) => {
        expect(parseSlots(formatSlots(slots, radix), radix)).toEqual(slots);
      }),
    );
  });

  it.each(["", ",", "1,", "a", "-1", "1-", "2-1", "1.5", "0x1", " 1", "1 ", "100000", "1-2-3", "1\n", "٣", "A"])(
    "that %j is none",
    (text) => {
      expect(parseSlots(text)).toBeUndefined();
    },
  );

  it("are bounded in base 36 as in decimal", () => {
    expect(parseSlots("255r", 36)).toEqual([99_999]);
    expect(parseSlots("255s", 36)).toBeUndefined();
    expect(parseSlots("0-zzzz", 36)).toBeUndefined();
  });
});
