/** Machines that are lost under load: what the minimum or the load asks for comes back, and nothing more. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const many = 70;
/** Sessions that went with their machine; none else may be lost. */
const lostWithMachine = () => scenario.counts.lost;
const kill = (name: string) => scenario.fleet.cloud.kill(scenario.fleet.machineOf(name).providerId);

describe("a machine lost at the peak", () => {
  it("of the only origin: the origin comes back, no edge is launched or drained, viewers find their stream again", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await scenario.hold(many, 60);
    const start = fleet.clock.monotonicMs();
    kill("live-origin-0");
    await fleet.until("seen", () => fleet.inService("origin") === 0, 60_000);
    await scenario.until("an origin", many, () => fleet.inService("origin") === 1, 90);
    await scenario.hold(many, 120);
    // The publisher's session went with its machine.
    expect(lostWithMachine()).toBe(1);
    expect(scenario.counts).toMatchObject({ publishing: 1, watching: many, cut: 0 });
    expect(edges.since(start)).toEqual({ launches: 0, drains: 0 });
    expect(fleet.inService("edge")).toBe(6);
    expect(edges.wrong).toEqual([]);
  });

  it("of an edge above the minimum: replaced, for the rest is over the threshold", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await scenario.hold(many, 60);
    const start = fleet.clock.monotonicMs();
    kill("live-edge-4");
    await scenario.hold(many, 120);
    expect(edges.since(start)).toEqual({ launches: 1, drains: 0 });
    expect(fleet.inService("edge")).toBe(6);
    expect(scenario.counts).toMatchObject({ watching: many, cut: 0 });
    expect(edges.wrong).toEqual([]);
  });

  it("of an edge above the minimum that the load no longer needs: not replaced", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await scenario.hold(many, 60);
    // Four edges would do, but the window still remembers the peak.
    await scenario.hold(40, 60);
    const start = fleet.clock.monotonicMs();
    kill("live-edge-4");
    await scenario.hold(40, 180);
    expect(edges.since(start)).toEqual({ launches: 0, drains: 0 });
    expect(fleet.inService("edge")).toBe(5);
    expect(scenario.counts).toMatchObject({ watching: 40, cut: 0 });
    expect(edges.wrong).toEqual([]);
  });

  it("of an edge at the minimum: replaced, whatever the load is", async () => {
    scenario = await LoadScenario.open();
    const { fleet, edges } = scenario;
    await scenario.hold(2, 30);
    edges.lost(1);
    kill("live-edge-1");
    await scenario.until("seen", 2, () => edges.launches.length === 3, 60);
    await scenario.until("the minimum", 2, () => fleet.inService("edge") === 2, 30);
    await scenario.hold(2, 60);
    expect(edges.launches).toHaveLength(3);
    expect(edges.wrong).toEqual([]);
  });
});
