import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { sharedReport } from "../../api/shared-report.ts";
import type { NodeReport } from "../../domain/load.ts";
import { instant } from "../../domain/time.ts";

function report(change: Partial<NodeReport> = {}): NodeReport {
  return {
    ...{ uid: "uid-1", namespace: "media", name: "live-edge-0", bootId: "boot-1", sequence: 1 },
    ...{ receivedAt: instant(1_000), connections: 3, publishers: 0, subscribers: 3, accepting: true },
    links: [{ parent: "live-origin-0", state: "established" }],
    streams: [{ scope: "live", name: "one", subscribers: 3 }],
    children: [{ name: "live-edge-1", connections: 1, subscribers: 1, streams: 1 }],
    acknowledged: ["drain-1"],
    ...change,
  };
}

const few = { maxLength: 3 };
const anyReport = fc
  .record({
    sequence: fc.nat(3),
    connections: fc.nat(3),
    bootId: fc.constantFrom("boot-1", "boot-2"),
    cpuPercent: fc.constantFrom(0, 50),
    links: fc.array(
      fc.record({ parent: fc.constantFrom("a", "b"), state: fc.constantFrom("lost", "established") }),
      few,
    ),
    streams: fc.array(
      fc.record({ scope: fc.constant("live"), name: fc.constantFrom("a", "b"), subscribers: fc.nat(1) }),
      few,
    ),
    children: fc.array(
      fc.record({
        name: fc.constantFrom("a", "b"),
        connections: fc.nat(1),
        subscribers: fc.nat(1),
        streams: fc.nat(1),
      }),
      few,
    ),
    acknowledged: fc.array(fc.constantFrom("a", "b"), few),
  })
  .map((change) => report(change as Partial<NodeReport>));

describe("a report that is kept", () => {
  it("says what was said, whatever was said before", () => {
    fc.assert(fc.property(anyReport, anyReport, (next, before) => expect(sharedReport(next, before)).toEqual(next)));
  });

  it("takes lists that are as they were from the one before, and no others", () => {
    const before = report();
    const again = sharedReport(structuredClone(report({ sequence: 2 })), before);
    for (const list of ["links", "streams", "children", "acknowledged"] as const)
      expect(again[list]).toBe(before[list]);
    const next = report({ streams: [{ scope: "live", name: "one", subscribers: 4 }], acknowledged: [] });
    const changed = sharedReport(next, before);
    expect(changed.streams).toBe(next.streams);
    expect(changed.acknowledged).toBe(next.acknowledged);
  });

  it("takes long lists as they come", () => {
    const acknowledged = Array.from({ length: 100 }, (_, number) => `drain-${number}`);
    const next = report({ acknowledged: [...acknowledged] });
    expect(sharedReport(next, report({ acknowledged })).acknowledged).toBe(next.acknowledged);
  });
});
