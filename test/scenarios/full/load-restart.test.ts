/** A new leader has seen nothing yet: it launches what is missing, and lets nothing go before a whole window has passed. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const edges = () => scenario.fleet.nodes("edge");

describe("a leader that starts", () => {
  it("observes a full window before anything goes, however often it is started anew", async () => {
    scenario = await LoadScenario.open();
    const { fleet } = scenario;
    await scenario.hold(70, 60);
    await scenario.ramp(70, 0, 10);
    for (let restart = 0; restart < 2; restart += 1) {
      await scenario.hold(0, 240);
      fleet.kill();
      await fleet.start();
    }
    expect(scenario.edges.drains).toEqual([]);
    const start = fleet.clock.monotonicMs();
    await scenario.until("the first drain", 0, () => scenario.edges.drains.length > 0, 360);
    expect((scenario.edges.drains[0]?.ms ?? 0) - start).toBeGreaterThanOrEqual(290_000);
    await scenario.until("the minimum", 0, () => edges().length === 2, 120);
    expect(scenario.wrong()).toEqual([]);
  });

  it("with an empty database, in the middle of the peak, launches what is missing and nothing twice", async () => {
    scenario = await LoadScenario.open();
    const { fleet } = scenario;
    await scenario.hold(40, 10);
    fleet.kill();
    fleet.wipeDatabase();
    await fleet.start();
    await scenario.until("enough", 70, () => fleet.inService("edge") === 6, 60);
    await scenario.hold(70, 120);
    expect(scenario.edges.launches).toHaveLength(6);
    expect(scenario.edges.drains).toEqual([]);
    expect(fleet.contradictions()).toEqual([]);
    expect(scenario.counts).toMatchObject({ watching: 70, cut: 0, lost: 0 });
    expect(scenario.edges.wrong).toEqual([]);
  });
});
