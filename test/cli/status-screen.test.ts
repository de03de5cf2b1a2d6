import { describe, expect, it } from "@jest/globals";
import type { NodeGroup } from "../../crds/node-group.ts";
import { statusScreen } from "../../cli/status-screen.ts";
import { streamNode } from "../support/node-api.ts";
import { nodeGroup } from "../support/resources.ts";

const since = { lastTransitionTime: "2026-01-01T00:00:00Z" };
const reason =
  "17 edge nodes in eu-west-1 (17 in service), minimum 2, maximum 40; live-origin-0 asks for live-edge-16 to go, but that is too much";

function group(fields: Partial<NonNullable<NodeGroup["status"]>> = {}): NodeGroup {
  const summary = { origins: "1/1", edges: "2/3", relays: "0/0", transcoders: "0/0", load: "15%" };
  const counts = { minLimit: 2, maxLimit: 40, desired: 3, inService: 2, starting: 1, draining: 0, terminating: 0 };
  const place = {
    role: "edge",
    region: "eu-west-1",
    ...counts,
    decision: "Hold",
    reason: "Stabilizing",
    message: reason,
  } as const;
  const ready = { ...since, type: "Ready", status: "True", reason: "MinimumMet", message: "m" } as const;
  return { ...nodeGroup(), status: { summary, roles: [place], conditions: [ready], ...fields } };
}

const quiet = {
  alarm: "edge-scale-in",
  region: "eu-west-1",
  role: "edge",
  state: "OK",
  reason: "r",
  since: "s",
} as const;

describe("the status of a fleet", () => {
  it("fits the screen, and cuts nothing", () => {
    for (const width of [60, 80, 200]) {
      const lines = statusScreen({ groups: [group()], nodes: [streamNode()] }, width);
      expect(lines.every((line) => line.length <= width)).toBe(true);
      expect(lines.map((line) => line.trim()).join(" ")).toContain(`edge eu-west-1  Hold Stabilizing: ${reason}`);
    }
  });

  it("has groups with their counts, load and state", () => {
    const [head, row] = statusScreen({ groups: [group()], nodes: [] }, 80);
    expect(head).toBe("GROUP         ORIGINS  EDGES  LOAD  STATE");
    expect(row).toMatch(/^default\/\S+ +1\/1 +2\/3 +15% +ready$/);
    const summary = { origins: "1/1", edges: "2/3", relays: "1/2", transcoders: "0/0", load: "-" };
    expect(statusScreen({ groups: [group({ summary })], nodes: [] }, 80)[0]).toContain("EDGES  RELAYS  LOAD");
  });

  it.each([
    ["paused", "Paused", "True", "EverythingPaused"],
    ["scaling paused", "Paused", "True", "ScalingPaused"],
    ["BelowMinimum", "Ready", "False", "BelowMinimum"],
  ] as const)("says of a group that it is %s", (state, type, status, why) => {
    const conditions = [{ ...since, type, status, reason: why, message: "m" }];
    expect(statusScreen({ groups: [group({ conditions })], nodes: [] }, 80)[1]).toMatch(new RegExp(` ${state}$`));
  });

  it("names what is not as it should be: nodes, alarms, conditions", () => {
    const waits = {
      ...since,
      type: "InService",
      status: "False",
      reason: "AwaitingLink",
      message: "no link yet",
    } as const;
    const pending = streamNode({ status: { phase: "Running", conditions: [waits] } });
    const alarms = [quiet, { ...quiet, alarm: "edge-scale-out", state: "ALARM", reason: "71 > 60" } as const];
    const conditions = [
      { ...since, type: "HistoryWritten", status: "False", reason: "WritesFail", message: "the disk is full" },
      { ...since, type: "AtMaximum", status: "False", reason: "WithinLimits", message: "no maximum" },
    ] as const;
    const nodes = [pending, streamNode({ status: { phase: "InService" } })];
    const screen = statusScreen({ groups: [group({ alarms, conditions: [...conditions] })], nodes }, 200).join("\n");
    expect(screen).toContain("2 nodes, 1 of them not in service\n  media/live-edge-0  Running: no link yet");
    expect(screen).toMatch(/2 alarms, 1 of them raised\n  default\/\S+  edge-scale-out eu-west-1  ALARM: 71 > 60/);
    expect(screen).toContain("HistoryWritten: the disk is full");
    expect(screen).not.toContain("no maximum");
  });

  it("is quiet where all is as it should be", () => {
    const blind = { ...quiet, state: "INSUFFICIENT_DATA" } as const;
    const place = group().status?.roles?.[0];
    const calm = place === undefined ? [] : [{ ...place, reason: "MinimumMet" }];
    const lines = statusScreen({ groups: [group({ alarms: [quiet, blind], roles: calm })], nodes: [] }, 80);
    expect(lines).toContain("2 alarms, none raised, 1 without data");
    expect(lines.at(-1)).toBe("nothing is held back: there is what the policies ask for");
  });

  it("counts what would not fit", () => {
    const nodes = Array.from({ length: 20 }, () => streamNode());
    const lines = statusScreen({ groups: [group()], nodes }, 80);
    expect(lines).toContain("  and 14 more");
    expect(lines.length).toBeLessThanOrEqual(24);
  });

  it("says what to do where there is nothing", () => {
    expect(statusScreen({ groups: [], nodes: [] }, 80).join()).toContain("there is no NodeGroup: apply one");
  });
});
