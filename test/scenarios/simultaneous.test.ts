/** What several places decide at the same moment, and what is decided while a reference is missing. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Fleet } from "../support/fleet.ts";
import { apiUrl } from "../support/operator-process.ts";

let fleet: Fleet;

beforeEach(async () => {
  fleet = await Fleet.example();
  await fleet.until("service", () => fleet.inService() === 3);
});
afterEach(() => fleet.close());

const staying = () =>
  fleet
    .nodes("origin")
    .filter(({ spec, metadata }) => spec.drain === undefined && metadata.deletionTimestamp === undefined);

describe("the last origins of two regions", () => {
  it("do not drain together: one stays, for the edges are served through it", async () => {
    await fleet.patch("NodeGroup", "live", { spec: { regions: ["eu-west-1", "us-east-1"] } });
    await fleet.until("both regions", () => fleet.inService() === 6);
    await fleet.limit("origin", 0, 0);
    await fleet.until("a drain", () => staying().length < 2);
    let fewest = 2;
    const end = fleet.watch(() => (fewest = Math.min(fewest, staying().length)));
    await fleet.advance(60_000);
    end();
    expect(fewest).toBe(1);
    expect(staying()).toHaveLength(1);
  });
});

describe("a group whose policy went missing while an alarm rings", () => {
  it("is looked at now and then, not all the time", async () => {
    for (const { metadata } of fleet.nodes("edge"))
      fleet.mediaFleet.nodeNamed(metadata)?.setLoad({ connections: 300, publishers: 0, subscribers: 300, streams: [] });
    await fleet.limit("edge", 2, 2);
    await fleet.until(
      "the alarm",
      () =>
        fleet.group().status?.alarms?.some(({ state, alarm }) => state === "ALARM" && alarm === "edge-scale-out") ===
        true,
    );
    await fleet.patch("NodeGroup", "live", { spec: { scalePolicyRef: { name: "missing" } } });
    await fleet.advance(1_000);
    const before = await reconciles();
    await fleet.advance(2_000);
    expect((await reconciles()) - before).toBeLessThan(20);
  });
});

/** Times that the group has been looked at so far. */
async function reconciles(): Promise<number> {
  const text = await (await fleet.fetch(`${apiUrl}/metrics`)).text();
  const count = /reconcile_duration_seconds_count\{controller="node-group"\} (\d+)/.exec(text)?.[1];
  expect(count).toBeDefined();
  return Number(count);
}
