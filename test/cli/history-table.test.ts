import { describe, expect, it } from "@jest/globals";
import type { HistoryRow } from "../../api/history-schemas.ts";
import { historyTable } from "../../cli/history-table.ts";

const place = { role: "edge", region: "eu-west-1" } as const;

describe("a table of history", () => {
  it("has nodes under each other, the newest last", () => {
    const opened = { ...place, uid: "u", platform: "simulated" };
    const rows: readonly HistoryRow<"nodes">[] = [
      { ...opened, name: "live-edge-1", openedAt: "2026-01-02T03:04:06.500Z" },
      {
        ...{ ...opened, name: "live-edge-0", providerId: "sim-1", openedAt: "2026-01-02T03:04:05.006Z" },
        ...{ closedAt: "2026-01-02T04:00:00.000Z", closeReason: "Terminated" },
      },
    ];
    expect(historyTable("nodes", rows)).toBe(
      [
        "OPENED                CLOSED                NODE         ROLE  REGION     MACHINE  WHY CLOSED",
        "2026-01-02T03:04:05Z  2026-01-02T04:00:00Z  live-edge-0  edge  eu-west-1  sim-1    Terminated",
        "2026-01-02T03:04:06Z  -                     live-edge-1  edge  eu-west-1  -        -",
      ].join("\n"),
    );
  });

  it("has the load of a node: mean and most", () => {
    const sums = { connectionsSum: 25, connectionsMax: 20, publishersSum: 0, subscribersSum: 30 };
    const table = historyTable("load", [{ ...place, minute: "2026-01-02T03:04:00.000Z", samples: 2, ...sums }]);
    expect(table.split("\n").at(-1)?.split(/ {2,}/)).toEqual([
      ...["2026-01-02T03:04:00Z", "edge", "eu-west-1", "2", "12.5", "20", "0", "15"],
    ]);
  });

  it("has streams and alarms", () => {
    const times = { startedAt: "2026-01-02T03:04:05.006Z", lastSeenAt: "2026-01-02T03:04:05.006Z" };
    const streams = historyTable("streams", [
      { ...times, scope: "live", name: "match", nodeUid: "u", peakSubscribers: 7 },
    ]);
    expect(streams.split("\n")[1]).toBe("2026-01-02T03:04:05Z  -      live/match  7     u");
    const change = {
      at: "2026-01-02T03:04:05.006Z",
      alarm: "edge-scale-out",
      from: "OK",
      to: "ALARM",
      reason: "71 > 60",
    };
    expect(historyTable("alarms", [{ ...place, ...change }])).toContain("edge  eu-west-1  OK    ALARM  71 > 60");
  });
});
