/** Two regions of one group, each judged by itself: a hot one grows, and the other stays as it is. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { Fleet } from "../../support/fleet.ts";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

const hot = "eu-west-1";
const cold = "us-east-1";

/** Most clients of one edge, of the 20 that it could take. */
const fill = 18;

/**
 * So many clients in a region, or as many as its edges take. One edge after the other, so that nobody moves when there are
 * more of them: who moves is told of by two edges for some seconds.
 */
function occupy(fleet: Fleet, region: string, clients: number): void {
  let left = clients;
  for (const { metadata, spec } of fleet.nodes("edge").toSorted((a, b) => a.spec.slot - b.spec.slot)) {
    if (spec.region !== region || spec.drain !== undefined) continue;
    const node = fleet.mediaFleet.nodeNamed(metadata);
    const share = node === undefined ? 0 : Math.min(left, fill);
    left -= share;
    node?.setLoad({ connections: share, publishers: 0, subscribers: share, streams: [] });
  }
}

const edgesIn = (region: string) => scenario.fleet.nodes("edge").filter(({ spec }) => spec.region === region);

describe("two regions, one of them hot", () => {
  it("grow and shrink apart, by their own limits and alarms", async () => {
    scenario = await LoadScenario.open({ regions: [hot, cold], edge: { minLimit: 2, maxLimit: 6 } });
    const { fleet, edges } = scenario;
    const steps = async (count: number, load: Readonly<Record<string, number>>) => {
      for (let step = 0; step < count; step += 1) {
        for (const [region, clients] of Object.entries(load)) occupy(fleet, region, clients);
        await fleet.advance(5_000);
        expect(edges.wrong).toEqual([]);
      }
    };
    await steps(12, { [hot]: 70, [cold]: 14 });
    expect([edgesIn(hot).length, edgesIn(cold).length]).toEqual([6, 2]);
    expect(scenario.alarm("edge-scale-out", cold)).toBe("OK");
    // At the maximum here, and far from it there.
    await steps(12, { [hot]: 100, [cold]: 14 });
    expect([edgesIn(hot).length, edgesIn(cold).length]).toEqual([6, 2]);
    expect(scenario.alarm("edge-scale-out", hot)).toBe("ALARM");
    expect(edges.launches.filter(({ region }) => region === cold)).toHaveLength(2);

    await steps(24, { [hot]: 6, [cold]: 30 });
    expect([edgesIn(hot).length, edgesIn(cold).length]).toEqual([6, 3]);
    await steps(40, { [hot]: 0, [cold]: 30 });
    await steps(36, { [hot]: 0, [cold]: 30 });
    expect([edgesIn(hot).length, edgesIn(cold).length]).toEqual([2, 3]);
    expect(edges.drains.every(({ region }) => region === hot)).toBe(true);
    expect(edges.drains).toHaveLength(4);
  });
});
