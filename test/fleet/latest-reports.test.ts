import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { LatestReports } from "../../fleet/latest-reports.ts";
import type { NodeReport } from "../../domain/load/report.ts";
import { instant } from "../../domain/time.ts";
import { describeLoadFeed } from "../conformance/load-feed.ts";

function report(change: Partial<NodeReport> = {}): NodeReport {
  return {
    uid: "uid-1",
    namespace: "media",
    name: "live-edge-0",
    bootId: "boot-1",
    sequence: 1,
    receivedAt: instant(1_000),
    connections: 0,
    publishers: 0,
    subscribers: 0,
    accepting: true,
    links: [],
    streams: [],
    children: [],
    acknowledged: [],
    ...change,
  };
}

describe("the report book", () => {
  describeLoadFeed(() => {
    const feed = new LatestReports();
    return Promise.resolve({
      feed,
      now: instant(Date.UTC(2026, 0, 1)),
      tell: (told) => {
        feed.record(told);
        return Promise.resolve();
      },
      ask: (request) => {
        feed.requestScaleIn(request);
        return Promise.resolve();
      },
      lose: (uid) => {
        feed.forget(uid);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
  });

  it("says whether it took a report", () => {
    const book = new LatestReports();
    expect([book.record(report()), book.record(report())]).toEqual([true, false]);
  });

  it("keeps the report with the highest sequence, in whatever order they come", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1 }), (sequences) => {
        const book = new LatestReports();
        const told: number[] = [];
        book.subscribe(({ sequence }) => told.push(sequence));
        for (const sequence of sequences) book.record(report({ sequence }));
        expect(book.latest("uid-1")?.sequence).toBe(Math.max(...sequences));
        expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
      }),
    );
  });

  it("keeps the nodes heard of last when there are too many", () => {
    const book = new LatestReports({ mostNodes: 2 });
    const forgotten: string[] = [];
    book.onForgotten((uid) => forgotten.push(uid));
    for (const uid of ["a", "b"]) book.record(report({ uid }));
    book.record(report({ uid: "a", sequence: 2 }));
    book.record(report({ uid: "c" }));
    expect(forgotten).toEqual(["b"]);
    expect(book.uids()).toEqual(["a", "c"]);
  });
});
