/** Viewers come over minutes, stay, and go: the fleet grows with them and shrinks after them. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { namedTrace } from "../../local/simulation/trace.ts";
import { LoadScenario } from "../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

describe("a ramp", () => {
  it("is followed up and down, and nobody is sent away", async () => {
    scenario = await LoadScenario.open();
    const { fleet } = scenario;
    const trace = namedTrace("ramp", { viewers: 80, publishers: 1 });
    let most = 0;
    await scenario.play(trace, () => {
      expect(scenario.wrong()).toEqual([]);
      most = Math.max(most, fleet.inService("edge"));
    });
    // 80 viewers at no more than 60 % of 20 on each edge.
    expect(most).toBe(7);
    expect(scenario.counts).toMatchObject({ rejected: 0, watching: 0 });
    // The window of 300 s has seen the load last; each drain then takes a few seconds.
    await scenario.until(
      "the minimum again",
      0,
      () => fleet.inService("edge") === 2 && fleet.nodes("edge").length === 2,
      420,
    );
    expect(scenario.edges.launches).toHaveLength(7);
    expect(scenario.edges.drains).toHaveLength(5);
    expect(scenario.wrong()).toEqual([]);
  });
});
