import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { drainDirectiveId } from "../../../domain/node/directive.ts";
import { atMost, type DrainFacts, drainProgress, type DrainReport, isDrained } from "../../../domain/node/drain.ts";

const mark = { reason: "ScaleIn", at: "2026-01-01T00:00:00.000Z" } as const;
const id = drainDirectiveId(mark);

/** A node that has acknowledged the drain and has nobody on it. */
function report(fields: Partial<DrainReport> = {}): DrainReport {
  return { connections: 0, publishers: 0, subscribers: 0, accepting: false, acknowledged: [id], ...fields };
}

function progress(fields: Partial<DrainFacts> = {}) {
  return drainProgress(mark, { registered: true, mayHaveServed: true, report: report(), ...fields });
}

describe("the progress of a drain", () => {
  it.each([
    ["is at its end when the node says that nobody is left", {}, { kind: "NobodyLeft" }],
    ["waits for those who are left", { connections: 12 }, { kind: "ClientsLeft", clients: 12 }],
    ["waits for subscribers whom connections leave out", { subscribers: 3 }, { kind: "ClientsLeft", clients: 3 }],
    ["waits for publishers whom connections leave out", { publishers: 1 }, { kind: "ClientsLeft", clients: 1 }],
    ["waits for the acknowledgement, though nobody is there", { acknowledged: [] }, awaiting()],
    ["takes no acknowledgement of another drain", { acknowledged: ["drain-1"] }, awaiting()],
    ["takes no acknowledgement of a node that still takes clients", { accepting: true }, awaiting()],
  ] as const)("%s", (_name, fields, expected) => {
    expect(progress({ report: report(fields) })).toEqual(expected);
  });

  it.each([
    ["waits for a report where none is fresh", { report: undefined }, "NoReport"],
    ["is at its end where the node never called back", { registered: false, mayHaveServed: false }, "NeverRegistered"],
    ["waits where a node that may have served is not registered", { registered: false }, "NoReport"],
    ["waits for a registered node, whatever came before", { mayHaveServed: false, report: undefined }, "NoReport"],
  ] as const)("%s", (_name, fields, kind) => {
    expect(progress(fields).kind).toBe(kind);
  });

  it("is never at its end without the node's own word, unless it never called back", () => {
    const count = fc.nat({ max: 3 });
    const anyReport = fc.record({
      connections: count,
      publishers: count,
      subscribers: count,
      accepting: fc.boolean(),
      acknowledged: fc.subarray([id, "drain-1"]),
    });
    const facts = fc.record({
      registered: fc.boolean(),
      mayHaveServed: fc.boolean(),
      report: fc.option(anyReport, { nil: undefined }),
    });
    fc.assert(
      fc.property(facts, ({ registered, mayHaveServed, report: said }) => {
        const nobody = said?.connections === 0 && said.publishers === 0 && said.subscribers === 0;
        const word = registered && nobody && !said.accepting && said.acknowledged.includes(id);
        const never = !registered && !mayHaveServed;
        expect(isDrained(drainProgress(mark, { registered, mayHaveServed, report: said }))).toBe(word || never);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the number of clients for people", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 5],
    [6, 10],
    [11, 20],
    [20, 20],
    [21, 50],
    [99, 100],
    [1_001, 2_000],
  ])("%d is at most %d", (clients, most) => {
    expect(atMost(clients)).toBe(most);
  });
});

function awaiting() {
  return { kind: "AwaitingAcknowledgement" } as const;
}
