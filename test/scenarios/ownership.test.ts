/** Objects that nobody's deletion was meant by: copied, restored, orphaned or written by hand. No machine ends for them. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Kind, resourceType } from "../../crds/names.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { asSaved, exampleManifests, Fleet, namespace } from "../support/fleet.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = await Fleet.example();
  await fleet.until("in service", () => fleet.inService() === 3, 15_000);
});
afterEach(() => fleet.close());

const node = resourceType("StreamNode");
const machinesLeft = () =>
  fleet
    .machinesLeft()
    .map(({ providerId }) => providerId)
    .toSorted();

/** As `kubectl get -o yaml` writes it, without what `sed` takes away. */
async function saved(kind: Kind, name: string, { owners = true } = {}): Promise<KubernetesObject> {
  const object = await fleet.kube.get(resourceType(kind), { namespace, name });
  return asSaved(object, { owners });
}

/** Nothing was ended and nothing launched, and in the end all is as it was. */
async function expectUntouched(machines: readonly string[]): Promise<void> {
  await fleet.advance(60_000);
  expect(machinesLeft()).toEqual(machines);
  expect(fleet.cloud.machines()).toHaveLength(machines.length);
  expect(fleet.cloudCalls.get("terminate")).toBeUndefined();
  expect(fleet.inService()).toBe(3);
  expect(fleet.contradictions()).toEqual([]);
}

describe("a StreamNode that was copied", () => {
  beforeEach(async () => {
    const type = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
    await fleet.kube.create(type, { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
  });

  it.each([true, false])("into another namespace ends nothing when it is deleted (owners: %s)", async (owners) => {
    const machines = machinesLeft();
    const copy = await saved("StreamNode", "live-edge-0", { owners });
    await fleet.kube.create(node, { ...copy, metadata: { ...copy.metadata, namespace: "other" } });
    await fleet.advance(5_000);
    if (!owners) {
      const seen = await fleet.kube.get(node, { namespace: "other", name: "live-edge-0" });
      expect(JSON.stringify(seen["status"])).toContain('"reason":"NoGroup"');
      await fleet.kube.delete(node, { namespace: "other", name: "live-edge-0" });
    }
    await fleet.until(
      "the copy is gone",
      async () => (await fleet.kube.list(node, { namespace: "other" })).items.length === 0,
    );
    expect(fleet.events("StreamNode", "live-edge-0")).toContainEqual(expect.stringMatching(/^Released: .*NoGroup/));
    await expectUntouched(machines);
  });

  it("into another namespace with a group of the same name ends nothing", async () => {
    const machines = machinesLeft();
    for (const manifest of exampleManifests()) {
      const paused = manifest.kind === "NodeGroup" ? { pause: { mode: "Everything" } } : {};
      const spec = { ...(manifest["spec"] as object), ...paused };
      await fleet.apply({ ...manifest, metadata: { ...manifest.metadata, namespace: "other" }, spec });
    }
    await fleet.advance(5_000);
    const group = await fleet.kube.get(resourceType("NodeGroup"), { namespace: "other", name: "live" });
    const { uid } = group.metadata;
    const copy = await saved("StreamNode", "live-edge-0");
    const ownerReferences = copy.metadata.ownerReferences?.map((owner) => ({ ...owner, uid: uid ?? "" }));
    await fleet.kube.create(node, {
      ...copy,
      metadata: { ...copy.metadata, namespace: "other", ...(ownerReferences && { ownerReferences }) },
      spec: { ...(copy["spec"] as object), groupUid: uid },
    });
    await fleet.until(
      "the copy is gone",
      async () => (await fleet.kube.list(node, { namespace: "other" })).items.length === 0,
    );
    expect(fleet.events("StreamNode", "live-edge-0")).toContainEqual(expect.stringMatching(/^Released: .*TagsDiffer/));
    await expectUntouched(machines);
  });

  it.each([
    ["under another name", "live-edge-7", {}],
    ["into another slot", "live-edge-7", { slot: 7 }],
    ["into another role", "live-relay-0", { role: "relay", slot: 0 }],
  ])("%s ends nothing, counts for nothing, and goes", async (_how, name, change) => {
    const machines = machinesLeft();
    const copy = await saved("StreamNode", "live-edge-0");
    await fleet.limit("edge", 2, 2);
    await fleet.advance(1_000);
    await fleet.kube.create(node, {
      ...copy,
      metadata: { ...copy.metadata, name },
      spec: { ...(copy["spec"] as object), ...change },
    });
    await fleet.until("the copy is gone", () => !fleet.names().includes(name));
    await expectUntouched(machines);
    expect(fleet.nodes().filter(({ spec }) => spec.drain !== undefined)).toEqual([]);
  });

  it("and whose original is deleted keeps the machine running until one of them is left", async () => {
    const machines = machinesLeft();
    const copy = await saved("StreamNode", "live-edge-0");
    const renamed = { ...copy, metadata: { ...copy.metadata, name: "live-edge-7" } };
    await Promise.all([
      fleet.kube.create(node, { ...renamed, spec: { ...(copy["spec"] as object), slot: 7 } }),
      fleet.kube.delete(node, { namespace, name: "live-edge-0" }),
    ]);
    await fleet.until("one node has it", () => fleet.contradictions().length === 0 && fleet.inService() === 3, 60_000);
    await fleet.advance(30_000);
    expect(machines.filter((id) => !machinesLeft().includes(id)).length).toBeLessThanOrEqual(1);
    expect(fleet.contradictions()).toEqual([]);
  });
});

describe("a machine whose tags", () => {
  const cloudTags = async (name: string, tags: Readonly<Record<string, string>>) => {
    const { providerId, region } = fleet.machineOf(name);
    await fleet.platform.updateTags(region, providerId, tags, new AbortController().signal);
    return providerId;
  };

  it.each([
    ["name another cluster", { "streamfleet.dev/cluster": "theirs" }],
    ["name another namespace", { "streamfleet.dev/namespace": "theirs" }],
    ["name another group", { "streamfleet.dev/group": "theirs" }],
    ["name another role", { "streamfleet.dev/role": "origin" }],
    ["say nothing that can be read", { "streamfleet.dev/role": "?" }],
  ])("%s is not ended with its StreamNode", async (_what, tags) => {
    const providerId = await cloudTags("live-edge-1", tags);
    await fleet.delete("StreamNode", "live-edge-1");
    await fleet.until("released", () =>
      fleet.events("StreamNode", "live-edge-1").some((e) => e.includes("TagsDiffer")),
    );
    await fleet.advance(30_000);
    expect(machinesLeft()).toContain(providerId);
  });

  it("cannot be read now is waited for, and then ended", async () => {
    const { providerId } = fleet.machineOf("live-edge-1");
    fleet.platform.failNext("read", { kind: "Throttled", message: "slow down" }, { times: 5 });
    await fleet.delete("StreamNode", "live-edge-1");
    await fleet.advance(2_000);
    expect(machinesLeft()).toContain(providerId);
    expect(fleet.condition("Terminated", "StreamNode", "live-edge-1")).toMatchObject({ reason: "AwaitingTags" });
    await fleet.until("ended", () => !machinesLeft().includes(providerId), 180_000);
    await fleet.until("replaced", () => fleet.inService() === 3, 60_000);
  });
});
