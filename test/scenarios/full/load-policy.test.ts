/** A policy that changes while viewers watch: the new one holds at once, and nobody is cut for it. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const inService = () => scenario.fleet.inService("edge");

/** What the policy says of edges, for the decision that is shown. */
const decision = () => scenario.fleet.group().status?.roles?.find(({ role }) => role === "edge");
const condition = (type: string) => scenario.fleet.condition(type);

describe("a policy that changes under load", () => {
  it("raises the maximum: what was held back is launched at once", async () => {
    scenario = await LoadScenario.open({ edge: { minLimit: 2, maxLimit: 4 } });
    await scenario.hold(70, 60);
    expect(inService()).toBe(4);
    expect(decision()).toMatchObject({ decision: "Hold", reason: "MaximumReached" });
    expect(condition("AtMaximum")).toMatchObject({ status: "True", reason: "MaximumReached" });
    expect(scenario.wrong()).toEqual([]);
    await scenario.change({ maxLimit: 12 });
    scenario.edges.expect({ min: 2, max: 12 });
    await scenario.until("enough", 70, () => inService() === 6, 15);
    await scenario.hold(70, 60);
    expect(scenario.edges.launches).toHaveLength(6);
    expect(condition("AtMaximum")).toMatchObject({ status: "False" });
    expect(scenario.wrong()).toEqual([]);
  });

  it("turns viewers away at the maximum only while every slot is taken, and never goes above it", async () => {
    scenario = await LoadScenario.open({ edge: { minLimit: 2, maxLimit: 4 } });
    await scenario.hold(100, 120, () => expect(scenario.wrong()).toEqual([]));
    expect(scenario.counts.watching).toBe(80);
    expect(scenario.counts.rejected).toBeGreaterThan(0);
    expect(scenario.edges.launches).toHaveLength(4);
  });

  it("lowers the maximum: the excess drains one at a time, and goes when its viewers have left", async () => {
    // Those who come in another's place may be counted twice for a moment, which could ask for a seventh.
    scenario = await LoadScenario.open({ edge: { minLimit: 2, maxLimit: 6 } });
    const { fleet, edges } = scenario;
    scenario.restless = true;
    await scenario.hold(70, 120);
    expect(inService()).toBe(6);
    scenario.restless = false;
    // The limit of the watch stays: nothing above what was there.
    edges.expect({ min: 2, max: 6 });
    await scenario.change({ maxLimit: 4 });
    const draining = () => fleet.nodes("edge").filter(({ spec }) => spec.drain !== undefined).length;
    let most = 0;
    await scenario.hold(70, 120, () => (most = Math.max(most, draining())));
    // Nobody leaves, so the first has not gone, and the second has not been told to.
    expect([draining(), most, fleet.machines("edge").length]).toEqual([1, 1, 6]);
    scenario.restless = true;
    await scenario.until("the maximum", 70, () => fleet.nodes("edge").length === 4, 900);
    await scenario.hold(70, 60, () => (most = Math.max(most, draining())));
    expect(most).toBe(1);
    expect(edges.drains.map(({ reason }) => reason)).toEqual(["AboveMaximum", "AboveMaximum"]);
    expect(inService()).toBe(4);
    expect(scenario.counts).toMatchObject({ cut: 0, lost: 0 });
    expect(edges.wrong).toEqual([]);
  });

  it("raises the minimum: met at once, and no cool-down begins by it", async () => {
    scenario = await LoadScenario.open({ policy: { scaleOut: { mode: "Rigid", coolDownSeconds: 600 } } });
    await scenario.hold(6, 30);
    await scenario.change({ minLimit: 5 });
    scenario.edges.expect({ min: 5, max: 12 });
    await scenario.until("the minimum", 6, () => inService() === 5, 15);
    await scenario.hold(70, 30);
    expect(inService()).toBe(6);
    expect(scenario.wrong()).toEqual([]);
  });

  it("names other alarms: they hold from the next report, and the former ones are gone", async () => {
    scenario = await LoadScenario.open();
    await scenario.hold(20, 30);
    expect(inService()).toBe(2);
    const alarm = { name: "few-free", role: "edge", metric: "FreeSlots", threshold: 50 };
    const alarms = [{ ...alarm, comparisonOperator: "LessThanThreshold", action: "ScaleOut" }];
    await scenario.fleet.patch("ScalePolicy", "live", { spec: { alarms } });
    await scenario.until("enough free slots", 20, () => inService() === 4, 30);
    await scenario.hold(20, 30);
    // 60 free slots on four edges; three would leave 40.
    expect(scenario.edges.launches).toHaveLength(4);
    expect(scenario.fleet.group().status?.alarms?.map((entry) => entry.alarm)).toEqual(["few-free"]);
    expect(scenario.wrong()).toEqual([]);
  });

  it("names none: the load never scales, however high or low it is; the minimum still holds", async () => {
    scenario = await LoadScenario.open({ policy: { alarms: [] } });
    const { edges, fleet } = scenario;
    await scenario.hold(40, 120);
    await scenario.change({ minLimit: 4 });
    edges.expect({ min: 4, max: 12 });
    await scenario.until("the minimum", 40, () => inService() === 4, 15);
    await scenario.change({ minLimit: 2 });
    edges.expect({ min: 2, max: 12 });
    await scenario.hold(0, 30);
    await scenario.until("no viewer", 0, () => scenario.counts.watching === 0, 10);
    await fleet.advance(30_000);
    expect(edges.launches).toHaveLength(4);
    expect(edges.drains.filter(({ reason }) => reason !== "Requested")).toEqual([]);
    expect(condition("ScalingActive")).toMatchObject({ status: "False" });
    expect(scenario.wrong()).toEqual([]);
  });
});

describe("a pause of scaling", () => {
  it("holds what alarms ask for and lets the minimum pass; what is missing comes when it ends", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await fleet.patch("NodeGroup", "live", { spec: { pause: { mode: "Scaling" } } });
    await scenario.hold(40, 60);
    expect(edges.launches).toHaveLength(2);
    expect(scenario.alarm("edge-scale-out")).toBe("ALARM");
    expect(decision()).toMatchObject({ decision: "Hold", reason: "ScalingPaused" });
    await scenario.change({ minLimit: 3 });
    edges.expect({ min: 3, max: 12 });
    await scenario.until("the minimum", 40, () => inService() === 3, 15);
    await scenario.hold(40, 30);
    expect(edges.launches).toHaveLength(3);
    await fleet.patch("NodeGroup", "live", { spec: { pause: null } });
    await scenario.until("enough", 40, () => inService() === 4, 15);
    expect(scenario.wrong()).toEqual([]);
  });
});
