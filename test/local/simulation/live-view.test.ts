import { describe, expect, it } from "@jest/globals";
import type { FleetNode, FleetView } from "../../../local/simulation/fleet-view.ts";
import { LiveView, logLine, type Scene, screenLines } from "../../../local/simulation/live-view.ts";
import { crowdCounts, sample } from "./samples.ts";

const edge: FleetNode = {
  ...{ uid: "u", name: "live-edge-0", role: "edge", region: "eu-west-1", phase: "InService", capacity: 100 },
  ...{ serving: true, draining: false, marked: false, toldToEnd: false },
};
const view: FleetView = {
  nodes: [edge, { ...edge, name: "live-edge-1" }, { ...edge, name: "live-edge-2", phase: "Pending", serving: false }],
  alarms: [{ alarm: "edge-scale-out", role: "edge", region: "eu-west-1", state: "ALARM", reason: "r", since: "s" }],
  decisions: [
    {
      ...{ role: "edge", region: "eu-west-1", minLimit: 2, maxLimit: 9, desired: 3, inService: 2, starting: 1 },
      ...{ draining: 0, terminating: 0, decision: "Hold", reason: "CapacityComing", message: "1 edge is coming" },
    },
  ],
};

function scene(seconds = 65, fields: Partial<Scene> = {}): Scene {
  return {
    ...{ trace: "square", totalSeconds: 1_800, sample: sample(seconds, { watching: 150, starting: 1 }) },
    ...{ counts: crowdCounts({ rejected: 7 }), view, ...fields },
  };
}

describe("the live view", () => {
  it("shows viewers, capacity, nodes by phase, alarms and the last decisions", () => {
    const screen = screenLines(scene(65, { trouble: "connection refused" }), { columns: 200, rows: 50 }).join("\n");
    for (const text of [
      "square  1 min 5 s of 30 min 0 s",
      "100 wanted, 150 watching",
      "200 in service, load 75 %, threshold 60 %",
      "edges      1 Pending, 2 InService",
      "edge-scale-out eu-west-1 ALARM",
      "edge       eu-west-1  CapacityComing: 1 edge is coming",
      "rejected   7 of 200",
      "trouble    connection refused",
    ]) {
      expect(screen).toContain(text);
    }
  });

  it("keeps within the screen", () => {
    const lines = screenLines(scene(), { columns: 30, rows: 6 });
    expect(lines).toHaveLength(5);
    expect(lines.every((line) => line.length <= 30)).toBe(true);
  });

  it("draws over what it drew", () => {
    const screen = { columns: 80, rows: 50 };
    const written: string[] = [];
    const live = new LiveView({ screen, write: (text) => written.push(text) });
    live.show(scene());
    live.show(scene());
    const height = screenLines(scene(), screen).length;
    expect(written[1]).toBe(`\u001B[${height}A\u001B[J`);
    expect(written[0]?.split("\n")).toHaveLength(height + 1);
  });

  it("writes a line every five seconds, and each other decision, where there is no screen", () => {
    const written: string[] = [];
    const live = new LiveView({ screen: undefined, write: (text) => written.push(text) });
    for (const seconds of [0, 1, 4, 5.1, 6, 11, 12]) live.show(scene(seconds));
    expect(written.shift()).toBe("0 s; edge eu-west-1: Hold CapacityComing: 1 edge is coming\n");
    expect(written.map((line) => line.split(";")[0])).toEqual([
      "0 s of 30 min 0 s",
      "5 s of 30 min 0 s",
      "11 s of 30 min 0 s",
    ]);
    expect(logLine(scene())).toContain("viewers 150/100; capacity 200 (load 75 %, threshold 60 %)");
  });
});
