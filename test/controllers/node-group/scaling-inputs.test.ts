/** What a decision is taken on, where the cluster's word is ahead of the local copy that the load follows. */
import { describe, expect, it } from "@jest/globals";
import { NodeCounter } from "../../../domain/group/node-counts.ts";
import type { GroupObservation } from "../../../controllers/node-group/observation.ts";
import { scalingInputs } from "../../../controllers/node-group/scaling-inputs.ts";
import { launchBatchSchema } from "../../../crds/launch-batch.ts";
import { launchConfigSchema } from "../../../crds/launch-config.ts";
import { nodeGroupSchema } from "../../../crds/node-group.ts";
import { scalePolicySchema } from "../../../crds/scale-policy.ts";
import { type StreamNode, streamNodeSchema } from "../../../crds/stream-node.ts";
import type { RoleLoad } from "../../../domain/load/role-load.ts";
import { FirstSeen } from "../../../domain/first-seen.ts";
import { decideScaling } from "../../../domain/scaling/decide-scaling.ts";
import { at } from "../../support/domain-values.ts";
import { launchConfigManifest, nodeGroupManifest, scalePolicyManifest } from "../../support/manifests.ts";

const meta = (name: string) => ({
  ...{ name, namespace: "default", uid: `uid-${name}`, resourceVersion: "1" },
  creationTimestamp: "2026-01-01T00:00:00Z",
});
const edge = { role: "edge", instanceType: "small", connectionCapacity: 100 };
const region = "region-a";
const group = nodeGroupSchema.parse({ ...nodeGroupManifest(), metadata: meta("live") });
const launchConfig = launchConfigSchema.parse({
  ...launchConfigManifest(),
  metadata: meta("live"),
  spec: { image: "media-1", roles: [edge], simulated: {} },
});
const scalePolicy = scalePolicySchema.parse({
  ...scalePolicyManifest(),
  metadata: meta("live"),
  spec: { roles: [{ role: "edge", minLimit: 1, maxLimit: 10 }] },
});

function nodeOf(slot: number): StreamNode {
  const launch = { launchConfig: "live", revision: "r1", image: "media-1", instanceType: "small" };
  return streamNodeSchema.parse({
    metadata: meta(`live-edge-${slot}`),
    spec: {
      ...{ group: "live", role: "edge", slot, region, batch: "live-edge-b1", index: slot },
      launch: { ...launch, platform: "simulated", connectionCapacity: 100, registrationTimeoutSeconds: 150 },
    },
    status: { phase: "InService", claimedUid: meta(`live-edge-${slot}`).uid },
  });
}

/** The load of so many nodes in service, each with 70 of 100 connections. */
function loadOf(nodes: number): RoleLoad {
  const connections = 70 * nodes;
  return {
    ...{ kind: "Known", nodes, connections, publishers: 0, subscribers: connections, capacity: 100 * nodes },
    ...{ freeSlots: 30 * nodes, staleNodes: 0, peak: { connections }, observedSince: at(0) },
  };
}

function decisionWith(nodes: number, load: RoleLoad, change: Partial<GroupObservation> = {}) {
  const inAlarm = {
    ...({ name: "edge-scale-out", role: "edge", metric: "ConnectionUtilization", statistic: "Average" } as const),
    ...{ periodSeconds: 10, evaluationPeriods: 1, datapointsToAlarm: 1, threshold: 60 },
    ...({ comparisonOperator: "GreaterThanThreshold", treatMissingData: "ignore", action: "ScaleOut" } as const),
  };
  const observation: GroupObservation = {
    group: { ...group, spec: { ...group.spec, regions: [region] } },
    now: at(1_000_000),
    wall: at(1_000_000),
    seen: new FirstSeen(),
    nodeCounts: NodeCounter.of(Array.from({ length: nodes }, (_, slot) => nodeOf(slot))),
    ...{ batches: [], expected: [], unread: [] },
    references: { kind: "Resolved", launchConfig, scalePolicy, platform: "simulated" },
    pause: { kind: "NotPaused" },
    alarms: [{ definition: inAlarm, region, state: "ALARM", since: at(0), reason: "" }],
    load: () => load,
    requests: () => [],
    behavior: {
      ...{ mode: "Competitive", scaleOutWaitMs: 0, scaleInWaitMs: 0, coolDownMs: 0, stabilizationMs: 0 },
      edgeSources: [],
    },
    ...change,
  };
  return scalingInputs(observation).map(decideScaling)[0];
}

describe("the time between two steps", () => {
  const batch = launchBatchSchema.parse({
    metadata: meta("live-edge-b1"),
    spec: {
      ...{ group: "live", role: "edge", region, number: 1, slots: [0], reason: "Alarm", message: "" },
      groupUid: group.metadata.uid,
      decidedAt: meta("").creationTimestamp,
      launch: nodeOf(0).spec.launch,
    },
    status: { members: [{ slot: 0, outcome: "Launched" }] },
  });
  const behavior = {
    ...({ mode: "Competitive", scaleOutWaitMs: 0, scaleInWaitMs: 0, coolDownMs: 0, stabilizationMs: 0 } as const),
    ...{ edgeSources: [], scaleAdjustment: 1, reevaluateMs: 1_000 },
  };

  it("is not cut short because Kubernetes tells the second alone in which a batch was created", () => {
    const soon = { batches: [batch], behavior, now: at(1_001) };
    expect(decisionWith(4, loadOf(4), soon)).toMatchObject({ kind: "Hold", reason: "CoolingDown" });
    const later = { ...soon, now: at(2_000) };
    expect(decisionWith(4, loadOf(4), later)).toMatchObject({ kind: "LaunchNodes", count: 1 });
  });
});

describe("a node in service that the load does not know yet", () => {
  it("is not launched once more: its capacity is there", () => {
    expect(decisionWith(2, loadOf(1))).toMatchObject({ kind: "Hold", reason: "CapacityComing" });
  });

  it("does not hide a shortage that it does not end", () => {
    expect(decisionWith(4, loadOf(4))).toMatchObject({ kind: "LaunchNodes", count: 1 });
    expect(decisionWith(5, loadOf(4))).toMatchObject({ kind: "Hold", reason: "CapacityComing" });
  });
});
