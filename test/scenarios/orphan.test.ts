/** A group that is deleted with `--cascade=orphan`: its nodes and machines stay, and a group of its name adopts them. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { finalizers, orphanFinalizer, resourceType } from "../../crds/names.ts";
import { Fleet, namespace } from "../support/fleet.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = await Fleet.example();
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
  fleet.forgetWrites();
});
afterEach(() => fleet.close());

const groupType = resourceType("NodeGroup");
const group = { namespace, name: "live" };
const orphan = () => fleet.kube.delete(groupType, group, { propagationPolicy: "Orphan" });
const machines = () => fleet.machinesLeft().map(({ providerId, state }) => `${providerId} ${state}`);
const machineOf = () => new Map(fleet.nodes().map(({ metadata, spec }) => [metadata.name, spec.providerId]));
const groupGone = () => fleet.until("the group is gone", () => !fleet.objects().includes("NodeGroup/live"), 30_000);

async function expectKept(before: ReturnType<typeof machineOf>): Promise<void> {
  await fleet.advance(60_000);
  expect(machineOf()).toEqual(before);
  expect(machines().every((machine) => machine.endsWith("Running"))).toBe(true);
  expect(fleet.cloud.machines()).toHaveLength(3);
  expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
  expect(fleet.cloudCalls.get("launch")).toBeUndefined();
}

async function expectAdopted(before: ReturnType<typeof machineOf>): Promise<void> {
  await fleet.until("adopted", () => fleet.inService() === 3 && owners().size === 1, 120_000);
  await expectKept(before);
  expect(owners()).toEqual(new Set([fleet.group().metadata.uid]));
  expect(fleet.contradictions()).toEqual([]);
}

const owners = () =>
  new Set(fleet.nodes().flatMap(({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? ["none"]));

describe("a group that is deleted with --cascade=orphan", () => {
  it("goes, leaves its nodes in service and its machines, and is adopted when it is applied again", async () => {
    const before = machineOf();
    await orphan();
    await groupGone();
    await expectKept(before);
    expect(fleet.inService()).toBe(3);
    expect(fleet.condition("Released", "StreamNode", "live-edge-0")).toMatchObject({
      status: "True",
      reason: "NoGroup",
    });
    expect(fleet.events("NodeGroup", "live")).toContainEqual(expect.stringMatching(/^Orphaned: /));
    await fleet.applyExample();
    await expectAdopted(before);
    expect(fleet.condition("Released", "StreamNode", "live-edge-0")).toBeUndefined();
  });

  it("while the operator is down: the finalizer that says so is gone before it looks", async () => {
    const before = machineOf();
    fleet.kill();
    await orphan();
    await fleet.advance(5_000);
    expect(fleet.group().metadata.finalizers).toEqual([finalizers.nodes]);
    await fleet.start();
    await groupGone();
    await expectKept(before);
    await fleet.applyExample();
    await expectAdopted(before);
  });

  it("and is applied again before the operator looks", async () => {
    const before = machineOf();
    fleet.kill();
    await orphan();
    await fleet.patch("NodeGroup", "live", { metadata: { finalizers: [] } });
    await fleet.advance(5_000);
    await fleet.applyExample();
    await fleet.start();
    await expectAdopted(before);
  });

  it("with a finalizer of somebody else, which holds it: what was seen once counts", async () => {
    const before = machineOf();
    await fleet.patch("NodeGroup", "live", { metadata: { finalizers: [finalizers.nodes, "example.com/hold"] } });
    await orphan();
    await fleet.advance(20_000);
    expect(fleet.group().metadata.finalizers).toEqual(["example.com/hold"]);
    expect(fleet.group().metadata.finalizers).not.toContain(orphanFinalizer);
    await expectKept(before);
    await fleet.patch("NodeGroup", "live", { metadata: { finalizers: [] } });
    await groupGone();
    await expectKept(before);
  });

  it("while a launch is under way: no machine is ended", async () => {
    await fleet.limit("edge", 4, 4);
    await fleet.until("launched", () => fleet.machines().length === 5);
    await orphan();
    await groupGone();
    await fleet.advance(60_000);
    expect(fleet.machines()).toHaveLength(5);
    expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
    await fleet.applyExample();
    await fleet.limit("edge", 4, 4);
    await fleet.until("adopted", () => fleet.inService() === 5 && owners().size === 1, 200_000);
    expect(fleet.cloud.machines()).toHaveLength(5);
    expect(fleet.contradictions()).toEqual([]);
  });

  it("drains nobody and ends nothing of its nodes, though one was marked to go", async () => {
    await fleet.limit("edge", 3, 3);
    await fleet.until("3 edges", () => fleet.inService("edge") === 3, 30_000);
    fleet.kill();
    await orphan();
    const at = new Date(fleet.clock.now()).toISOString();
    await fleet.patch("StreamNode", "live-edge-2", { spec: { drain: { reason: "ScaleIn", at } } });
    await fleet.advance(5_000);
    await fleet.start();
    await groupGone();
    await fleet.advance(120_000);
    expect(fleet.machines()).toHaveLength(4);
    expect(fleet.names()).toHaveLength(4);
  });
});

describe("an orphaned node", () => {
  it("that is deleted goes, and its machine stays", async () => {
    await orphan();
    await groupGone();
    await fleet.delete("StreamNode", "live-edge-0");
    await fleet.until("released", () => !fleet.names().includes("live-edge-0"));
    await fleet.advance(30_000);
    expect(fleet.machines()).toHaveLength(3);
    expect(fleet.events("StreamNode", "live-edge-0")).toContainEqual(expect.stringMatching(/^Released: /));
  });

  it("whose machine is gone goes with it", async () => {
    await orphan();
    await groupGone();
    const { region, providerId } = fleet.machineOf("live-edge-0");
    await fleet.platform.terminate(region, [providerId], new AbortController().signal);
    await fleet.until("gone", () => !fleet.names().includes("live-edge-0"), 60_000);
    expect(fleet.names()).toHaveLength(2);
  });
});

describe("a node that lost its owner by hand", () => {
  it("is taken back by its group", async () => {
    const before = machineOf();
    await fleet.patch("StreamNode", "live-edge-0", { metadata: { ownerReferences: [] } });
    await fleet.until("taken back", () => owners().size === 1 && !owners().has("none"));
    await expectKept(before);
  });

  it("to another that is not there is deleted by the collector, and adopted again", async () => {
    const before = machineOf();
    const [owner] = fleet.node("live-edge-0").metadata.ownerReferences ?? [];
    const ownerReferences = [{ ...owner, uid: "00000000-0000-0000-0000-000000000000" }];
    const { uid } = fleet.node("live-edge-0").metadata;
    await fleet.patch("StreamNode", "live-edge-0", { metadata: { ownerReferences } });
    await fleet.until("made again", () =>
      fleet.nodes().some((node) => node.metadata.name === "live-edge-0" && node.metadata.uid !== uid),
    );
    await expectKept(before);
  });
});

describe("a group that is deleted otherwise", () => {
  it.each(["Background", "Foreground"] as const)("in the %s ends its machines", async (propagationPolicy) => {
    await fleet.kube.delete(groupType, group, { propagationPolicy });
    await fleet.until("gone", () => fleet.objects().length === 2, 60_000);
    expect(fleet.machinesLeft()).toEqual([]);
  });
});
