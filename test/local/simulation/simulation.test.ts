import { describe, expect, it } from "@jest/globals";
import type { AlarmDefinition } from "../../../domain/alarm/alarm-definitions.ts";
import { FleetTally, fleetView } from "../../../local/simulation/fleet-view.ts";
import type { Scene } from "../../../local/simulation/live-view.ts";
import type { LookUpAnswer, SessionAnswer, SessionChanges } from "../../../local/simulation/session-ports.ts";
import { simulate, type SimulationOptions } from "../../../local/simulation/simulation.ts";
import { traceThrough } from "../../../local/simulation/trace.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { origin, streamNode } from "../../support/node-api.ts";
import { nodeGroup } from "../../support/resources.ts";

const alarm: AlarmDefinition = {
  ...{ name: "edge-scale-out", role: "edge", metric: "ConnectionUtilization", statistic: "Average", periodSeconds: 10 },
  ...{ evaluationPeriods: 1, datapointsToAlarm: 1, threshold: 70, comparisonOperator: "GreaterThanThreshold" },
  ...{ treatMissingData: "ignore", action: "ScaleOut" },
};

const edge = streamNode({ name: "live-edge-0", status: { phase: "InService" } });
const view = fleetView(nodeGroup(), [edge, streamNode({ ...origin(0), status: { phase: "InService" } })]);

function setUp(fields: Partial<SimulationOptions> = {}) {
  const clock = new FakeClock();
  const end = new AbortController();
  const scenes: Scene[] = [];
  const sessions = new Set<string>();
  const world = { isDown: false };
  const lookUp = (): Promise<LookUpAnswer> => Promise.resolve({ kind: "Placed", node: "live-edge-0", address: "a" });
  const media = ({ connect, disconnect }: SessionChanges): Promise<SessionAnswer> => {
    if (world.isDown) return Promise.resolve({ kind: "Failed", reason: "refused" });
    for (const { id } of connect) sessions.add(id);
    for (const id of disconnect) sessions.delete(id);
    return Promise.resolve({
      kind: "Answered",
      connected: connect.map(({ id }) => id),
      refused: [],
      lost: [],
      knownSince: 0,
    });
  };
  const trace = traceThrough("test", [
    { seconds: 0, viewers: 0, publishers: 1 },
    { seconds: 100, viewers: 100, publishers: 1 },
  ]);
  const options = { clock, random: () => 0.5, lookUp, media, client: "c", trace, speed: 10, durationSeconds: 10 };
  const onScene = (scene: Scene): void => void scenes.push(scene);
  const result = simulate({ ...options, view: () => view, alarms: [alarm], onScene, ...fields }, end.signal);
  return { clock, end, scenes, sessions, world, result };
}

describe("a simulation", () => {
  it("follows the trace at its speed, takes a sample each second, and everybody leaves", async () => {
    const { clock, scenes, sessions, result } = setUp();
    await clock.advance(5_000);
    expect(sessions.size).toBe(51);
    await clock.advance(6_000);
    const { samples, counts, failure } = await result;
    expect(samples.map(({ seconds }) => seconds)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(samples.map(({ watching }) => watching)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    expect(samples[4]).toMatchObject({ capacity: edge.spec.launch.connectionCapacity, inService: 1, threshold: 70 });
    expect(scenes).toHaveLength(11);
    expect(counts).toMatchObject({ arrivals: 100, watching: 100 });
    expect(sessions.size).toBe(0);
    expect(failure).toBeUndefined();
  });

  it("ends when it is interrupted, and still has its result", async () => {
    const { clock, end, sessions, result } = setUp();
    await clock.advance(3_500);
    end.abort();
    expect((await result).samples).toHaveLength(4);
    expect(sessions.size).toBe(0);
  });

  it("leaves the sessions where it is told to", async () => {
    const { clock, sessions, result } = setUp({ keep: true });
    await clock.advance(11_000);
    await result;
    expect(sessions.size).toBe(101);
  });

  it("shows that the media server does not answer, and gives up on one that is gone", async () => {
    const { clock, scenes, world, result } = setUp({ durationSeconds: 600 });
    await clock.advance(2_000);
    world.isDown = true;
    await clock.advance(30_000);
    expect(scenes.at(-1)?.trouble).toBe("refused");
    expect(await result).toMatchObject({ failure: "refused" });
  });
});

describe("the tally", () => {
  it("counts what is launched, drained and ended after the first look, each once", () => {
    const tally = new FleetTally();
    const node = (uid: string, marked: boolean, toldToEnd = false) => ({ ...view.nodes[0]!, uid, marked, toldToEnd });
    tally.see({ nodes: [node("a", false), node("b", true), node("d", false)] });
    tally.see({ nodes: [node("a", true), node("b", true), node("c", false), node("d", false, true)] });
    tally.see({ nodes: [node("a", true, true), node("c", false), node("d", false, true)] });
    expect([tally.launched, tally.drained, tally.endedUndrained]).toEqual([1, 1, 1]);
  });
});
