/** The wall clock is put forward and back: no wait becomes longer, no alarm rings early, and nothing is taken for gone. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario, type LoadOptions } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const [seconds, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];
const steps = [30 * seconds, -30 * seconds, hour, -hour, day, -day];

const step = (ms: number) => scenario.fleet.process.lifeline.stepWall(ms);
const edges = () => scenario.fleet.inService("edge");
const stepwise = { edge: { minLimit: 2, maxLimit: 12, scaleAdjustment: 1 } } as const;

/** As it goes without a step: after how many seconds each number of edges was reached. */
async function course(
  options: LoadOptions,
  stepMs: number,
  viewers: number,
  until: number,
): Promise<readonly number[]> {
  scenario = await LoadScenario.open(options);
  await scenario.hold(20, 20);
  step(stepMs);
  const reached: number[] = [];
  const begin = scenario.seconds;
  await scenario.hold(viewers, until, () => {
    while (reached.length < edges() - 2) reached.push(Math.round(scenario.seconds - begin));
  });
  expect(scenario.wrong().filter((what) => !what.includes("rejected"))).toEqual([]);
  expect(scenario.fleet.cloudCalls.get("terminate")).toBeUndefined();
  scenario.close();
  return reached;
}

describe("steps of scaling out", () => {
  it.each(steps)("come as they would have when the clock is put on by %d ms", async (ms) => {
    const reached = await course(stepwise, ms, 70, 120);
    expect(reached).toHaveLength(4);
    expect(reached.at(-1)).toBeLessThan(60);
  });
});

describe("Rigid", () => {
  const rigid = { policy: { scaleOut: { mode: "Rigid", coolDownSeconds: 60 } }, edge: { minLimit: 2, maxLimit: 12 } };

  it.each(steps)("cools down for as long as it says when the clock is put on by %d ms", async (ms) => {
    const reached = await course(rigid, ms, 70, 400);
    expect(reached).toHaveLength(4);
    for (const [place, at] of reached.entries()) {
      const after = at - (reached[place - 1] ?? at - 61);
      expect(after).toBeGreaterThanOrEqual(60);
      expect(after).toBeLessThan(90);
    }
  });

  it.each([hour, -hour])(
    "does so in the middle of it, also in a process that starts with a clock of its own (%d ms)",
    async (ms) => {
      scenario = await LoadScenario.open(rigid);
      await scenario.hold(70, 30);
      const before = edges();
      scenario.fleet.kill();
      await scenario.fleet.start({ wallAheadMs: ms });
      const begin = scenario.seconds;
      await scenario.until("the next step", 70, () => edges() > before, 300);
      expect(scenario.seconds - begin).toBeLessThan(120);
    },
  );
});

describe("alarms and scaling in", () => {
  it.each(steps)("go on when the clock is put on by %d ms: no alarm early, none late, and none cut", async (ms) => {
    scenario = await LoadScenario.open();
    await scenario.hold(40, 60);
    const [many] = [edges()];
    expect(many).toBeGreaterThan(2);
    scenario.crowd.setTarget({ viewers: 5, publishers: 1 });
    await scenario.hold(5, 60);
    step(ms);
    // Three periods of a minute for the alarm, and five minutes of stabilization: neither sooner, nor much later.
    await scenario.hold(5, 60);
    expect(scenario.alarm("edge-scale-in")).not.toBe("ALARM");
    expect(edges()).toBe(many);
    await scenario.until("the minimum", 5, () => edges() === 2, 900);
    expect(scenario.wrong()).toEqual([]);
    for (const { since } of scenario.fleet.group().status?.alarms ?? [])
      expect(Math.abs(Date.parse(since) - scenario.fleet.clock.now())).toBeLessThan(2 * hour);
  });

  it("nobody is silent, and nothing is lost, while the clock goes back and forth", async () => {
    scenario = await LoadScenario.open();
    await scenario.hold(30, 30);
    const before = scenario.fleet.machines().length;
    for (const ms of [...steps, ...steps.toReversed()]) {
      step(ms);
      await scenario.hold(30, 20);
      expect(scenario.fleet.condition("ScalingActive")).toMatchObject({ status: "True" });
      expect(scenario.fleet.inService()).toBe(scenario.fleet.nodes().length);
    }
    expect(scenario.fleet.machines()).toHaveLength(before);
    expect(scenario.wrong()).toEqual([]);
  });
});

describe("a pause that ends by itself", () => {
  it.each([
    ["is over when the clock is put past it", 2 * hour, 5 * seconds],
    ["lasts until the clock says so", 0, hour],
    ["lasts longer when the clock is put back", -minute, hour + minute],
  ])("%s", async (_what, ms, lastsMs) => {
    scenario = await LoadScenario.open();
    const until = new Date(scenario.fleet.clock.now() + hour).toISOString();
    await scenario.fleet.patch("NodeGroup", "live", { spec: { pause: { mode: "Everything", until } } });
    await scenario.fleet.advance(2_000);
    expect(scenario.fleet.condition("Paused")).toMatchObject({ status: "True" });
    step(ms);
    const begin = scenario.fleet.clock.now();
    await scenario.fleet.patch("NodeGroup", "live", { metadata: { annotations: { touched: "yes" } } });
    await scenario.fleet.until("it is over", () => scenario.fleet.condition("Paused")?.status === "False", 3 * hour);
    const took = scenario.fleet.clock.now() - begin;
    expect(took).toBeGreaterThan(lastsMs - 10_000);
    expect(took).toBeLessThan(lastsMs + 40_000);
  });
});

describe("a group that is made while the operator's clock is off", () => {
  it.each(steps)("by %d ms is launched and is deleted as any other", async (ms) => {
    scenario = await LoadScenario.open();
    step(ms);
    const { fleet } = scenario;
    await fleet.applyOther("second");
    await fleet.until("in service", () => fleet.inService("origin") === 2, 30_000);
    await fleet.delete("NodeGroup", "second");
    await fleet.until("gone", () => !fleet.objects().includes("NodeGroup/second"), 60_000);
    expect(fleet.events("NodeGroup", "second").some((event) => event.startsWith("ScaledOut"))).toBe(true);
  });

  it.each([hour, -hour])("by %d ms from its start, too", async (ms) => {
    scenario = await LoadScenario.open();
    const { fleet } = scenario;
    fleet.kill();
    await fleet.start({ wallAheadMs: ms });
    await fleet.applyOther("second");
    await fleet.until("in service", () => fleet.inService("origin") === 2, 30_000);
    await scenario.until("enough", 70, () => edges() >= 6, 120);
    await fleet.delete("NodeGroup", "second");
    await fleet.until("gone", () => !fleet.objects().includes("NodeGroup/second"), 60_000);
  });
});
