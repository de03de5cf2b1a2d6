/** Whose machine a slot's node gets, when others were there before. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { informedCluster, type InformedCluster } from "../../controllers/cluster.ts";
import { SlotNodes } from "../../controllers/launch/slot-nodes.ts";
import { NotLeadingError } from "../../controllers/leadership.ts";
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { Fleet } from "../support/fleet.ts";

const { signal } = new AbortController();

let fleet: Fleet;
let cluster: InformedCluster;
let leads: boolean;
let nodes: SlotNodes;
let batch: LaunchBatch;
let group: NodeGroup;

/** A fleet whose operator is dead, with an open batch of two slots and their nodes. */
beforeEach(async () => {
  fleet = await Fleet.example();
  fleet.platform.failNext("launch", { kind: "InsufficientCapacity", message: "full" }, { times: 100 });
  await fleet.until("nodes", () => fleet.nodes("edge").length === 2);
  await fleet.advance(1_000);
  fleet.kill();
  leads = true;
  const { clock, random } = fleet;
  const own = { api: fleet.kube, clock, random, logger: silentLogger, metrics: createMetrics(), namespace: "default" };
  // Its informers are never started: a local copy that shows nothing.
  cluster = informedCluster(own);
  nodes = new SlotNodes({ cluster, leadership: { isLeader: () => leads } });
  batch = fleet.batches().find(({ spec }) => spec.role === "edge")!;
  group = fleet.group();
});
afterEach(() => fleet.close());

const other = (): LaunchBatch => ({
  ...batch,
  metadata: { ...batch.metadata, name: "live-edge-b9", uid: "other" },
  spec: { ...batch.spec, slots: [1, 2] },
});
const machineOf = (name: string) => fleet.node(name).spec.providerId;

describe("making nodes", () => {
  it("finds those that are there, whatever the local copy shows", async () => {
    expect(await nodes.ensure(batch, group, [0, 1], signal)).toEqual([]);
    expect(fleet.names("edge")).toEqual(["live-edge-0", "live-edge-1"]);
  });

  it("answers the slots that nodes of another batch hold", async () => {
    expect(await nodes.ensure(other(), group, [1, 2], signal)).toEqual([1]);
    expect(fleet.names("edge")).toEqual(["live-edge-0", "live-edge-1", "live-edge-2"]);
  });

  it("is for the leader alone", async () => {
    leads = false;
    await expect(nodes.ensure(batch, group, [7], signal)).rejects.toThrow(NotLeadingError);
    expect(fleet.names("edge")).toHaveLength(2);
  });
});

describe("giving a machine", () => {
  it("tells the node its machine, and may be repeated", async () => {
    await nodes.give(batch, group, { slot: 1, providerId: "m-1" }, signal);
    await nodes.give(batch, group, { slot: 1, providerId: "m-1" }, signal);
    expect(machineOf("live-edge-1")).toBe("m-1");
  });

  it("leaves a node that has another machine", async () => {
    await nodes.give(batch, group, { slot: 1, providerId: "m-1" }, signal);
    await nodes.give(batch, group, { slot: 1, providerId: "m-2" }, signal);
    expect(machineOf("live-edge-1")).toBe("m-1");
  });

  it("leaves a node of another batch", async () => {
    await nodes.give(other(), group, { slot: 1, providerId: "m-2" }, signal);
    expect(machineOf("live-edge-1")).toBeUndefined();
  });

  it("makes a node that is gone anew, so that the machine can be ended", async () => {
    await fleet.patch("StreamNode", "live-edge-1", { metadata: { finalizers: [] } });
    await fleet.delete("StreamNode", "live-edge-1");
    await nodes.give(batch, group, { slot: 1, providerId: "m-1" }, signal);
    expect(machineOf("live-edge-1")).toBe("m-1");
    expect(fleet.node("live-edge-1").metadata.finalizers).toEqual(["streamfleet.dev/machine"]);
  });

  it("gives it to a node that is being deleted, which then ends it", async () => {
    await fleet.delete("StreamNode", "live-edge-1");
    await nodes.give(batch, group, { slot: 1, providerId: "m-1" }, signal);
    expect(fleet.node("live-edge-1")).toMatchObject({ spec: { providerId: "m-1" } });
  });
});
