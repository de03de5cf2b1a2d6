/** What of reports was not taken is said for an hour, once for each kind of fault. */
import { beforeEach, describe, expect, it } from "@jest/globals";
import { LatestReports } from "../../fleet/latest-reports.ts";
import { ReportFaults } from "../../fleet/report-faults.ts";
import type { ReportLoss } from "../../domain/load/report.ts";
import { addMs } from "../../domain/time.ts";
import { FakeClock } from "../support/fake-clock.ts";

let clock: FakeClock;
let book: LatestReports;
let faults: ReportFaults;
let news: string[];
let sequence: number;

beforeEach(() => {
  clock = new FakeClock();
  book = new LatestReports();
  faults = new ReportFaults(book, clock);
  news = [];
  sequence = 0;
  faults.onNew((key) => news.push(key));
});

const node = { uid: "u1", namespace: "media", name: "live-edge-0" };
const refuse = (reason: string) => book.refuse({ ...node, reason, receivedAt: clock.now() });

function report(...losses: readonly ReportLoss[]): void {
  book.record({
    ...{ ...node, bootId: "boot-1", sequence: ++sequence, receivedAt: clock.now(), accepting: true },
    ...{ connections: 0, publishers: 0, subscribers: 0, links: [], streams: [], children: [], acknowledged: [] },
    ...(losses.length > 0 && { losses }),
  });
}

const cpu = { part: "cpuPercent", reason: "OutOfRange", count: 1 };
const streams = { part: "streams", reason: "BadText", count: 3 };

describe("the faults of a node's reports", () => {
  it("are none where all fits", () => {
    report();
    expect([faults.ofNode("u1"), news]).toEqual([[], []]);
  });

  it("are gathered, and told when there is a new kind of them", () => {
    report(cpu);
    report(cpu);
    report(streams, { ...streams, count: 9 });
    refuse("Counts");
    expect(faults.ofNode("u1")).toEqual(["cpuPercent OutOfRange", "report Counts", "streams BadText"]);
    expect(news).toEqual(Array(3).fill("media/live-edge-0"));
    expect(faults.ofNode("u2")).toEqual([]);
  });

  it("are forgotten an hour after the last, by the monotonic clock", async () => {
    report(cpu);
    await clock.advance(3_599_999);
    report(streams);
    await clock.advance(3_599_999);
    expect(faults.ofNode("u1")).toHaveLength(2);
    await clock.advance(1);
    expect(faults.ofNode("u1")).toEqual([]);
    report(cpu);
    expect(faults.ofNode("u1")).toEqual(["cpuPercent OutOfRange"]);
    expect(news).toHaveLength(3);
  });

  it("are not those of a refusal that a feed repeats long after", async () => {
    const told = { ...node, reason: "Counts" };
    await clock.advance(7_200_000);
    book.refuse({ ...told, receivedAt: addMs(clock.now(), -3_600_000) });
    expect([faults.ofNode("u1"), news]).toEqual([[], []]);
    book.refuse({ ...told, receivedAt: addMs(clock.now(), -3_500_000) });
    expect(faults.ofNode("u1")).toEqual(["report Counts"]);
    await clock.advance(100_000);
    expect(faults.ofNode("u1")).toEqual([]);
  });

  it("stay few, whatever a later version calls them", () => {
    for (let at = 0; at < 100; at += 1) report({ part: "gpuPercent", reason: `Reason${at}`, count: 1 });
    expect(faults.ofNode("u1")).toHaveLength(32);
  });
});
