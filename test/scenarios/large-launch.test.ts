/** A decision that one call of the cloud cannot carry out: as many batches as it takes. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { Fleet } from "../support/fleet.ts";
import { edgeCapacity, LoadScenario } from "../support/load-scenario.ts";

let close: () => void;
afterEach(() => close());

async function example(): Promise<Fleet> {
  const fleet = await Fleet.example();
  close = () => fleet.close();
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
  return fleet;
}

const edgeBatches = (fleet: Fleet) =>
  fleet
    .batches()
    .filter(({ spec }) => spec.role === "edge" && spec.number > 1)
    .toSorted((a, b) => a.spec.number - b.spec.number);

describe("a launch of more nodes than a batch holds", () => {
  it("takes as many batches as it needs, says what it launched, and launches each machine once", async () => {
    const fleet = await example();
    await fleet.limit("edge", 122, 130);
    await fleet.until("122 edges", () => fleet.inService("edge") === 122, 120_000);
    const batches = edgeBatches(fleet);
    expect(batches.map(({ spec }) => spec.slots.length)).toEqual([50, 50, 20]);
    expect(new Set(batches.flatMap(({ spec }) => spec.slots)).size).toBe(120);
    expect([fleet.machines("edge").length, fleet.contradictions()]).toEqual([122, []]);
    const told = fleet.events("NodeGroup", "live").filter((text) => text.startsWith("ScaledOut: live-edge"));
    expect(told).toHaveLength(2);
    expect(
      told.filter((text) => /^ScaledOut: live-edge-\S+ to live-edge-\S+: .*launching 120$/.test(text)),
    ).toHaveLength(1);
    const logged = fleet.logger.lines.filter(({ message }) => message === "committed launch batch");
    expect(logged.map(({ fields }) => fields["count"]).slice(-3)).toEqual([50, 50, 20]);
  });

  it("is finished by the next process when the first one dies between two batches", async () => {
    const fleet = await example();
    fleet.kill();
    await fleet.start({ latencyMs: () => 300 });
    await fleet.limit("edge", 122, 122);
    await fleet.until("the first batch", () => edgeBatches(fleet).length >= 1, 30_000);
    expect(edgeBatches(fleet).length).toBeLessThan(3);
    fleet.kill();
    await fleet.start();
    await fleet.until("122 edges", () => fleet.inService("edge") === 122, 120_000);
    await fleet.advance(60_000);
    expect([fleet.machines("edge").length, fleet.contradictions()]).toEqual([122, []]);
  });
});

describe("a step of more nodes than a batch holds", () => {
  it("is the step that the policy says", async () => {
    const edge = { minLimit: 90, maxLimit: 500, scaleAdjustment: 55 };
    const scenario = await LoadScenario.open({ edge });
    close = () => scenario.close();
    const { fleet } = scenario;
    const before = fleet.nodes("edge").length;
    const viewers = 90 * edgeCapacity - 20;
    await scenario.until("a step", viewers, () => fleet.nodes("edge").length > before, 60);
    expect(
      edgeBatches(fleet)
        .filter(({ spec }) => spec.reason === "Alarm")
        .map(({ spec }) => spec.slots.length),
    ).toEqual([50, 5]);
  });
});
