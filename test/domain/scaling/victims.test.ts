import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { rankVictims, type Victim } from "../../../domain/scaling/victims.ts";
import { at } from "../../support/domain-values.ts";

/** An edge that serves nobody. */
function edge(name: string, fields: Partial<Victim> = {}): Victim {
  return {
    name,
    uid: `uid-${name}`,
    inService: true,
    registered: true,
    publishers: 0,
    streams: 0,
    connections: 0,
    createdAt: at(0),
    lastParent: false,
    ...fields,
  };
}

const unknown = { publishers: undefined, streams: undefined, connections: undefined };
const unready = { inService: false };
const booting = { ...unready, registered: false, ...unknown };

function ranked(candidates: readonly Victim[], requested?: string): string {
  return rankVictims(candidates, requested)
    .map(({ name }) => name)
    .join(" ");
}

describe("the node that harms least by going", () => {
  it.each([
    ["is unready rather than idle", [edge("a"), edge("b", { ...unready, connections: 3 })]],
    ["has not called back rather than unready", [edge("a", unready), edge("b", booting)]],
    [
      "is known to be idle rather than unready and unknown",
      [edge("a", { ...unready, ...unknown }), edge("b", unready)],
    ],
    ["has viewers rather than publishers", [edge("a", { publishers: 1 }), edge("b", { connections: 90, streams: 9 })]],
    [
      "is in service rather than unready with publishers",
      [edge("a", { ...unready, publishers: 1 }), edge("b", { connections: 90 })],
    ],
    ["is known to have publishers rather than unknown", [edge("a", unknown), edge("b", { publishers: 9 })]],
    ["has fewer streams", [edge("a", { streams: 2, connections: 2 }), edge("b", { streams: 1, connections: 90 })]],
    ["has fewer connections", [edge("a", { connections: 2 }), edge("b", { connections: 1 })]],
    [
      "is in the fullest zone",
      [edge("a", { zone: "z1" }), edge("c", { zone: "z2", connections: 9 }), edge("b", { zone: "z2" })],
    ],
    [
      "is in the zone that is fullest with those that may not go",
      [edge("a", { zone: "z1" }), edge("c", { zone: "z2", lastParent: true }), edge("b", { zone: "z2" })],
    ],
    ["is in a zone that is known", [edge("a"), edge("b", { zone: "z1" })]],
    ["is the youngest", [edge("a", { createdAt: at(1) }), edge("b", { createdAt: at(2) })]],
    ["is the first by name", [edge("c"), edge("b")]],
    ["is no last parent", [edge("a", { ...booting, lastParent: true }), edge("b", { publishers: 9 })]],
  ])("%s", (_name, candidates) => {
    expect(ranked(candidates).split(" ")[0]).toBe("b");
  });

  it("is the one that was asked for", () => {
    expect(ranked([edge("a"), edge("b", { publishers: 9 })], "b")).toBe("b a");
  });

  it("is another where the one that was asked for is a last parent or is not there", () => {
    expect(ranked([edge("a"), edge("b", { lastParent: true })], "b")).toBe("a");
    expect(ranked([edge("a")], "b")).toBe("a");
  });

  it("is none where all are last parents", () => {
    expect(rankVictims([edge("a", { lastParent: true })])).toEqual([]);
  });

  it("comes back as it was given", () => {
    const node = { ...edge("a"), resourceVersion: "7" };
    expect(rankVictims([node])).toEqual([node]);
  });
});

const count = fc.option(fc.nat({ max: 3 }), { nil: undefined });
const anyVictims = fc
  .array(
    fc.record({
      inService: fc.boolean(),
      registered: fc.boolean(),
      publishers: count,
      streams: count,
      connections: count,
      zone: fc.constantFrom(undefined, "z1", "z2"),
      createdAt: fc.nat({ max: 3 }).map(at),
      lastParent: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.map((fields, position) => edge(`n${position}`, fields)));

describe("the order of victims, for any nodes", () => {
  it("is the same in whatever order they come", () => {
    fc.assert(
      fc.property(anyVictims, fc.nat(), (victims, seed) => {
        const at = victims.length === 0 ? 0 : seed % victims.length;
        const turned = [...victims.slice(at), ...victims.slice(0, at)].reverse();
        expect(ranked(turned)).toBe(ranked(victims));
      }),
    );
  });

  it("has all that may go, and no last parent", () => {
    fc.assert(
      fc.property(anyVictims, (victims) => {
        const names = victims.filter(({ lastParent }) => !lastParent).map(({ name }) => name);
        expect(ranked(victims).split(" ").sort()).toEqual((names.length === 0 ? [""] : names).sort());
      }),
    );
  });

  it("takes nobody's publishers before it has taken all that are known to have none", () => {
    fc.assert(
      fc.property(anyVictims, (victims) => {
        const order = rankVictims(victims);
        const first = order.findIndex(({ publishers = 0 }) => publishers > 0);
        const harmless = order.findLastIndex(({ publishers, inService }) => publishers === 0 && inService);
        if (first !== -1 && order[first]?.registered === true) expect(first).toBeGreaterThan(harmless);
      }),
    );
  });
});
