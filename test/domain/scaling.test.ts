import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decideScaling, type NodeCounts, type ScalingInput } from "../../domain/scaling.ts";
import { anyRole } from "../support/domain-values.ts";

const none: NodeCounts = { inService: 0, starting: 0, draining: 0, terminating: 0 };

function edges(fields: Partial<Omit<ScalingInput, "counts">> & { readonly counts?: Partial<NodeCounts> } = {}) {
  const { counts, ...rest } = fields;
  return {
    role: "edge",
    region: "region-a",
    minLimit: 2,
    maxLimit: 4,
    deleting: false,
    everythingPaused: false,
    resolved: true,
    adopted: true,
    ...rest,
    counts: { ...none, ...counts },
  } satisfies ScalingInput;
}

describe("the minimum", () => {
  it.each([
    ["launches all of it where there is nothing", edges(), { kind: "LaunchNodes", count: 2, desired: 2 }],
    [
      "launches what is missing, counting nodes that start",
      edges({ minLimit: 4, counts: { inService: 1, starting: 2 } }),
      { kind: "LaunchNodes", count: 1, desired: 4, reason: "BelowMinimum" },
    ],
    [
      "replaces a node that drains while the maximum has room for both",
      edges({ counts: { inService: 1, draining: 1 } }),
      { kind: "LaunchNodes", count: 1 },
    ],
    [
      "counts a node that terminates for nothing",
      edges({ maxLimit: 2, counts: { inService: 1, terminating: 9 } }),
      { kind: "LaunchNodes", count: 1 },
    ],
    ["holds when it is met", edges({ counts: { inService: 2 } }), { kind: "Hold", desired: 2, reason: "MinimumMet" }],
    [
      "wants the nodes to stay that are above it",
      edges({ counts: { inService: 3 } }),
      { kind: "Hold", desired: 3, reason: "MinimumMet" },
    ],
    ["may be nothing", edges({ minLimit: 0, maxLimit: 0 }), { kind: "Hold", desired: 0, reason: "MinimumMet" }],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject(expected);
  });
});

describe("the maximum", () => {
  it.each([
    [
      "goes before the minimum while nodes drain",
      edges({ maxLimit: 2, counts: { inService: 1, draining: 1 } }),
      { kind: "Hold", desired: 2, reason: "MaximumReached" },
    ],
    [
      "cuts the launch to the room under it",
      edges({ minLimit: 4, counts: { inService: 1, draining: 2 } }),
      { kind: "LaunchNodes", count: 1 },
    ],
    [
      "that was lowered launches nothing and says how many there are to be",
      edges({ minLimit: 1, maxLimit: 1, counts: { inService: 3 } }),
      { kind: "Hold", desired: 1, reason: "AboveMaximum" },
    ],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject(expected);
  });
});

describe("what goes before the limits", () => {
  const all = { deleting: true, everythingPaused: true, resolved: false, adopted: false };

  it.each([
    ["a deletion", edges(all), { desired: 0, reason: "Deleting" }],
    ["references that are not there", edges({ ...all, deleting: false }), { reason: "NotResolved" }],
    ["a pause of everything", edges({ ...all, deleting: false, resolved: true }), { reason: "EverythingPaused" }],
    ["machines that have not been read", edges({ adopted: false }), { reason: "AwaitingListing" }],
  ] as const)("%s", (_name, input, expected) => {
    expect(decideScaling(input)).toMatchObject({ kind: "Hold", ...expected });
  });

  it("says what a paused group would do, with the numbers it goes by", () => {
    const { message } = decideScaling(edges({ everythingPaused: true, counts: { inService: 1, draining: 1 } }));
    expect(message).toBe(
      "everything is paused; 1 edge node in region-a (1 in service, 1 draining), minimum 2, maximum 4: would launch 1",
    );
  });

  it("says of a paused group that wants nothing only what there is", () => {
    expect(decideScaling(edges({ everythingPaused: true, counts: { inService: 2 } })).message).not.toContain("would");
  });

  it("says nothing of what it would do by limits that it does not know", () => {
    expect(decideScaling(edges({ resolved: false })).message).not.toContain("would");
  });
});

const count = fc.nat({ max: 30 });
const anyInput: fc.Arbitrary<ScalingInput> = fc
  .record({
    role: anyRole,
    region: fc.constantFrom("region-a", "region-b"),
    limits: fc.tuple(count, count),
    counts: fc.record({ inService: count, starting: count, draining: count, terminating: count }),
    deleting: fc.boolean(),
    everythingPaused: fc.boolean(),
    resolved: fc.boolean(),
    adopted: fc.boolean(),
  })
  .map(({ limits, ...rest }) => ({ ...rest, minLimit: Math.min(...limits), maxLimit: Math.max(...limits) }));

const free = { deleting: false, everythingPaused: false, resolved: true, adopted: true };
const launchesOf = (input: ScalingInput): number => {
  const decision = decideScaling(input);
  return decision.kind === "LaunchNodes" ? decision.count : 0;
};
const presentOf = ({ counts }: ScalingInput) => counts.inService + counts.starting;

describe("decideScaling, for any input", () => {
  it("never launches above the maximum, draining nodes counted", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const launches = launchesOf(input);
        if (launches > 0)
          expect(presentOf(input) + input.counts.draining + launches).toBeLessThanOrEqual(input.maxLimit);
      }),
    );
  });

  it("launches exactly what the minimum misses, as far as the maximum has room", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const missing = Math.max(0, input.minLimit - presentOf(input));
        const room = Math.max(0, input.maxLimit - presentOf(input) - input.counts.draining);
        expect(launchesOf({ ...input, ...free })).toBe(Math.min(missing, room));
      }),
    );
  });

  it.each([
    ["is being deleted", { deleting: true }],
    ["is paused", { everythingPaused: true }],
    ["has no valid references", { resolved: false }],
    ["has machines that were not read", { adopted: false }],
  ])("launches nothing for a group that %s", (_name, obstacle) => {
    fc.assert(fc.property(anyInput, (input) => expect(launchesOf({ ...input, ...obstacle })).toBe(0)));
  });

  it("says of a paused group how many it would launch, to the node", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const launches = launchesOf({ ...input, ...free });
        const { message } = decideScaling({ ...input, ...free, everythingPaused: true });
        const said = /: would launch (\d+)$/.exec(message)?.[1];
        expect(Number(said ?? 0)).toBe(launches);
      }),
    );
  });

  it("gives the same answer to the same input", () => {
    fc.assert(fc.property(anyInput, (input) => expect(decideScaling(input)).toEqual(decideScaling({ ...input }))));
  });

  it("has no more to launch once it was carried out", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const starting = input.counts.starting + launchesOf(input);
        expect(launchesOf({ ...input, counts: { ...input.counts, starting } })).toBe(0);
      }),
    );
  });

  it("launches no fewer for a higher minimum, and wants no fewer", () => {
    fc.assert(
      fc.property(anyInput, count, (input, more) => {
        const higher = { ...input, minLimit: Math.min(input.minLimit + more, input.maxLimit) };
        expect(launchesOf(higher)).toBeGreaterThanOrEqual(launchesOf(input));
        expect(decideScaling(higher).desired).toBeGreaterThanOrEqual(decideScaling(input).desired);
      }),
    );
  });

  it("wants a number between the limits, and none of a group that goes", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { desired } = decideScaling(input);
        if (input.deleting) expect(desired).toBe(0);
        else expect(desired >= input.minLimit && desired <= input.maxLimit).toBe(true);
      }),
    );
  });
});
