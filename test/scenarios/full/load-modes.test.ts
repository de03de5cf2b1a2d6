/** The same crowd, met in two ways: Rigid takes a step in each cool-down, Competitive launches what is missing at once. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

/** Of 20 each. */
const edges = 6;
const viewers = 115;
/** 115 viewers at no more than 60 % of 20 on each edge. */
const needed = 10;
const coolDownSeconds = 60;
/** Within 5 s every node has told of the crowd, and Competitive looks again every 5 s. */
const toldSeconds = 10;

/** Everybody comes in the same second, and finds a place. Answers when edges were launched, in seconds after that. */
async function crowdComes(mode: "Competitive" | "Rigid"): Promise<readonly number[]> {
  const edge = { minLimit: edges, maxLimit: 12 };
  // Whether the period that ends at 10 s or the next is mostly of the crowd depends on when nodes report: here it is the first.
  scenario = await LoadScenario.open({ fleet: { seed: 3 }, edge, policy: { scaleOut: { mode, coolDownSeconds } } });
  await scenario.hold(10, 20);
  const start = scenario.fleet.clock.monotonicMs();
  await scenario.until("enough edges", viewers, () => scenario.fleet.inService("edge") >= needed, 600);
  await scenario.hold(viewers, 120);
  expect(scenario.wrong()).toEqual([]);
  expect(scenario.counts).toMatchObject({ watching: viewers, rejected: 0 });
  expect(scenario.fleet.inService("edge")).toBe(needed);
  return scenario.edges.launches.filter(({ ms }) => ms >= start).map(({ ms }) => (ms - start) / 1_000);
}

describe("the same step of load", () => {
  it("is met at once by Competitive, one node per cool-down by Rigid", async () => {
    const competitive = await crowdComes("Competitive");
    scenario.close();
    const rigid = await crowdComes("Rigid");
    expect([competitive.length, rigid.length]).toEqual([needed - edges, needed - edges]);
    expect(competitive.at(-1)).toBeLessThanOrEqual(toldSeconds);
    const gaps = rigid.slice(1).map((at, index) => at - (rigid[index] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(coolDownSeconds);
    // The cool-down begins when the node serves, and ends between two looks.
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(coolDownSeconds + 15);
  });
});
