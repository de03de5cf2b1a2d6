/** From a decision to its batch: numbers without a gap, the lowest free slots, and what may be pruned. */
import { describe, expect, it } from "@jest/globals";
import { planBatch, prunableBatches } from "../../controllers/node-group/batches.ts";
import { type LaunchBatch, launchBatchSchema } from "../../crds/launch-batch.ts";
import { launchConfigSchema } from "../../crds/launch-config.ts";
import { nodeGroupSchema } from "../../crds/node-group.ts";
import { type StreamNode, streamNodeSchema } from "../../crds/stream-node.ts";
import type { ScalingInput } from "../../domain/scaling.ts";
import { launchConfigManifest, nodeGroupManifest } from "../support/manifests.ts";

const meta = (name: string) => ({
  name,
  namespace: "default",
  uid: `uid-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});
const group = nodeGroupSchema.parse({ ...nodeGroupManifest(), metadata: meta("live") });
const launchConfig = launchConfigSchema.parse({ ...launchConfigManifest(), metadata: meta("live") });
const input: ScalingInput = {
  role: "edge",
  region: "region-a",
  minLimit: 3,
  maxLimit: 100,
  counts: { inService: 0, starting: 0, draining: 0, terminating: 0 },
  deleting: false,
  everythingPaused: false,
  resolved: true,
  adopted: true,
};
const snapshot = {
  launchConfig: "live",
  revision: "r1",
  platform: "simulated",
  image: "media-1",
  instanceType: "sim.small",
  connectionCapacity: 100,
  registrationTimeoutSeconds: 150,
};

function batchOf(number: number, slots: readonly number[], settled: readonly number[]): LaunchBatch {
  const place = { group: "live", role: "edge", region: "region-a", launch: snapshot };
  return launchBatchSchema.parse({
    metadata: meta(`live-edge-b${number}`),
    spec: { ...place, number, slots, reason: "BelowMinimum", message: "" },
    status: { members: settled.map((slot) => ({ slot, outcome: "Launched" })) },
  });
}

function nodeOf(slot: number, batch: string): StreamNode {
  const place = { group: "live", role: "edge", region: "region-a", launch: snapshot };
  return streamNodeSchema.parse({ metadata: meta(`live-edge-${slot}`), spec: { ...place, slot, batch, index: 0 } });
}

function plan(count: number, nodes: readonly StreamNode[], batches: readonly LaunchBatch[]) {
  const decision = { kind: "LaunchNodes", count, desired: count, reason: "BelowMinimum", message: "" } as const;
  const draft = planBatch({ group, launchConfig, revision: "r1", input, decision, objects: { nodes, batches } });
  if (draft === undefined) throw new Error("there is no batch");
  return { name: draft.metadata.name, slots: (draft["spec"] as LaunchBatch["spec"]).slots, draft };
}

describe("a batch", () => {
  it.each([
    ["begins with number 1 and slot 0", [], [], { name: "live-edge-b1", slots: [0, 1] }],
    [
      "goes on after the highest number of a batch",
      [],
      [batchOf(1, [0], [0]), batchOf(7, [1], [1])],
      { name: "live-edge-b8", slots: [0, 1] },
    ],
    [
      "goes on after the highest number that a node still names",
      [nodeOf(0, "live-edge-b12")],
      [],
      { name: "live-edge-b13", slots: [1, 2] },
    ],
    [
      "leaves slots to nodes and to open batches that have promised them",
      [nodeOf(1, "live-edge-b1")],
      [batchOf(1, [1], [1]), batchOf(2, [0, 3], [3])],
      { name: "live-edge-b3", slots: [2, 3] },
    ],
  ] as const)("%s", (_name, nodes, batches, expected) => {
    expect(plan(2, nodes, batches)).toMatchObject(expected);
  });

  it("asks for at most 50 machines", () => {
    expect(plan(120, [], []).slots).toHaveLength(50);
  });

  it("is owned by its group, and held until it is settled", () => {
    expect(plan(1, [], []).draft.metadata).toMatchObject({
      finalizers: ["streamfleet.dev/launch"],
      ownerReferences: [{ kind: "NodeGroup", uid: "uid-live" }],
    });
  });

  it("is the same for the same plan", () => {
    expect(plan(3, [nodeOf(1, "live-edge-b1")], [])).toEqual(plan(3, [nodeOf(1, "live-edge-b1")], []));
  });
});

describe("old batches", () => {
  it("go when they are settled and 20 newer ones are there", () => {
    const settled = Array.from({ length: 23 }, (_, place) => batchOf(place + 1, [place], [place]));
    const open = batchOf(1, [99], []);
    const names = prunableBatches({ batches: [...settled.slice(1), open] }).map((one) => one.metadata.name);
    expect(names.sort()).toEqual(["live-edge-b2", "live-edge-b3"]);
  });
});
