/** Scale-in the original's way: an origin asks for an idle edge of its own to go. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const edges = () => scenario.fleet.nodes("edge");

describe("scale-in by the origins alone", () => {
  it("removes the edges that had nobody, one at a time, down to the minimum, and by no alarm", async () => {
    scenario = await LoadScenario.open({
      policy: { scaleIn: { edgeSources: ["Origin"], stabilizationSeconds: 120, idleSeconds: 60 } },
    });
    await scenario.hold(70, 60);
    expect(edges()).toHaveLength(6);
    await scenario.ramp(70, 0, 20);
    await scenario.until("the minimum", 0, () => edges().length === 2, 600);
    await scenario.hold(0, 120);
    expect(scenario.edges.drains.map(({ reason }) => reason)).toEqual(Array(4).fill("Requested"));
    expect(edges()).toHaveLength(2);
    expect(scenario.wrong()).toEqual([]);
  });

  it("keeps the edges that have somebody, though an alarm would let one go", async () => {
    scenario = await LoadScenario.open({
      policy: { scaleIn: { edgeSources: ["Origin"], stabilizationSeconds: 120, idleSeconds: 60 } },
    });
    await scenario.hold(70, 60);
    for (const { metadata } of edges()) {
      const node = scenario.fleet.mediaFleet.nodeNamed(metadata);
      node?.setLoad({ connections: 1, publishers: 0, subscribers: 1, streams: [] });
    }
    await scenario.ramp(70, 0, 20);
    await scenario.hold(0, 420);
    expect(scenario.alarm("edge-scale-in")).toBe("ALARM");
    expect(edges()).toHaveLength(6);
    expect(scenario.edges.drains).toEqual([]);
  });

  it("removes an edge while another, which starts and never serves, is overdue", async () => {
    scenario = await LoadScenario.open({
      policy: { scaleIn: { edgeSources: ["Origin"], stabilizationSeconds: 30, idleSeconds: 10 }, alarms: [] },
      edge: { minLimit: 4, maxLimit: 12, estimatedWarmUpSeconds: 30 },
    });
    const { fleet } = scenario;
    fleet.cut((path) => path.includes("/register"));
    await scenario.change({ minLimit: 5 });
    await scenario.hold(0, 90);
    const status = fleet.group().status?.roles?.find(({ role }) => role === "edge");
    expect(status).toMatchObject({ inService: 4, starting: 1, overdue: 1 });
    await scenario.change({ minLimit: 2 });
    await scenario.until("two serve", 0, () => fleet.inService("edge") === 2, 300);
    expect(scenario.edges.drains.map(({ reason }) => reason)).toEqual(["Requested", "Requested"]);
  });

  it("is passed over where only the manager may ask", async () => {
    scenario = await LoadScenario.open({
      policy: { scaleIn: { edgeSources: ["Manager"], stabilizationSeconds: 30, idleSeconds: 10 }, alarms: [] },
      edge: { minLimit: 4, maxLimit: 12 },
    });
    await scenario.change({ minLimit: 2 });
    await scenario.hold(0, 180);
    expect(scenario.edges.drains).toEqual([]);
    expect(edges()).toHaveLength(4);
  });
});
