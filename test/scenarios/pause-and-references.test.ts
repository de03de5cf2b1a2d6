/** What people hold, take away, or get wrong: nothing happens that they did not ask for, and the group says why. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { toRfc3339, addMs } from "../../domain/time.ts";
import { exampleManifests, Fleet, namespace } from "../support/fleet.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = await Fleet.example();
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
});
afterEach(() => fleet.close());

const pause = (block: object | null) => fleet.patch("NodeGroup", "live", { spec: { pause: block } });
const inSeconds = (seconds: number) => toRfc3339(addMs(fleet.clock.now(), seconds * 1_000));
const kill = (name: string) => fleet.cloud.kill(fleet.machineOf(name).providerId);

/** This many viewers are on the node, from its next report on. */
function occupy(name: string, subscribers: number): void {
  const node = fleet.mediaFleet.nodes.get(fleet.machineOf(name).providerId);
  if (node === undefined) throw new Error(`no media node runs on the machine of ${name}`);
  node.setLoad({ connections: subscribers, publishers: 0, subscribers, streams: [] });
}

describe("a pause", () => {
  it("of scaling keeps the minimum and replaces what is lost", async () => {
    await pause({ mode: "Scaling", reason: "maintenance" });
    await fleet.limit("edge", 3, 10);
    kill("live-edge-0");
    await fleet.until("3 edges", () => fleet.inService("edge") === 3, 30_000);
    expect(fleet.condition("Paused")).toMatchObject({ status: "True", reason: "ScalingPaused" });
  });

  it("of everything launches nothing, terminates nothing, and says what it would do", async () => {
    await pause({ mode: "Everything", reason: "an audit" });
    await fleet.advance(1_000);
    fleet.forgetWrites();
    await fleet.limit("edge", 5, 10);
    const { providerId } = fleet.machineOf("live-edge-0");
    fleet.cloud.stop(providerId);
    await fleet.delete("StreamNode", "live-edge-1");
    await fleet.advance(120_000);
    expect(fleet.cloudCalls.get("launch")).toBeUndefined();
    expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
    expect(fleet.condition("Paused")).toMatchObject({
      status: "True",
      reason: "EverythingPaused",
      message: expect.stringMatching(/an audit.*would launch \d/),
    });
    expect(fleet.condition("MinimumMet")).toMatchObject({ status: "False", reason: "Paused" });
    expect(fleet.condition("Terminated", "StreamNode", "live-edge-1")).toMatchObject({ reason: "Paused" });
  });

  it("ends by itself, and what was held goes on at once", async () => {
    await pause({ mode: "Everything", until: inSeconds(60) });
    await fleet.advance(1_000);
    await fleet.limit("edge", 4, 10);
    await fleet.delete("StreamNode", "live-edge-1");
    await fleet.advance(57_000);
    expect(fleet.machines("edge")).toHaveLength(2);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4 && fleet.nodes("edge").length === 4, 20_000);
    expect(fleet.condition("Paused")).toMatchObject({ status: "False", reason: "PauseEnded" });
    expect(fleet.contradictions()).toEqual([]);
  });

  it("holds a launch that is committed, and lets it go when it is taken back", async () => {
    fleet.platform.failNext("launch", { kind: "InsufficientCapacity", message: "full" }, { times: 1 });
    await fleet.limit("edge", 4, 10);
    await fleet.until("refused", () => fleet.condition("LaunchesFailing")?.status === "True");
    await pause({ mode: "Everything" });
    await fleet.advance(120_000);
    expect(fleet.machines("edge")).toHaveLength(2);
    expect(fleet.condition("Complete", "LaunchBatch", "live-edge-b2")).toMatchObject({ reason: "Paused" });
    await pause(null);
    await fleet.until("4 edges", () => fleet.inService("edge") === 4, 20_000);
  });
});

describe("references", () => {
  it.each([
    ["launchConfigRef", "LaunchConfig"],
    ["scalePolicyRef", "ScalePolicy"],
  ])("to nothing in %s are named, and everything is held", async (field, kind) => {
    await fleet.patch("NodeGroup", "live", { spec: { [field]: { name: "missing" } } });
    await fleet.advance(1_000);
    fleet.forgetWrites();
    kill("live-edge-0");
    await fleet.advance(60_000);
    const message = `${kind} missing does not exist in namespace ${namespace}: create it, or write another name into spec.${field}.name`;
    expect(fleet.condition("ReferencesResolved")).toMatchObject({ status: "False", reason: "NotFound", message });
    expect(fleet.condition("Ready")).toMatchObject({ status: "False", reason: "NotResolved" });
    expect(fleet.cloudCalls.get("launch")).toBeUndefined();
    await fleet.patch("NodeGroup", "live", { spec: { [field]: { name: "live" } } });
    await fleet.until("in service again", () => fleet.inService() === 3, 20_000);
  });

  it("to a platform that is not there hold everything, and the launch config says so", async () => {
    await fleet.patch("LaunchConfig", "live", { spec: { simulated: null, aws: {} } });
    await fleet.advance(1_000);
    fleet.forgetWrites();
    kill("live-edge-0");
    await fleet.advance(60_000);
    expect(fleet.condition("Accepted", "LaunchConfig")).toMatchObject({
      status: "False",
      reason: "PlatformUnavailable",
    });
    expect(fleet.condition("ReferencesResolved")).toMatchObject({ status: "False", reason: "Invalid" });
    expect(fleet.cloudCalls.get("launch")).toBeUndefined();
    expect(fleet.inService()).toBe(2);
  });

  it("to a launch config without a role that the policy wants name the role", async () => {
    const roles = [{ role: "origin", instanceType: "small", connectionCapacity: 30 }];
    await fleet.patch("LaunchConfig", "live", { spec: { roles } });
    await fleet.advance(2_000);
    expect(fleet.condition("ReferencesResolved")).toMatchObject({
      reason: "Invalid",
      message: expect.stringContaining("no entry for role edge"),
    });
    expect(fleet.inService()).toBe(3);
  });

  it("keep a launch config that is deleted until nobody refers to it", async () => {
    await fleet.delete("LaunchConfig", "live");
    await fleet.advance(5_000);
    expect(fleet.condition("InUse", "LaunchConfig")).toMatchObject({ status: "True" });
    const [config] = exampleManifests();
    await fleet.apply({ ...config!, metadata: { name: "other" } });
    await fleet.patch("NodeGroup", "live", { spec: { launchConfigRef: { name: "other" } } });
    await fleet.until("gone", () => !fleet.objects().includes("LaunchConfig/live"), 5_000);
    expect(fleet.inService()).toBe(3);
  });
});

describe("a launch config that changes", () => {
  it("leaves the snapshots of nodes that run, and serves for those to come", async () => {
    const before = fleet.nodes("edge").map(({ spec }) => spec.launch);
    await fleet.patch("LaunchConfig", "live", { spec: { image: "another-image" } });
    await fleet.limit("edge", 3, 10);
    await fleet.until("3 edges", () => fleet.inService("edge") === 3, 20_000);
    expect(
      fleet
        .nodes("edge")
        .slice(0, 2)
        .map(({ spec }) => spec.launch),
    ).toEqual(before);
    expect(fleet.node("live-edge-2").spec.launch.image).toBe("another-image");
    expect(fleet.machineOf("live-edge-2").image).toBe("another-image");
    expect(fleet.cloud.machines()).toHaveLength(4);
  });
});

describe("limits", () => {
  it("that are lowered launch nothing more, and let what is over them go when it has nobody left", async () => {
    occupy("live-edge-0", 5);
    occupy("live-edge-1", 3);
    await fleet.advance(10_000);
    await fleet.limit("edge", 1, 1);
    await fleet.advance(60_000);
    expect(fleet.node("live-edge-1").spec.drain).toMatchObject({ reason: "AboveMaximum" });
    expect(fleet.node("live-edge-0").spec.drain).toBeUndefined();
    expect(fleet.machines("edge")).toHaveLength(2);
    occupy("live-edge-1", 0);
    await fleet.until("one edge is left", () => fleet.machines("edge").length === 1, 30_000);
    await fleet.advance(30_000);
    expect(fleet.names("edge")).toEqual(["live-edge-0"]);
    expect(fleet.condition("AtMaximum")).toMatchObject({ status: "False" });
  });

  it("that leave no room while a node drains say so, and are met when it is gone", async () => {
    const wrong = fleet.guard({ edge: 2 });
    occupy("live-edge-0", 5);
    await fleet.advance(10_000);
    await fleet.limit("edge", 2, 2);
    await fleet.patch("StreamNode", "live-edge-0", { spec: { drain: { reason: "Requested", at: inSeconds(0) } } });
    await fleet.advance(10_000);
    expect(fleet.condition("AtMaximum")).toMatchObject({ status: "True", reason: "MaximumReached" });
    expect(fleet.machines("edge")).toHaveLength(2);
    await fleet.delete("StreamNode", "live-edge-0");
    await fleet.until("2 edges", () => fleet.inService("edge") === 2, 30_000);
    expect(wrong()).toEqual([]);
  });

  it("of a region replace those of the policy; regions share slots and numbers", async () => {
    const wrong = fleet.guard({ edge: 4, origin: 1 });
    const roles = [
      { role: "origin", minLimit: 1, maxLimit: 1 },
      { role: "edge", minLimit: 2, maxLimit: 4 },
    ];
    const regionOverrides = [{ region: "us-east-1", roles: [{ role: "edge", minLimit: 3, maxLimit: 3 }] }];
    await fleet.patch("ScalePolicy", "live", { spec: { roles, regionOverrides } });
    await fleet.patch("NodeGroup", "live", { spec: { regions: ["eu-west-1", "us-east-1"] } });
    await fleet.until("in service", () => fleet.inService() === 7, 30_000);
    const edges = (region: string) => fleet.nodes("edge").filter(({ spec }) => spec.region === region).length;
    expect([edges("eu-west-1"), edges("us-east-1")]).toEqual([2, 3]);
    expect(fleet.names("edge")).toEqual([0, 1, 2, 3, 4].map((slot) => `live-edge-${slot}`));
    const numbers = fleet
      .batches()
      .filter(({ spec }) => spec.role === "edge")
      .map(({ spec }) => spec.number);
    expect(numbers.sort()).toEqual([1, 2]);
    expect(wrong()).toEqual([]);
    expect(fleet.contradictions()).toEqual([]);
  });
});

describe("a node that does not call back", () => {
  it("is overdue after its time, and left alone", async () => {
    await fleet.mediaFleet.stop();
    await fleet.limit("edge", 3, 10);
    await fleet.until("running", () => fleet.nodes("edge").length === 3, 20_000);
    await fleet.advance(140_000);
    expect(fleet.condition("Registered", "StreamNode", "live-edge-2")).toMatchObject({ reason: "AwaitingCallback" });
    await fleet.advance(20_000);
    expect(fleet.condition("Registered", "StreamNode", "live-edge-2")).toMatchObject({
      status: "False",
      reason: "Overdue",
    });
    expect(fleet.machinesLeft()).toHaveLength(4);
  });
});

describe("a region that is taken out of a group", () => {
  it("gets no more nodes, and its own go one at a time as they have nobody left", async () => {
    occupy("live-edge-0", 5);
    await fleet.advance(10_000);
    await fleet.patch("NodeGroup", "live", { spec: { regions: ["us-east-1"] } });
    const there = (region: string) => fleet.machines().filter((machine) => machine.region === region);
    await fleet.until("one is left", () => there("us-east-1").length === 3 && there("eu-west-1").length === 1, 60_000);
    await fleet.advance(30_000);
    expect(fleet.nodes().find(({ spec }) => spec.region === "eu-west-1")?.metadata.name).toBe("live-edge-0");
    occupy("live-edge-0", 0);
    await fleet.until("none is left", () => there("eu-west-1").length === 0, 60_000);
    expect(fleet.inService()).toBe(3);
  });
});
