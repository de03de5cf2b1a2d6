/** The example, from `kubectl apply` to nodes in service, and then nothing more. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { isTrue } from "../../domain/conditions.ts";
import { Fleet } from "../support/fleet.ts";
import { reportIntervalMs } from "../support/operator-process.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = await Fleet.example();
});
afterEach(() => fleet.close());

const allInService = () => fleet.until("all in service", () => fleet.inService() === 3, 15_000);

describe("the example", () => {
  it("is in service within 15 s, with names that begin at 0", async () => {
    await allInService();
    expect(fleet.names("origin")).toEqual(["live-origin-0"]);
    expect(fleet.names("edge")).toEqual(["live-edge-0", "live-edge-1"]);
    expect(fleet.contradictions()).toEqual([]);
  });

  it("shows the fields that kubectl's columns are made of", async () => {
    await allInService();
    expect(fleet.group().status).toMatchObject({
      observedGeneration: 1,
      summary: { origins: "1/1", edges: "2/2", relays: "0/0", transcoders: "0/0", load: "-" },
    });
    const node = fleet.node("live-edge-1");
    const machine = fleet.machineOf("live-edge-1");
    expect(node.spec).toMatchObject({ role: "edge", region: "eu-west-1", providerId: machine.providerId, index: 1 });
    expect(node.status).toMatchObject({
      phase: "InService",
      machine: { state: "Running", zone: machine.zone },
      addresses: { public: machine.publicAddress, private: machine.privateAddress },
      registration: { machineId: machine.providerId, address: machine.publicAddress },
    });
    expect(fleet.batches().map(({ metadata, status }) => [metadata.name, status?.slots, status?.launched])).toEqual([
      ["live-edge-b1", "0-1", 2],
      ["live-origin-b1", "0", 1],
    ]);
  });

  it.each([
    ["NodeGroup", "live", ["ReferencesResolved", "Adopted", "MinimumMet", "Ready"]],
    ["ScalePolicy", "live", ["Accepted", "InUse"]],
    ["LaunchConfig", "live", ["Accepted", "InUse"]],
    ["LaunchBatch", "live-edge-b1", ["Complete"]],
    ["StreamNode", "live-edge-0", ["Launched", "Registered", "InService", "Ready"]],
  ] as const)("says of %s %s that all is well", async (kind, name, types) => {
    await allInService();
    expect(types.map((type) => [type, fleet.condition(type, kind, name)?.status])).toEqual(
      types.map((type) => [type, "True"]),
    );
  });

  it("tells the story in events", async () => {
    await allInService();
    const reasons = fleet.events("NodeGroup", "live").map((event) => event.split(":")[0]);
    expect([...new Set(reasons)].sort()).toEqual([
      "AlarmCleared",
      "BelowMinimum",
      "InService",
      "Ready",
      "ReferencesResolved",
      "ScaledOut",
      "ScalingActive",
    ]);
    expect(fleet.events("StreamNode", "live-origin-0")).toEqual([
      expect.stringMatching(/^InService: live-origin-0 is in service/),
    ]);
  });

  it("notes each phase of each life, and each kind of decision", async () => {
    await allInService();
    await fleet.advance(2_000);
    const { uid } = fleet.node("live-edge-0").metadata;
    const read = await fleet.database.nodeLives.read(uid);
    expect(read?.transitions.map(({ phase }) => phase)).toEqual(["Pending", "Running", "InService"]);
    expect(await fleet.database.nodeLives.open({ group: "live" })).toHaveLength(3);
    const activities = await fleet.database.activities.last({ namespace: "default", group: "live", limit: 50 });
    expect([...new Set(activities.map(({ kind, reason }) => `${kind} ${reason}`))].sort()).toEqual([
      "Hold AwaitingListing",
      "Hold MinimumMet",
      "LaunchNodes BelowMinimum",
    ]);
  });

  it("writes nothing and calls the cloud for nothing but listings, once it has been seen for 10 minutes", async () => {
    await allInService();
    // Nobody watches, so the alarms that scale in are raised, the window passes, and the minimum holds them.
    await fleet.advance(600_000);
    expect(fleet.inService()).toBe(3);
    fleet.forgetWrites();
    await fleet.advance(600_000);
    expect(fleet.writesInWords()).toEqual([]);
    expect([...fleet.cloudCalls.keys()]).toEqual(["list"]);
  });

  it("goes on where it was after a restart, without a write to a node", async () => {
    await allInService();
    await fleet.process.stop();
    fleet.forgetWrites();
    await fleet.start();
    await fleet.advance(20_000);
    expect(new Set(fleet.writesInWords())).toEqual(new Set(["MODIFIED nodegroups/live"]));
    expect([...fleet.cloudCalls.keys()]).toEqual(["list"]);
    expect(isTrue(fleet.group().status?.conditions, "Ready")).toBe(true);
  });
});

describe("a fleet that changes", () => {
  it("grows from 2 edges to 20, with names 0 to 19, and never beyond", async () => {
    await allInService();
    const wrong = fleet.guard({ edge: 20, origin: 1 });
    await fleet.limit("edge", 20, 20);
    await fleet.until("20 edges in service", () => fleet.inService("edge") === 20, 30_000);
    await fleet.advance(30_000);
    expect(wrong()).toEqual([]);
    expect(fleet.names("edge")).toEqual(Array.from({ length: 20 }, (_, slot) => `live-edge-${slot}`));
    expect(fleet.cloud.machines()).toHaveLength(21);
    expect(fleet.contradictions()).toEqual([]);
  });

  it("replaces a machine that is killed", async () => {
    await allInService();
    const { providerId } = fleet.machineOf("live-edge-0");
    fleet.cloud.kill(providerId);
    await fleet.until("replaced", () => fleet.inService("edge") === 2 && fleet.machines("edge").length === 2, 20_000);
    await fleet.advance(5_000);
    expect(fleet.machines("edge").map((machine) => machine.providerId)).not.toContain(providerId);
    expect(fleet.contradictions()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(4);
    expect(fleet.events("NodeGroup", "live").some((event) => event.startsWith("NodeLost:"))).toBe(true);
  });

  it("terminates and replaces a machine that is stopped", async () => {
    await allInService();
    const { providerId } = fleet.machineOf("live-edge-0");
    fleet.cloud.stop(providerId);
    const state = () => fleet.cloud.machines().find((machine) => machine.providerId === providerId)?.state;
    await fleet.until("terminated", () => state() === "Terminated", 20_000);
    await fleet.until("replaced", () => fleet.inService("edge") === 2, 20_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(4);
  });

  it("replaces a node that a person deletes", async () => {
    await allInService();
    const { providerId } = fleet.machineOf("live-edge-1");
    await fleet.delete("StreamNode", "live-edge-1");
    await fleet.until("replaced", () => fleet.inService("edge") === 2 && fleet.nodes("edge").length === 2, 20_000);
    expect(fleet.cloud.machines().find((machine) => machine.providerId === providerId)?.state).toBe("Terminated");
    expect(fleet.contradictions()).toEqual([]);
    await fleet.advance(2_000);
    expect(await fleet.database.nodeLives.open({})).toHaveLength(3);
  });

  it("tells every edge of a second origin within one report interval", async () => {
    await allInService();
    await fleet.limit("origin", 2, 4);
    await fleet.until("second origin", () => fleet.inService("origin") === 2, 20_000);
    const parents = () =>
      fleet.nodes("edge").map(({ metadata }) => {
        return fleet.process.reports.latest(metadata.uid)?.links.map(({ parent }) => parent);
      });
    await fleet.advance(reportIntervalMs);
    expect(parents()).toEqual([
      ["live-origin-0", "live-origin-1"],
      ["live-origin-0", "live-origin-1"],
    ]);
  });
});
