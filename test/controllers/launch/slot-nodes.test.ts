/** Whose machine a slot's node gets, when others were there before. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { informedCluster, type InformedCluster } from "../../../fleet/cluster.ts";
import { type Launching, SlotNodes } from "../../../controllers/launch/slot-nodes.ts";
import { NotLeadingError } from "../../../fleet/leadership.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import type { StreamNode } from "../../../crds/stream-node.ts";
import { LaunchWorld } from "../../support/launch-world.ts";

const { signal } = new AbortController();
const noMachine = (): undefined => undefined;

let world: LaunchWorld;
let cluster: InformedCluster;
let leads: boolean;
let nodes: SlotNodes;
let launching: Launching;

/** A batch of two slots with their nodes, which the local copy does not show: its informers are never started. */
beforeEach(async () => {
  world = await LaunchWorld.open();
  leads = true;
  const { clock } = world;
  const own = { clock, random: () => 0, logger: silentLogger, metrics: createMetrics(), namespace: "default" };
  cluster = informedCluster({ ...own, api: world.kube });
  nodes = new SlotNodes({ cluster, leadership: { isLeader: () => leads } });
  launching = { batch: await world.createBatch({ count: 2 }), group: await world.group() };
  await nodes.ensure(launching, [0, 1], signal);
});
afterEach(() => world.close());

function another(): Launching {
  const { batch, group } = launching;
  const metadata = { ...batch.metadata, name: "live-edge-b9", uid: "other" };
  return { group, batch: { ...batch, metadata, spec: { ...batch.spec, slots: [1, 2, 3] } } };
}

async function node(slot: number): Promise<StreamNode | undefined> {
  return (await world.nodes()).find(({ spec }) => spec.slot === slot);
}
const machineOf = async (slot: number) => (await node(slot))?.spec.providerId;
const names = async () => (await world.nodes()).map(({ metadata }) => metadata.name);

describe("making nodes", () => {
  it("finds those that are there, whatever the local copy shows", async () => {
    expect(await nodes.ensure(launching, [0, 1], signal)).toEqual([]);
    expect(await names()).toEqual(["live-edge-0", "live-edge-1"]);
  });

  it("answers the slots that nodes of another batch hold", async () => {
    expect(await nodes.ensure(another(), [1, 2], signal)).toEqual([1]);
    expect(await names()).toEqual(["live-edge-0", "live-edge-1", "live-edge-2"]);
  });

  it("tells a new node its machine, where it is known by then", async () => {
    const holders = await nodes.make(another(), [2, 3], (slot) => (slot === 2 ? "m-2" : undefined), signal);
    expect([...holders.keys()]).toEqual([2, 3]);
    expect([await machineOf(2), await machineOf(3)]).toEqual(["m-2", undefined]);
  });

  it("is for the leader alone", async () => {
    leads = false;
    await expect(nodes.ensure(launching, [7], signal)).rejects.toThrow(NotLeadingError);
    expect(await names()).toHaveLength(2);
  });
});

describe("giving a machine", () => {
  it("tells the node its machine, and may be repeated", async () => {
    const given = { kind: "Given", providerId: "m-1" };
    expect(await nodes.give(launching, { slot: 1, providerId: "m-1" }, undefined, signal)).toEqual(given);
    expect(await nodes.give(launching, { slot: 1, providerId: "m-1" }, undefined, signal)).toEqual(given);
    expect(await machineOf(1)).toBe("m-1");
  });

  it("leaves a node that has another machine, and says which", async () => {
    await nodes.give(launching, { slot: 1, providerId: "m-1" }, undefined, signal);
    const second = await nodes.give(launching, { slot: 1, providerId: "m-2" }, undefined, signal);
    expect(second).toEqual({ kind: "Given", providerId: "m-1" });
    expect(await machineOf(1)).toBe("m-1");
  });

  it("leaves a node of another batch", async () => {
    const given = await nodes.give(another(), { slot: 1, providerId: "m-2" }, undefined, signal);
    expect(given).toEqual({ kind: "Taken" });
    expect(await machineOf(1)).toBeUndefined();
  });

  it("makes a node that is gone anew, so that the machine can be ended", async () => {
    await world.patch("StreamNode", "live-edge-1", { metadata: { finalizers: [] } });
    await world.delete("StreamNode", "live-edge-1");
    await nodes.give(launching, { slot: 1, providerId: "m-1" }, undefined, signal);
    expect(await machineOf(1)).toBe("m-1");
    expect((await node(1))?.metadata.finalizers).toEqual(["streamfleet.dev/machine"]);
  });

  it("gives it to a node that is being deleted, which then ends it", async () => {
    await world.delete("StreamNode", "live-edge-1");
    await nodes.give(launching, { slot: 1, providerId: "m-1" }, undefined, signal);
    expect(await machineOf(1)).toBe("m-1");
  });

  it("takes the node as it was made a moment ago, and reads it where it has changed since", async () => {
    const holders = await nodes.make(launching, [0, 1], noMachine, signal);
    await world.patch("StreamNode", "live-edge-1", { metadata: { labels: { changed: "yes" } } });
    const placements = [
      { slot: 0, providerId: "m-0" },
      { slot: 1, providerId: "m-1" },
    ];
    const givings = await nodes.giveAll(launching, placements, holders, signal);
    expect(givings.map(({ kind }) => kind)).toEqual(["Given", "Given"]);
    expect([await machineOf(0), await machineOf(1)]).toEqual(["m-0", "m-1"]);
  });
});
