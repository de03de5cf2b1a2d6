import { describe, expect, it } from "@jest/globals";
import xterm from "@xterm/headless";
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

  it("leaves out what matters least where the screen is too low, and says how much", () => {
    const lines = screenLines(scene(65, { trouble: "connection refused" }), { columns: 80, rows: 6 });
    expect(lines.slice(0, 2)).toEqual(["square  1 min 5 s of 30 min 0 s", "trouble    connection refused"]);
    expect(lines.at(-1)).toBe("… 5 lines more");
  });

  it("shows no part of a reason where the whole of it does not fit", () => {
    const told = sceneOf(0);
    const whole = screenLines(told, { columns: 80, rows: 24 });
    const low = screenLines(told, { columns: 80, rows: whole.length });
    expect(low.some((line) => line.startsWith("edge "))).toBe(false);
    expect(low.at(-1)).toBe("… 4 lines more");
    for (let rows = 1; rows <= 24; rows += 1)
      expect(screenLines(told, { columns: 80, rows }).length).toBeLessThan(Math.max(2, rows));
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

const why =
  "17 edge nodes in eu-west-1 (17 in service), minimum 2, maximum 40; live-origin-0 asks for live-edge-16 to go, but by the peak of " +
  "the last 300 s 3000 connections would be over 60 % of the 4800 that are left";

/** Scenes as they follow each other: what is written gets longer and shorter. */
function sceneOf(turn: number): Scene {
  const message = turn % 3 === 0 ? why : turn % 3 === 1 ? "launching 1" : `${why}; ${why}`;
  const decisions = view.decisions.map((decision) => ({ ...decision, message }));
  return scene(turn, { view: { ...view, decisions }, ...(turn % 4 === 1 && { trouble: "connection refused" }) });
}

describe("in a terminal of 80 columns and 24 rows", () => {
  /** A terminal emulator with a shell's lines in it already, and what it shows. */
  async function opened() {
    const screen = { columns: 80, rows: 24 };
    const terminal = new xterm.Terminal({
      cols: 80,
      rows: 24,
      scrollback: 1_000,
      convertEol: true,
      allowProposedApi: true,
    });
    const write = (text: string): Promise<void> => new Promise((resolve) => terminal.write(text, resolve));
    for (let line = 0; line < 40; line += 1) await write(`shell ${line}\n`);
    let pending: Promise<void> = Promise.resolve();
    const live = new LiveView({ screen, write: (text) => void (pending = pending.then(() => write(text))) });
    const { active } = terminal.buffer;
    const all = (): readonly string[] =>
      Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? "");
    const show = async (turn: number): Promise<readonly string[]> => {
      live.show(sceneOf(turn));
      await pending;
      return all();
    };
    const resize = (columns: number, rows: number): void => {
      Object.assign(screen, { columns, rows });
      terminal.resize(columns, rows);
    };
    const interrupt = async (): Promise<readonly string[]> => {
      await pending;
      await write("^C");
      live.end();
      await pending;
      return all();
    };
    return { show, all, resize, interrupt, active };
  }

  it("shows the whole reason of a decision, and no blank row above it", async () => {
    const { show } = await opened();
    const lines = await show(0);
    const begin = lines.findIndex((line) => line.startsWith("square"));
    const drawn = lines.slice(begin, lines.findLastIndex((line) => line !== "") + 1);
    expect(drawn.every((line) => line !== "")).toBe(true);
    const text = drawn.map((line) => line.trim()).join(" ");
    expect(text).toContain(`CapacityComing: ${why}`);
  });

  it("draws in place: nothing is left of an earlier picture, and the lines above it stay", async () => {
    const { show, active } = await opened();
    // The tallest picture has made its room.
    await show(5);
    const above = active.baseY;
    for (let turn = 0; turn < 60; turn += 1) {
      const lines = await show(turn);
      expect(lines.filter((line) => line.startsWith("square"))).toHaveLength(1);
      expect(lines.filter((line) => line.includes("CapacityComing"))).toHaveLength(1);
      expect(lines.filter((line) => line.startsWith("shell"))).toHaveLength(40);
    }
    expect(active.baseY).toBe(above);
  });

  it("leaves nothing of the key that interrupted it", async () => {
    const { show, interrupt } = await opened();
    await show(0);
    const lines = await interrupt();
    expect(lines.some((line) => line.includes("^C"))).toBe(false);
    expect(lines.filter((line) => line.startsWith("square"))).toHaveLength(1);
  });

  it("goes on drawing in place after the screen has become narrower or lower", async () => {
    const { show, resize } = await opened();
    await show(0);
    resize(60, 24);
    expect((await show(1)).filter((line) => line.startsWith("viewers"))).toHaveLength(1);
    resize(60, 12);
    const lines = await show(2);
    expect(lines.slice(-12).filter((line) => line.startsWith("viewers"))).toHaveLength(1);
    expect(lines.slice(-12).some((line) => line.startsWith("… "))).toBe(true);
  });
});
