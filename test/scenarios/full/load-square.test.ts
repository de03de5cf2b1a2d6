/** Load that jumps up and down does not make the fleet jump: it stays as large as the last peak asks for. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const low = 12;
const high = 70;
const needed = 6;

/** Half the time low, half the time high, for so many seconds in all; a half lasts `half` seconds. */
async function square(half: number, seconds: number): Promise<void> {
  for (let past = 0; past < seconds; past += 2 * half) {
    await scenario.hold(high, half);
    await scenario.hold(low, half);
    expect(scenario.wrong()).toEqual([]);
  }
}

describe("a square wave", () => {
  it("whose lows are shorter than the window launches nothing more after its first, and ends nothing", async () => {
    scenario = await LoadScenario.open();
    await square(30, 120);
    const start = scenario.fleet.clock.monotonicMs();
    await square(225, 1_350);
    // What the first waves launched is there at every later one: the peak of the last 300 s rules. That is 0 an hour.
    expect(scenario.edges.since(start)).toEqual({ launches: 0, drains: 0 });
    expect(scenario.fleet.inService("edge")).toBe(needed);
    expect(scenario.wrong()).toEqual([]);
  });

  it("whose lows are longer than the window costs at most what it went down by, once for each wave", async () => {
    scenario = await LoadScenario.open();
    scenario.restless = true;
    await scenario.hold(high, 30);
    const start = scenario.fleet.clock.monotonicMs();
    await square(450, 1_800);
    const { launches, drains } = scenario.edges.since(start);
    // Two waves, each from six edges to two and back at most; the first finds six. So an hour of four costs 16 at most.
    expect(launches).toBeLessThanOrEqual(needed - 2);
    expect(drains).toBeLessThanOrEqual(2 * (needed - 2));
    expect(drains).toBeGreaterThan(0);
    expect(scenario.wrong()).toEqual([]);
  });
});
