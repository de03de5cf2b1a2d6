/** From a decision to its batch: numbers without a gap, the lowest free slots, and what may be pruned. */
import { describe, expect, it } from "@jest/globals";
import { type PlacedNodes, type BatchPlan, planBatch, prunableBatches } from "../../../domain/launch/batch-plan.ts";
import { largestBatch, type LaunchBatch, launchBatchSchema } from "../../../crds/launch-batch.ts";
import { launchConfigSchema } from "../../../crds/launch-config.ts";
import { nodeGroupSchema } from "../../../crds/node-group.ts";
import { launchBatchDraft } from "../../../fleet/drafts.ts";
import { instant } from "../../../domain/time.ts";
import { launchConfigManifest, nodeGroupManifest } from "../../support/manifests.ts";

const meta = (name: string) => ({
  name,
  namespace: "default",
  uid: `uid-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});
const group = nodeGroupSchema.parse({ ...nodeGroupManifest(), metadata: meta("live") });
const launchConfig = launchConfigSchema.parse({ ...launchConfigManifest(), metadata: meta("live") });
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

const place = { role: "edge", region: "region-a" } as const;
const decidedAt = instant(Date.UTC(2026, 0, 1));
const call = { keyId: "k1", clusterId: "test", apiUrl: "http://api.test" };

/** A group whose nodes hold these slots, and name batches up to this number. */
function groundOf(slots: readonly number[] = [], lastNumber = 0, zones: Record<string, number> = {}): PlacedNodes {
  return {
    nextNumber: (role) => (role === "edge" ? lastNumber + 1 : 99),
    usedSlot: (role, slot) => role !== "edge" || slots.includes(slot),
    zones: ({ role, region }) => new Map(role === "edge" && region === "region-a" ? Object.entries(zones) : []),
  };
}

function plan(count: number, change: Partial<Omit<BatchPlan, "decision">> = {}, message = "") {
  const decision = { kind: "LaunchNodes", count, desired: count, reason: "Alarm", message } as const;
  const given = {
    group,
    launchConfig,
    revision: "r1",
    place,
    decision,
    placed: groundOf(),
    batches: [],
    call,
    decidedAt,
    mostSlots: largestBatch,
  };
  const planned = planBatch({ ...given, ...change });
  if (planned === undefined) throw new Error("there is no batch");
  const { name, spec } = planned;
  return { name, slots: spec.slots, spec, draft: launchBatchDraft(group, planned) };
}

describe("a batch", () => {
  it.each([
    ["begins with number 1 and slot 0", {}, { name: "live-edge-b1", slots: [0, 1] }],
    [
      "goes on after the highest number of a batch",
      { batches: [batchOf(1, [0], [0]), batchOf(7, [1], [1])] },
      { name: "live-edge-b8", slots: [0, 1] },
    ],
    [
      "goes on after the highest number that a node still names",
      { placed: groundOf([0], 12), batches: [batchOf(3, [0], [0])] },
      { name: "live-edge-b13", slots: [1, 2] },
    ],
    [
      "leaves slots to nodes and to open batches that have promised them",
      { placed: groundOf([1], 1), batches: [batchOf(1, [1], [1]), batchOf(2, [0, 3], [3])] },
      { name: "live-edge-b3", slots: [2, 3] },
    ],
  ])("%s", (_name, change, expected) => {
    expect(plan(2, change)).toMatchObject(expected);
  });

  it("asks for at most 50 machines", () => {
    expect(plan(120).slots).toHaveLength(50);
  });

  it("is owned by its group, and held until it is settled", () => {
    expect(plan(1).draft.metadata).toMatchObject({
      finalizers: ["streamfleet.dev/launch"],
      ownerReferences: [{ kind: "NodeGroup", uid: "uid-live" }],
    });
  });

  it("is the same for the same plan", () => {
    const change = { placed: groundOf([1], 1, { a: 1 }) };
    expect(plan(3, change)).toEqual(plan(3, change));
  });

  it("commits the call with what only this process can say of it", () => {
    expect(plan(1).spec).toMatchObject({ call, reason: "Alarm" });
  });

  it("says how many nodes each zone has, in order of their names", () => {
    const zones = [
      { zone: "a", nodes: 2 },
      { zone: "b", nodes: 1 },
    ];
    expect(plan(1, { placed: groundOf([], 0, { b: 1, a: 2 }) }).spec.zones).toEqual(zones);
    expect(plan(1).spec.zones).toEqual([]);
  });

  it("is one that the cluster takes, however much there is to say", () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, place) => [`zone-${place + 10}`, place]));
    const { spec, draft } = plan(1, { placed: groundOf([], 0, many) }, "x".repeat(2_000));
    const metadata = { ...draft.metadata, ...meta("live-edge-b1") };
    expect(launchBatchSchema.safeParse({ ...draft, metadata }).success).toBe(true);
    expect(spec.message).toHaveLength(1_024);
    expect(spec.zones).toHaveLength(16);
    expect(spec.zones).not.toContainEqual({ zone: "zone-10", nodes: 0 });
  });

  it("is none for a role that the launch config does not name", () => {
    const decision = { count: 1, reason: "BelowMinimum", message: "" } as const;
    const given = {
      group,
      launchConfig,
      revision: "r1",
      decision,
      placed: groundOf(),
      batches: [],
      call,
      decidedAt,
      mostSlots: 50,
    };
    expect(planBatch({ ...given, place: { role: "relay", region: "region-a" } })).toBeUndefined();
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
