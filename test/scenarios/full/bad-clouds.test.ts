/** Clouds that show machines late, start too few, refuse, throttle, fall silent: never above the maximum, met in the end. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { PlatformError } from "../../../domain/launch/platform-error.ts";
import { Fleet, type FleetOptions } from "../../support/fleet.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

const zones = (capacity: number) => ({
  "eu-west-1": ["a", "b", "c"].map((letter) => ({ name: `eu-west-1${letter}`, capacity })),
});

/** The example with 6 edges at least and at most, guarded from the beginning. */
async function sixEdges(options: FleetOptions): Promise<() => readonly string[]> {
  fleet = new Fleet(options);
  const wrong = fleet.guard({ edge: 6, origin: 1 });
  await fleet.start();
  await fleet.applyExample();
  await fleet.limit("edge", 6, 6);
  await fleet.limit("origin", 1, 1);
  return wrong;
}

const met = () => fleet.inService("edge") === 6 && fleet.inService("origin") === 1;

describe("a cloud that shows machines up to 120 s late", () => {
  const cloud = { visibilityLagMs: 120_000 };

  it.each([1, 2, 3])("kills nothing and launches nothing twice, restarted or not (seed %i)", async (seed) => {
    const wrong = await sixEdges({ seed, cloud });
    for (let restart = 0; restart < 5; restart += 1) {
      await fleet.advance(Math.floor(fleet.random() * 40_000));
      fleet.kill();
      await fleet.start();
    }
    await fleet.until("met", met, 180_000);
    await fleet.advance(300_000);
    expect(wrong()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(7);
    expect(fleet.contradictions()).toEqual([]);
  });

  it("still replaces what is killed, and ends what is deleted", async () => {
    await sixEdges({ cloud });
    await fleet.until("met", met, 180_000);
    fleet.cloud.kill(fleet.machineOf("live-edge-2").providerId);
    await fleet.delete("StreamNode", "live-edge-3");
    await fleet.until("met again", () => met() && fleet.nodes().length === 7, 400_000);
    expect(fleet.contradictions()).toEqual([]);
    await fleet.delete("NodeGroup", "live");
    await fleet.until("gone", () => fleet.objects().length === 2, 600_000);
    expect(fleet.machinesLeft()).toEqual([]);
  });
});

describe("a cloud without room", () => {
  it("starts what fits, and the rest when there is room", async () => {
    const wrong = await sixEdges({ cloud: { zones: zones(1) } });
    await fleet.until("full", () => fleet.machines().length === 3, 20_000);
    await fleet.advance(600_000);
    expect(fleet.machines()).toHaveLength(3);
    expect(fleet.condition("LaunchesFailing")).toMatchObject({ status: "True", reason: "LaunchFailed" });
    expect(fleet.cloudCalls.get("launch")).toBeLessThan(25);
    for (const { name } of zones(1)["eu-west-1"]) fleet.cloud.setCapacity(name, 10);
    await fleet.until("met", met, 330_000);
    expect(fleet.cloud.machines()).toHaveLength(7);
    expect(fleet.condition("LaunchesFailing")).toMatchObject({ status: "False" });
    expect(wrong()).toEqual([]);
  });

  it("that comes and goes by zone is used as it comes", async () => {
    const wrong = await sixEdges({ cloud: { zones: zones(0) }, seed: 4 });
    for (let storm = 0; storm < 12; storm += 1) {
      await fleet.advance(30_000);
      for (const { name } of zones(0)["eu-west-1"]) fleet.cloud.setCapacity(name, Math.floor(fleet.random() * 3));
    }
    for (const { name } of zones(0)["eu-west-1"]) fleet.cloud.setCapacity(name, 10);
    await fleet.until("met", met, 330_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(wrong()).toEqual([]);
  });
});

describe("a cloud that does not answer as it should", () => {
  const troubles: readonly (readonly [string, PlatformError, number])[] = [
    ["throttles", { kind: "Throttled", message: "slow down", retryAfterMs: 20_000 }, 5],
    ["is not available", { kind: "Unavailable", message: "503" }, 8],
    ["is out of quota", { kind: "QuotaExceeded", message: "vCPU limit" }, 2],
    ["does not know us", { kind: "Unauthorized", message: "no such role" }, 3],
  ];

  it.each(troubles)("%s is asked again, less and less often", async (_name, error, times) => {
    fleet = new Fleet();
    fleet.platform.failNext("launch", error, { times });
    const wrong = fleet.guard({ edge: 2, origin: 1 });
    await fleet.start();
    await fleet.applyExample();
    await fleet.limit("edge", 2, 2);
    await fleet.limit("origin", 1, 1);
    await fleet.until("in service", () => fleet.inService() === 3, 300_000);
    expect(fleet.cloud.machines()).toHaveLength(3);
    expect(fleet.cloudCalls.get("launch")).toBe(times + 2);
    expect(wrong()).toEqual([]);
  });

  it("loses answers: the same call is sent again after its wait", async () => {
    const wrong = await sixEdges({});
    fleet.platform.loseAnswer("launch", 5);
    fleet.platform.loseAnswer("terminate", 3);
    fleet.platform.loseAnswer("list", 3);
    const ms = await fleet.until("met", met, 60_000);
    expect(ms).toBeGreaterThan(5_000);
    await fleet.delete("StreamNode", "live-edge-0");
    await fleet.until("met again", () => met() && fleet.nodes().length === 7, 60_000);
    expect(fleet.cloud.machines()).toHaveLength(8);
    expect(fleet.contradictions()).toEqual([]);
    expect(wrong()).toEqual([]);
  });

  it("is down for 10 minutes: no node changes, and what was lost is replaced afterwards", async () => {
    fleet = await Fleet.example();
    await fleet.until("in service", () => fleet.inService() === 3, 15_000);
    fleet.platform.outage(true);
    fleet.forgetWrites();
    await fleet.advance(600_000);
    expect(fleet.writesInWords().filter((write) => write.includes("streamnodes/"))).toEqual([]);
    expect(fleet.inService()).toBe(3);
    fleet.cloud.kill(fleet.machineOf("live-edge-0").providerId);
    await fleet.advance(10_000);
    fleet.platform.outage(false);
    await fleet.until("replaced", () => fleet.inService() === 3 && fleet.contradictions().length === 0, 120_000);
  });
});

describe("an image that the cloud refuses", () => {
  it("is tried less and less often; a corrected launch config is taken at once, by a new batch", async () => {
    fleet = new Fleet();
    fleet.platform.failNext("launch", { kind: "InvalidRequest", message: "no such image" }, { times: 12 });
    await fleet.start();
    await fleet.applyExample();
    await fleet.advance(600_000);
    expect(fleet.cloudCalls.get("launch")).toBeLessThanOrEqual(12);
    expect(fleet.condition("LaunchesFailing")).toMatchObject({
      status: "True",
      message: expect.stringContaining("no such image"),
    });
    while ((fleet.cloudCalls.get("launch") ?? 0) < 12) await fleet.advance(10_000);
    await fleet.patch("LaunchConfig", "live", { spec: { image: "a-better-image" } });
    await fleet.until("in service", () => fleet.inService() === 3, 20_000);
    expect(fleet.machines().map(({ image }) => image)).toEqual(Array(3).fill("a-better-image"));
    expect(fleet.batches().map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(["live-edge-b2", "live-origin-b2"]),
    );
    expect(fleet.contradictions()).toEqual([]);
  });
});
