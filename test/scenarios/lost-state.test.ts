/** The database and the objects are lost: the fleet goes on, and its machines are known again. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { exampleManifests, Fleet } from "../support/fleet.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = await Fleet.example();
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
});
afterEach(() => fleet.close());

/** Name -> machine. */
const machinesByName = () => new Map(fleet.nodes().map(({ metadata, spec }) => [metadata.name, spec.providerId]));

describe("a database that is lost", () => {
  it("changes no node and ends no machine; history fills again", async () => {
    fleet.kill();
    fleet.wipeDatabase();
    fleet.forgetWrites();
    await fleet.start();
    await fleet.advance(120_000);
    expect(new Set(fleet.writesInWords())).toEqual(new Set(["MODIFIED nodegroups/live"]));
    expect([...fleet.cloudCalls.keys()]).toEqual(["list"]);
    expect(await fleet.database.nodeLives.open({})).toHaveLength(3);
  });

  it("that does not answer holds nobody up", async () => {
    const { nodeLives, activities } = fleet.database;
    const down = () => Promise.reject(new Error("the database is down"));
    Object.assign(nodeLives, { record: down, close: down, closeAllExcept: down });
    Object.assign(activities, { record: down });
    await fleet.limit("edge", 4, 10);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4, 20_000);
    await fleet.delete("NodeGroup", "live");
    await fleet.until("gone", () => fleet.objects().length === 2, 30_000);
    expect(fleet.machinesLeft()).toEqual([]);
  });
});

describe("objects that are lost", () => {
  const manifests = exampleManifests();
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];

  it.each(orders)("are made again from manifests applied in the order %i %i %i", async (...order) => {
    const known = machinesByName();
    fleet.kill();
    fleet.wipeObjects();
    await fleet.start();
    for (const place of order) {
      await fleet.apply(manifests[place]!);
      await fleet.advance(3_000);
    }
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    await fleet.advance(30_000);
    expect(machinesByName()).toEqual(known);
    expect(fleet.cloud.machines()).toHaveLength(3);
    expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
    expect(fleet.contradictions()).toEqual([]);
  });

  it("go on being numbered where they were", async () => {
    fleet.kill();
    fleet.wipeObjects();
    await fleet.start();
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 30_000);
    await fleet.limit("edge", 4, 10);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4, 20_000);
    expect(fleet.batches().map(({ metadata }) => metadata.name)).toEqual(["live-edge-b2"]);
    expect(fleet.names("edge")).toEqual(["live-edge-0", "live-edge-1", "live-edge-2", "live-edge-3"]);
    expect(fleet.contradictions()).toEqual([]);
  });

  it("are made again while the process runs on", async () => {
    const known = machinesByName();
    const { kube } = fleet;
    for (const { key } of [...kube.store.all()]) {
      if (key.resource.endsWith("streamfleet.dev")) kube.store.remove(key);
    }
    await fleet.advance(5_000);
    await fleet.applyExample();
    await fleet.until("in service", () => fleet.inService() === 3, 60_000);
    await fleet.advance(10_000);
    expect(machinesByName()).toEqual(known);
    expect(fleet.cloud.machines()).toHaveLength(3);
  });

  it("leave machines alone whose group is not applied again", async () => {
    fleet.kill();
    fleet.wipeObjects();
    await fleet.start();
    await fleet.apply({ ...manifests[0]!, metadata: { name: "live" } });
    await fleet.apply(manifests[1]!);
    const group = manifests[2]!;
    await fleet.apply({ ...group, metadata: { name: "other" }, spec: { ...(group["spec"] as object) } });
    await fleet.until("the other group is in service", () => fleet.inService() === 3, 30_000);
    await fleet.advance(60_000);
    expect(fleet.machinesLeft()).toHaveLength(6);
    expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
  });
});
