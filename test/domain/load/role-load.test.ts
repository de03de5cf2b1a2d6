/** The gauges of a role: sums that stay whole, the boundary of silence, and what a metric names. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { alarmMetrics } from "../../../crds/names.ts";
import { LoadTally } from "../../../domain/load/load-tally.ts";
import { gaugeOf, isMostlySilent, type LoadGauges } from "../../../domain/load/role-load.ts";
import type { NodeLoad } from "../../../domain/load/report.ts";

const nobody: NodeLoad = { connections: 0, publishers: 0, subscribers: 0 };
const anyPercent = fc.double({ min: 0, max: 100, noNaN: true });
const anyNode = fc.record(
  {
    connections: fc.nat(300),
    publishers: fc.nat(20),
    subscribers: fc.nat(300),
    cpuPercent: anyPercent,
    memoryPercent: anyPercent,
    egressMbps: fc.double({ min: 0, max: 10_000, noNaN: true }),
    capacity: fc.integer({ min: 1, max: 500 }),
  },
  { requiredKeys: ["connections", "publishers", "subscribers", "capacity"] },
);
type AnyNode = typeof anyNode extends fc.Arbitrary<infer N> ? N : never;

function tallyOf(nodes: readonly AnyNode[]): LoadTally {
  const tally = new LoadTally();
  for (const node of nodes) tally.add(node, node.capacity);
  return tally;
}

function mean(figures: readonly (number | undefined)[]): number | undefined {
  const told = figures.filter((figure) => figure !== undefined);
  return told.length === 0 ? undefined : told.reduce((sum, figure) => sum + figure, 0) / told.length;
}

describe("a tally", () => {
  it("of nobody has no figures that nobody tells", () => {
    const empty = { connections: 0, publishers: 0, subscribers: 0, capacity: 0, nodes: 0, freeSlots: 0 };
    expect(new LoadTally().gauges()).toEqual(empty);
    expect(new LoadTally().demand()).toEqual({ connections: 0 });
  });

  it("counts as free what each node has left, and of one that is over its capacity no more than a tenth of it above", () => {
    const tally = new LoadTally();
    tally.add({ ...nobody, connections: 130 }, 100);
    tally.add({ ...nobody, connections: 60 }, 100);
    expect(tally.gauges()).toMatchObject({ connections: 170, capacity: 200, freeSlots: 40, nodes: 2 });
  });

  it("has the mean of CPU and memory over those that tell it, the sum of traffic, and the sums as demand", () => {
    const tally = new LoadTally();
    tally.add({ ...nobody, cpuPercent: 20, memoryPercent: 50, egressMbps: 100.5 }, 100);
    tally.add({ ...nobody, cpuPercent: 40, egressMbps: 0.25 }, 100);
    tally.add(nobody, 100);
    expect(tally.gauges()).toMatchObject({ cpuPercent: 30, memoryPercent: 50, egressMbps: 100.75, nodes: 3 });
    expect(tally.demand()).toEqual({ connections: 0, cpuPercent: 60, memoryPercent: 50 });
  });

  it("is what counting those that stayed gives, without drift, whoever came and went", () => {
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 20 }), fc.array(anyNode, { maxLength: 60 }), (stayed, passing) => {
        const tally = tallyOf([...passing, ...stayed]);
        for (const node of passing.toReversed()) tally.remove(node, node.capacity);
        expect(tally.gauges()).toEqual(tallyOf(stayed).gauges());
        expect(tally.demand()).toEqual(tallyOf(stayed).demand());
      }),
    );
  });

  it("merges into what counting all gives", () => {
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 10 }), fc.array(anyNode, { maxLength: 10 }), (one, other) => {
        const merged = tallyOf(one);
        merged.merge(tallyOf(other));
        expect(merged.gauges()).toEqual(tallyOf([...one, ...other]).gauges());
      }),
    );
  });

  it("rounds to thousandths and no further", () => {
    fc.assert(
      fc.property(fc.array(anyNode, { minLength: 1, maxLength: 20 }), (nodes) => {
        const gauges = tallyOf(nodes).gauges();
        for (const metric of ["cpuPercent", "memoryPercent"] as const) {
          const expected = mean(nodes.map((node) => node[metric]));
          if (expected === undefined) expect(gauges[metric]).toBeUndefined();
          else expect(Math.abs((gauges[metric] ?? -1) - expected)).toBeLessThanOrEqual(0.0006);
        }
      }),
    );
  });
});

describe("silence", () => {
  it.each([
    [0, 100, false],
    [10, 100, false],
    [10.0001, 100, true],
    [1, 9, true],
    [1, 10, false],
    [100, 100, true],
  ])("of %d in %d hides the load: %s", (silent, capacity, expected) => {
    expect(isMostlySilent(silent, capacity)).toBe(expected);
  });
});

describe("the gauge of a metric", () => {
  const counts = { connections: 60, publishers: 2, subscribers: 58, capacity: 100, nodes: 1, freeSlots: 40 };
  const all: LoadGauges = { ...counts, cpuPercent: 11, memoryPercent: 12, egressMbps: 13 };

  it("is found for each metric", () => {
    const gauges = alarmMetrics.map((metric) => [metric, gaugeOf(metric, all)]);
    expect(Object.fromEntries(gauges)).toEqual({
      ConnectionUtilization: 60,
      Connections: 60,
      Publishers: 2,
      Subscribers: 58,
      CPUUtilization: 11,
      MemoryUtilization: 12,
      EgressMbps: 13,
      FreeSlots: 40,
    });
  });

  it("is missing where nobody tells it", () => {
    for (const metric of ["CPUUtilization", "MemoryUtilization", "EgressMbps"] as const)
      expect(gaugeOf(metric, counts)).toBeUndefined();
    expect(gaugeOf("ConnectionUtilization", { ...counts, capacity: 0 })).toBeUndefined();
  });
});
