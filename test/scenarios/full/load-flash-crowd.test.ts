/** Ten times as many viewers within a minute, and a moment later hardly any. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario, type LoadOptions } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const few = 11;
const many = 110;
/** 110 viewers at no more than 60 % of 20 on each edge. */
const needed = 10;
const inAlarm = () => scenario.alarm("edge-scale-out") === "ALARM";

/** Has a few viewers for a while, then ten times as many within a minute. Answers the second (of the clock) of the peak. */
async function flashCrowd(options: LoadOptions = {}): Promise<number> {
  scenario = await LoadScenario.open(options);
  await scenario.hold(few, 30);
  await scenario.ramp(few, many, 60);
  return scenario.seconds;
}

const inService = () => scenario.fleet.inService("edge");

describe("a ten-fold flash crowd", () => {
  it("finds room where machines boot in seconds; the edges go after the window", async () => {
    await flashCrowd();
    expect(inAlarm()).toBe(true);
    await scenario.until("enough edges", many, () => inService() === needed, 20);
    await scenario.until("the alarm ends", many, () => !inAlarm(), 30);
    await scenario.hold(many, 120);
    // No more than were needed, however often it was looked.
    expect([inService(), scenario.edges.launches.length]).toEqual([needed, needed]);
    // Of 110: who has just come takes a slot twice, by its reservation and by the report, for ten seconds.
    expect(scenario.counts.rejected).toBeLessThanOrEqual(3);
    expect(scenario.counts.watching).toBe(many);

    scenario.restless = true;
    await scenario.ramp(many, few, 30);
    const peak = scenario.seconds - 30;
    await scenario.until("the minimum", few, () => scenario.fleet.nodes("edge").length === 2, 900);

    const [first] = scenario.edges.drains;
    expect((first?.ms ?? 0) / 1_000).toBeGreaterThanOrEqual(peak + 300);
    expect(scenario.edges.drains).toHaveLength(needed - 2);
    // While the crowd comes, each edge that is added may end the alarm for a moment.
    const states = await scenario.statesOf("edge-scale-out");
    expect([states.slice(0, 2), states.at(-1)]).toEqual([["OK", "ALARM"], "OK"]);
    expect(scenario.wrong()).toEqual([]);
  });

  it("sends away only those who come while no slot is free, where machines boot in a minute", async () => {
    const peak = await flashCrowd({ fleet: { cloud: { bootMs: 60_000 } } });
    await scenario.until("all are served", many, () => scenario.counts.watching === many, 300);
    // Those who find no place are no load: each generation of edges, full, asks for two thirds more: 2, 4, 7, 10.
    expect(scenario.seconds - peak).toBeLessThanOrEqual(3 * 65);
    const { rejected } = scenario.counts;
    expect(rejected).toBeGreaterThan(0);
    await scenario.hold(many, 120);
    expect(scenario.counts.rejected).toBe(rejected);
    expect([inService(), scenario.edges.launches.length]).toEqual([needed, needed]);
    expect(scenario.wrong()).toEqual([]);
  });
});
