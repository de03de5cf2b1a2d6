/** The end of a group, and of what people delete by hand: no machine, no object, no open life is left. */
import { afterEach, describe, expect, it } from "@jest/globals";
import { Fleet } from "../support/fleet.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

async function inService(): Promise<void> {
  fleet = await Fleet.example();
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
}

/** All is gone but for what people wrote and did not delete. */
async function expectNothingLeft(withinMs = 30_000): Promise<void> {
  await fleet.until("the group is gone", () => fleet.objects().length === 2, withinMs);
  expect(fleet.objects()).toEqual(["ScalePolicy/live", "LaunchConfig/live"]);
  expect(fleet.machinesLeft()).toEqual([]);
  await fleet.advance(2_000);
  expect(await fleet.database.nodeLives.open({})).toEqual([]);
}

describe("deleting a group", () => {
  it("ends its machines, its objects and its lives", async () => {
    await inService();
    await fleet.delete("NodeGroup", "live");
    await expectNothingLeft();
    expect(fleet.cloud.machines()).toHaveLength(3);
  });

  it("lets the policy and the launch config go afterwards, and not before", async () => {
    await inService();
    await fleet.delete("ScalePolicy", "live");
    await fleet.delete("LaunchConfig", "live");
    await fleet.advance(10_000);
    expect(fleet.objects()).toEqual(expect.arrayContaining(["ScalePolicy/live", "LaunchConfig/live"]));
    expect(fleet.inService()).toBe(3);
    await fleet.delete("NodeGroup", "live");
    await fleet.until("all gone", () => fleet.objects().length === 0, 30_000);
    expect(fleet.machinesLeft()).toEqual([]);
  });

  it("waits while the cloud is down, and goes on when it is back", async () => {
    await inService();
    fleet.platform.outage(true);
    await fleet.delete("NodeGroup", "live");
    await fleet.advance(300_000);
    expect(fleet.nodes()).toHaveLength(3);
    expect(fleet.condition("Terminated", "StreamNode", "live-edge-0")).toMatchObject({
      status: "False",
      reason: "AwaitingTags",
    });
    fleet.platform.outage(false);
    await expectNothingLeft(90_000);
  });

  it("goes before a pause of everything", async () => {
    await inService();
    await fleet.patch("NodeGroup", "live", { spec: { pause: { mode: "Everything" } } });
    await fleet.advance(1_000);
    await fleet.delete("NodeGroup", "live");
    await expectNothingLeft();
  });

  it("ends machines whose launch was never answered", async () => {
    fleet = await Fleet.example();
    fleet.platform.loseAnswer("launch", 2);
    await fleet.until("launched", () => fleet.machines().length === 3);
    await fleet.delete("NodeGroup", "live");
    await expectNothingLeft();
    expect(fleet.cloud.machines()).toHaveLength(3);
  });

  it("ends machines whose launch was never answered, though the cloud went down and the group was paused", async () => {
    fleet = await Fleet.example();
    fleet.platform.loseAnswer("launch", 2);
    await fleet.until("launched", () => fleet.machines().length === 3);
    fleet.platform.outage(true);
    await fleet.patch("NodeGroup", "live", { spec: { pause: { mode: "Everything" } } });
    await fleet.delete("NodeGroup", "live");
    await fleet.advance(120_000);
    fleet.platform.outage(false);
    await expectNothingLeft(120_000);
    expect(fleet.cloud.machines()).toHaveLength(3);
  });

  it("launches nothing when it comes before the first launch", async () => {
    fleet = new Fleet();
    fleet.platform.outage(true);
    await fleet.start();
    await fleet.applyExample();
    await fleet.advance(5_000);
    await fleet.delete("NodeGroup", "live");
    await fleet.advance(30_000);
    fleet.platform.outage(false);
    await expectNothingLeft(90_000);
    expect(fleet.cloud.machines()).toEqual([]);
  });

  it("is not held up by a group that cannot be deleted", async () => {
    await inService();
    fleet.platform.failNext("terminate", { kind: "Unauthorized", message: "no" }, { times: 100_000 });
    await fleet.delete("NodeGroup", "live");
    await fleet.advance(20_000);
    await fleet.applyOther("second");
    await fleet.until("another group is in service", () => fleet.inService("origin") === 1, 30_000);
    await fleet.delete("NodeGroup", "second");
    await fleet.advance(10_000);
    expect(fleet.objects()).toContain("NodeGroup/live");
  });

  it("makes room for a group of the same name", async () => {
    await inService();
    await fleet.delete("NodeGroup", "live");
    await expectNothingLeft();
    await fleet.applyExample();
    await fleet.until("in service again", () => fleet.inService() === 3, 20_000);
    expect(fleet.contradictions()).toEqual([]);
    expect([...fleet.names()].sort()).toEqual(["live-edge-0", "live-edge-1", "live-origin-0"]);
  });
});

describe("deleting by hand", () => {
  it("strands nothing when an open batch goes before its launch", async () => {
    fleet = await Fleet.example();
    fleet.platform.failNext("launch", { kind: "InsufficientCapacity", message: "full" }, { times: 2 });
    await fleet.until("committed", () => fleet.nodes().length === 3);
    await fleet.delete("LaunchBatch", "live-edge-b1");
    await fleet.until("in service", () => fleet.inService() === 3, 90_000);
    await fleet.advance(30_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(fleet.machines()).toHaveLength(3);
  });

  it("strands nothing when an open batch goes whose launch was not answered", async () => {
    fleet = await Fleet.example();
    const wrong = fleet.guard({ edge: 2, origin: 1 });
    await fleet.limit("edge", 2, 2);
    await fleet.limit("origin", 1, 1);
    fleet.platform.loseAnswer("launch", 2);
    await fleet.until("launched", () => fleet.machines().length === 3);
    fleet.platform.outage(true);
    await fleet.delete("LaunchBatch", "live-edge-b1");
    await fleet.advance(60_000);
    fleet.platform.outage(false);
    await fleet.until("in service", () => fleet.inService() === 3, 180_000);
    await fleet.advance(30_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(wrong()).toEqual([]);
    expect(fleet.machines()).toHaveLength(3);
  });

  it("replaces a node that is deleted before its machine is launched", async () => {
    fleet = await Fleet.example();
    fleet.platform.failNext("launch", { kind: "InsufficientCapacity", message: "full" }, { times: 2 });
    await fleet.until("nodes", () => fleet.nodes("edge").length === 2);
    await fleet.delete("StreamNode", "live-edge-0");
    await fleet.until("in service", () => fleet.inService() === 3, 120_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(3);
  });

  it("ends the machine of a node that is deleted while its launch is not answered", async () => {
    fleet = await Fleet.example();
    fleet.platform.loseAnswer("launch", 2);
    await fleet.until("launched", () => fleet.machines().length === 3);
    await fleet.delete("StreamNode", "live-edge-0");
    await fleet.until("in service", () => fleet.inService() === 3 && fleet.nodes().length === 3, 120_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(4);
  });

  it("adopts the machine of a node whose finalizer is removed by force", async () => {
    await inService();
    const { providerId } = fleet.machineOf("live-edge-1");
    await fleet.patch("StreamNode", "live-edge-1", { metadata: { finalizers: [] } });
    await fleet.delete("StreamNode", "live-edge-1");
    await fleet.until("in service", () => fleet.inService("edge") >= 2 && fleet.contradictions().length === 0, 180_000);
    expect(fleet.machinesLeft().map((machine) => machine.providerId)).toContain(providerId);
    expect(fleet.cloud.machines()).toHaveLength(3);
  });
});
