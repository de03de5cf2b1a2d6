import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { spreadOver } from "../../../domain/launch/zones.ts";

const ample = ["a", "b", "c"].map((name) => ({ name, room: 100 }));

describe("spreading over zones", () => {
  it.each([
    ["goes round when nothing is there", 4, {}, ["a", "b", "c", "a"]],
    ["fills up where there are fewest", 3, { a: 5, b: 3, c: 4 }, ["b", "b", "c"]],
    ["takes a zone that is not named as empty", 2, { a: 1, c: 1 }, ["b", "a"]],
    ["passes over zones that the region does not have", 1, { z: 0, a: 1 }, ["b"]],
    ["places nothing when nothing is asked for", 0, {}, []],
  ])("%s", (_name, count, nodes, expected) => {
    expect(spreadOver(count, ample, nodes)).toEqual(expected);
  });

  it("stops at a zone's room, and where there is none left", () => {
    const tight = [
      { name: "a", room: 1 },
      { name: "b", room: 0 },
      { name: "c", room: 2 },
    ];
    expect(spreadOver(5, tight, { a: 9 })).toEqual(["c", "c", "a"]);
    expect(spreadOver(1, [], {})).toEqual([]);
    expect(spreadOver(1, [{ name: "constructor", room: 1 }], {})).toEqual(["constructor"]);
  });

  it("never places where another zone with room has fewer, whatever was there", () => {
    const anyZones = fc.array(fc.record({ nodes: fc.nat({ max: 20 }), room: fc.nat({ max: 20 }) }), { maxLength: 5 });
    fc.assert(
      fc.property(anyZones, fc.nat({ max: 60 }), (given, count) => {
        const zones = given.map(({ room }, place) => ({ name: `z${place}`, room }));
        const nodes = new Map(given.map((zone, place) => [`z${place}`, zone.nodes]));
        const placed = spreadOver(count, zones, Object.fromEntries(nodes));
        const left = new Map(zones.map(({ name, room }) => [name, room]));
        for (const zone of placed) {
          const open = [...left].filter(([, room]) => room > 0).map(([name]) => nodes.get(name) ?? 0);
          expect(nodes.get(zone)).toBe(Math.min(...open));
          nodes.set(zone, (nodes.get(zone) ?? 0) + 1);
          left.set(zone, (left.get(zone) ?? 0) - 1);
        }
        const room = zones.reduce((sum, zone) => sum + zone.room, 0);
        expect(placed).toHaveLength(Math.min(count, room));
      }),
    );
  });
});
