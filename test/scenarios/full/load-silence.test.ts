/** When nothing is heard any more, nothing goes: silence is no evidence of an idle node. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const decision = () => scenario.fleet.group().status?.roles?.find(({ role }) => role === "edge");

describe("silence", () => {
  it("of all reports, for 30 minutes, launches nothing and ends nothing", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await scenario.hold(70, 60);
    const start = fleet.clock.monotonicMs();
    expect(fleet.inService("edge")).toBe(6);
    const heal = fleet.cut((path) => path.endsWith("/report"));
    // The viewers leave, but nobody says so.
    await scenario.ramp(70, 6, 60);
    for (let minute = 0; minute < 29; minute += 1) {
      await scenario.hold(6, 60);
      expect(scenario.wrong()).toEqual([]);
      expect(edges.since(start)).toEqual({ launches: 0, drains: 0 });
    }
    expect(fleet.machines("edge")).toHaveLength(6);
    expect(decision()).toMatchObject({ decision: "Hold" });

    heal();
    scenario.restless = true;
    const healed = fleet.clock.monotonicMs();
    await scenario.until("the minimum", 6, () => fleet.nodes("edge").length === 2, 900);
    // Idle is what was seen to be idle for a whole window.
    expect((edges.drains[0]?.ms ?? 0) - healed).toBeGreaterThanOrEqual(300_000);
    expect(scenario.wrong()).toEqual([]);
  });

  it("of one edge keeps them all, however idle the others are; once it is heard of again they may go", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await scenario.hold(70, 60);
    await scenario.ramp(70, 6, 20);
    const start = fleet.clock.monotonicMs();
    // Its origin does not speak for it either.
    const heal = fleet.cut((path) => /live-(edge-3|origin-0).report/.test(path));
    await scenario.hold(6, 540);
    expect(edges.since(start)).toEqual({ launches: 0, drains: 0 });
    // A sixth of the capacity is silent, so there is no sample: that keeps the alarm from going into ALARM.
    expect(decision()).toMatchObject({ decision: "Hold" });
    expect(scenario.alarm("edge-scale-in")).toBe("OK");
    heal();
    scenario.restless = true;
    await scenario.until("the minimum", 6, () => fleet.nodes("edge").length === 2, 600);
    expect(scenario.wrong()).toEqual([]);
  });

  it("of one edge in eleven, too few to silence the alarm, keeps them all by the decision itself", async () => {
    scenario = await LoadScenario.open({ edge: { minLimit: 11, maxLimit: 12 } });
    const { fleet, edges } = scenario;
    await scenario.change({ minLimit: 2 });
    edges.expect({ min: 2, max: 12 });
    await scenario.hold(4, 60);
    const heal = fleet.cut((path) => /live-(edge-3|origin-0).report/.test(path));
    await scenario.hold(4, 480);
    expect(edges.drains).toEqual([]);
    expect(scenario.alarm("edge-scale-in")).toBe("ALARM");
    expect(decision()).toMatchObject({ decision: "Hold", reason: "NoData" });
    heal();
    await scenario.until("the first to go", 4, () => edges.drains.length > 0, 330);
    expect(scenario.wrong()).toEqual([]);
  });
});
