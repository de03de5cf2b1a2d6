/** A node that drains: how the reconciler tells of it, when it ends it, and what keeps it from doing so. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { LatestReports } from "../../../fleet/latest-reports.ts";
import { informedCluster, type InformedCluster } from "../../../fleet/cluster.ts";
import { NotLeadingError } from "../../../fleet/leadership.ts";
import { ReportFaults } from "../../../fleet/report-faults.ts";
import { StreamNodeReconciler } from "../../../controllers/stream-node/reconciler.ts";
import { ownerReferenceTo } from "../../../fleet/drafts.ts";
import { finalizers, resourceType } from "../../../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../../../crds/node-group.ts";
import type { StreamNode } from "../../../crds/stream-node.ts";
import { findCondition } from "../../../domain/conditions.ts";
import { drainDirectiveId } from "../../../domain/node/directive.ts";
import type { NodeReport } from "../../../domain/load/report.ts";
import { toTags } from "../../../domain/node/ownership.ts";
import { toRfc3339 } from "../../../domain/time.ts";
import type { EmbeddedApi } from "../../../local/kube/embedded-api.ts";
import { MachineInventory } from "../../../platforms/inventory.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { productApi } from "../../support/embedded-api.ts";
import { owner } from "../../support/domain-values.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { nodeGroupManifest } from "../../support/manifests.ts";
import { nodeDraft } from "../../support/node-api.ts";
import { launchRequest, simulatedWorld, type SimulatedWorld, valueOf } from "../../support/simulated-cloud.ts";

const { signal } = new AbortController();
const turn = { signal, logger: silentLogger };
const namespace = "media";
const name = "live-origin-0";
const key = { namespace, name };
const nodeType = resourceType("StreamNode");
const freshMs = 15_000;
const tags = toTags(owner({ clusterId: "test", namespace, role: "origin", batch: "live-origin-b1", slots: [0] }), {});

let clock: FakeClock;
let kube: EmbeddedApi;
let cluster: InformedCluster;
let simulated: SimulatedWorld;
let inventory: MachineInventory;
let feed: LatestReports;
let faults: ReportFaults;
let reconciler: StreamNodeReconciler;
let told: string[];
let closed: string[];
let leads: boolean;
let statusWrites: number;
let group: NodeGroup;

beforeEach(async () => {
  clock = new FakeClock();
  statusWrites = 0;
  kube = productApi({ clock, namespaces: [namespace] });
  const own = { api: kube, clock, random: () => 0.5, logger: silentLogger, metrics: createMetrics() };
  cluster = informedCluster({ ...own, namespace });
  cluster.streamNodes.cache.onChange(({ kind }) => (statusWrites += kind === "Updated" ? 1 : 0));
  for (const informer of cluster.informers) informer.start();
  simulated = simulatedWorld({ clock, bootMs: 1_000, stopMs: 1_000 });
  inventory = new MachineInventory({ platform: simulated.platform, clock, random: () => 0.5, clusterId: "test" });
  feed = new LatestReports();
  faults = new ReportFaults(feed, clock);
  told = [];
  closed = [];
  leads = true;
  reconciler = started();
  const created = await kube.create(resourceType("NodeGroup"), {
    ...nodeGroupManifest({ regions: ["sim-east"] }),
    metadata: { name: "live", namespace },
  });
  group = nodeGroupSchema.parse(created);
});
afterEach(async () => {
  await Promise.all(cluster.informers.map((informer) => informer.stop()));
  simulated.cloud.close();
});

/** As after a start of the process. */
function started(): StreamNodeReconciler {
  return new StreamNodeReconciler({
    cluster,
    clouds: new Map([["simulated", { platform: simulated.platform, inventory }]]),
    feed,
    faults,
    leadership: { isLeader: () => leads },
    clock,
    events: { record: ({ kind }, { reason, message }) => told.push(`${kind} ${reason}: ${message}`) },
    history: { recordTransition: () => undefined, recordClose: ({ uid }) => closed.push(uid) },
    metrics: createMetrics(),
    settings: { clusterId: "test" },
    random: () => 0.5,
    freshMs,
  });
}

/** A StreamNode whose machine was launched after it, and runs. */
async function launched(spec: Readonly<Record<string, unknown>> = { batchUid: "batch-1" }): Promise<void> {
  const { metadata, ...draft } = nodeDraft({ name, spec: { role: "origin" } });
  const given = Object.fromEntries(Object.entries(draft.spec).filter(([field]) => field !== "providerId"));
  await kube.create(nodeType, {
    apiVersion: "streamfleet.dev/v1alpha1",
    kind: "StreamNode",
    metadata: { ...metadata, finalizers: [finalizers.machine], ownerReferences: [ownerReferenceTo(group)] },
    spec: { ...given, groupUid: group.metadata.uid, ...spec },
  });
  await clock.advance(1_000);
  const [machine] = valueOf(await simulated.platform.launch(launchRequest({ tags }), signal));
  await patchSpec({ providerId: machine!.providerId });
  await clock.advance(1_000);
  inventory.observe(simulated.cloud.machines());
  valueOf(await inventory.refresh("sim-east"));
}

/** It has called back as well, and reports that `viewers` are on it. */
async function serving(viewers = 12): Promise<void> {
  await launched();
  await register("boot-1");
  report({ connections: viewers, subscribers: viewers });
  await look();
  expect((await node()).status?.phase).toBe("InService");
  told.length = 0;
}

async function register(bootId: string): Promise<void> {
  const { providerId: machineId } = (await node()).spec;
  const registration = { machineId, bootId, address: "198.18.0.1", registeredAt: toRfc3339(clock.now()) };
  await patchStatus({ registration });
}

let sequence = 0;
let uid = "";

function report(change: Partial<NodeReport> = {}): void {
  feed.record({
    ...{ uid, namespace, name, bootId: "boot-1", sequence: ++sequence, receivedAt: clock.now() },
    ...{ connections: 0, publishers: 0, subscribers: 0, accepting: true },
    ...{ links: [], streams: [], children: [], acknowledged: [] },
    ...change,
  });
}

/** Marks the node, and gives what it says once it knows. */
async function drain(): Promise<Pick<NodeReport, "accepting" | "acknowledged">> {
  const mark = { reason: "ScaleIn", at: toRfc3339(clock.now()) } as const;
  await patchSpec({ drain: mark });
  return { accepting: false, acknowledged: [drainDirectiveId(mark)] };
}

async function patchSpec(spec: Readonly<Record<string, unknown>>): Promise<void> {
  const changed = await kube.mergePatch(nodeType, key, { spec });
  uid = changed.metadata.uid ?? "";
  await clock.advance(0);
}

async function patchStatus(status: object): Promise<void> {
  await kube.mergePatch(nodeType, key, { status }, { subresource: "status" });
  await clock.advance(0);
}

async function look() {
  const result = await reconciler.reconcile(key, turn);
  await clock.advance(0);
  return result;
}

async function node(): Promise<StreamNode> {
  const found = await cluster.streamNodes.client.get(key);
  if (found === undefined) throw new Error("the node is gone");
  return found;
}

async function drained(): Promise<string | undefined> {
  const condition = findCondition((await node()).status?.conditions, "Drained");
  return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
}

const isGoing = async () => (await node()).metadata.deletionTimestamp !== undefined;
const states = () => simulated.cloud.machines().map(({ state }) => state);
const reasons = () => told.map((line) => line.split(":")[0]);

describe("a node that drains", () => {
  it("is told of once, on the node and on its group, also across a restart", async () => {
    await serving();
    await drain();
    await look();
    expect((await node()).status?.phase).toBe("Draining");
    expect(told).toEqual(
      ["StreamNode", "NodeGroup"].map(
        (kind) =>
          `${kind} Draining: live-origin-0 drains (ScaleIn): an alarm asks to scale in; it takes no new clients and goes when the last has left`,
      ),
    );
    reconciler = started();
    report();
    await look();
    await look();
    expect(told).toHaveLength(2);
  });

  it("goes when it says that nobody is left, with its machine, and is told of once", async () => {
    await serving();
    const knows = await drain();
    await look();
    await clock.advance(2_000);
    report({ ...knows, connections: 12, subscribers: 12 });
    await look();
    expect(await drained()).toBe("False ClientsLeft");
    expect(await isGoing()).toBe(false);
    await clock.advance(40_000);
    report(knows);
    await look();
    expect(await isGoing()).toBe(true);
    expect(told.at(-1)).toBe(
      "NodeGroup Drained: live-origin-0 is drained after 42 s: nobody is left; its machine goes",
    );
    expect(states()).toEqual(["Running"]);
    await look();
    expect(states()).toEqual(["Stopping"]);
    expect(await drained()).toBe("True NobodyLeft");
    await clock.advance(1_000);
    inventory.observe(simulated.cloud.machines());
    valueOf(await inventory.refresh("sim-east"));
    await look();
    expect(await cluster.streamNodes.client.get(key)).toBeUndefined();
    expect(closed).toEqual([uid]);
    expect(reasons().filter((reason) => reason === "NodeGroup Drained")).toHaveLength(1);
  });

  it("is terminated by whoever leads after a crash between its deletion and the call, and once is enough", async () => {
    await serving(0);
    report(await drain());
    await look();
    expect([await isGoing(), states()]).toEqual([true, ["Running"]]);
    reconciler = started();
    await look();
    reconciler = started();
    await look();
    expect(states()).toEqual(["Stopping"]);
    expect(reasons().filter((reason) => reason === "NodeGroup Drained")).toHaveLength(1);
  });

  it("writes no status for each report while its clients leave", async () => {
    await serving(500);
    const knows = await drain();
    await look();
    const before = statusWrites;
    for (let left = 500; left > 0; left--) {
      report({ ...knows, connections: left });
      await look();
    }
    expect(statusWrites - before).toBeLessThanOrEqual(9);
  });

  it("looks again when its last report grows old, and then knows nothing", async () => {
    await serving();
    report({ ...(await drain()), connections: 1 });
    expect(await look()).toMatchObject({ kind: "RequeueAfter", ms: freshMs });
    await clock.advance(freshMs + 1);
    await look();
    expect(await drained()).toBe("False NoReport");
  });

  it("is in service again, and of its drain nothing is left, when that is taken back", async () => {
    await serving();
    await drain();
    await look();
    await patchSpec({ drain: null });
    report();
    await look();
    expect((await node()).status?.phase).toBe("InService");
    expect(await drained()).toBeUndefined();
    expect(told.at(-1)).toMatch(/^NodeGroup InService: \S+ is in service again$/);
    told.length = 0;
    await clock.advance(1_000);
    await drain();
    await look();
    expect(reasons()).toEqual(["StreamNode Draining", "NodeGroup Draining"]);
  });
});

describe("what does not end a node that drains", () => {
  it.each([
    ["clients that are left", { connections: 1 }, "False ClientsLeft"],
    ["a publisher that is left", { publishers: 1 }, "False ClientsLeft"],
    ["a subscriber that is left", { subscribers: 1 }, "False ClientsLeft"],
    ["a report that does not acknowledge", { acknowledged: [] }, "False AwaitingAcknowledgement"],
    ["an acknowledgement of another drain", { acknowledged: ["drain-1"] }, "False AwaitingAcknowledgement"],
    ["a node that still takes clients", { accepting: true }, "False AwaitingAcknowledgement"],
    ["a report of another boot", { bootId: "boot-2" }, "False NoReport"],
  ] as const)("is %s", async (_name, change, condition) => {
    await serving();
    const knows = await drain();
    await clock.advance(1);
    report({ ...knows, ...change });
    await look();
    expect(await drained()).toBe(condition);
    expect(await isGoing()).toBe(false);
  });

  it("is a report that is old, however long the node is silent", async () => {
    await serving();
    report(await drain());
    await clock.advance(freshMs + 1);
    await look();
    await clock.advance(86_400_000);
    await look();
    expect(await drained()).toBe("False NoReport");
    expect(await isGoing()).toBe(false);
  });

  it("is a goodbye without such a report", async () => {
    await serving();
    await drain();
    const { registration } = (await node()).status ?? {};
    await patchStatus({ registration: { ...registration, goodbyeAt: toRfc3339(clock.now()) } });
    await look();
    expect([await isGoing(), (await node()).status?.phase]).toEqual([false, "Draining"]);
  });

  it.each([
    ["a registration", () => ({ status: { registration: { bootId: "boot-2" } } })],
    ["an undrain", () => ({ spec: { drain: null } })],
    ["a later drain", () => ({ spec: { drain: { at: toRfc3339(clock.now()) } } })],
  ])("is a decision on a copy that lacks %s", async (_name, change) => {
    await serving();
    report(await drain());
    await cluster.streamNodeInformer.stop();
    await clock.advance(1);
    const patch = change();
    await kube.mergePatch(nodeType, key, patch, "status" in patch ? { subresource: "status" } : {});
    expect(await look()).toMatchObject({ kind: "RequeueAfter" });
    expect(await isGoing()).toBe(false);
    expect(reasons()).not.toContain("StreamNode Drained");
  });

  it("is a pause of everything, for as long as it lasts", async () => {
    await serving();
    const knows = await drain();
    const pause = (given: unknown) =>
      kube.mergePatch(resourceType("NodeGroup"), { namespace, name: "live" }, { spec: { pause: given } });
    await pause({ mode: "Everything" });
    report(knows);
    await clock.advance(0);
    await look();
    expect(await isGoing()).toBe(false);
    expect(findCondition((await node()).status?.conditions, "Terminated")?.reason).toBe("Paused");
    await pause(null);
    await clock.advance(0);
    await look();
    expect(await isGoing()).toBe(true);
  });

  it("is a process that does not lead", async () => {
    await serving();
    report(await drain());
    leads = false;
    await expect(look()).rejects.toThrow(NotLeadingError);
    expect(await isGoing()).toBe(false);
  });
});

describe("a node that drains before it has called back", () => {
  it("goes directly", async () => {
    await launched();
    await look();
    await drain();
    await look();
    expect(await isGoing()).toBe(true);
    expect(told.at(-1)).toBe(
      "NodeGroup Drained: live-origin-0 is drained after 0 s: it never called back; its machine goes",
    );
    await look();
    expect(states()).toEqual(["Stopping"]);
  });

  it("waits where its machine may have served under a former object", async () => {
    await launched({});
    await drain();
    await look();
    expect(await isGoing()).toBe(false);
    expect(await drained()).toBe("False NoReport");
    await register("boot-1");
    report({ bootId: "boot-1", accepting: false, acknowledged: [drainDirectiveId((await node()).spec.drain!)] });
    await look();
    expect(await isGoing()).toBe(true);
  });

  it("waits where its object is much younger than its machine", async () => {
    await simulated.platform.launch(launchRequest({ tags }), signal);
    await clock.advance(120_000);
    // The same token answers the same machine.
    await launched();
    await drain();
    await look();
    expect(await isGoing()).toBe(false);
  });
});

describe("a node whose machine the cloud does not show", () => {
  it("is looked at ever later", async () => {
    await launched();
    inventory = new MachineInventory({
      platform: simulated.platform,
      clock,
      random: () => 0.5,
      clusterId: "test",
    });
    reconciler = started();
    const waits: number[] = [];
    for (let looks = 0; looks < 7; looks += 1) {
      const result = await look();
      waits.push(result.kind === "RequeueAfter" ? result.ms : 0);
    }
    // Two seconds, doubling up to thirty, each a tenth shorter by chance.
    expect(waits).toEqual([1_800, 3_600, 7_200, 14_400, 27_000, 27_000, 27_000]);
    inventory.observe(simulated.cloud.machines());
    expect((await look()).kind).toBe("RequeueAfter");
    expect((await node()).status?.machine?.state).toBe("Running");
  });
});

describe("a node that is deleted because its group is no more", () => {
  it("is let go, though the local copy still shows the group", async () => {
    await serving();
    await cluster.informers.find(({ name: plural }) => plural === "nodegroups")?.stop();
    await kube.delete(resourceType("NodeGroup"), { namespace, name: "live" });
    await kube.delete(nodeType, key);
    await clock.advance(0);
    expect(cluster.nodeGroups.cache.get(`${namespace}/live`)).toBeDefined();
    await look();
    expect(states()).toEqual(["Running"]);
    expect(await cluster.streamNodes.client.get(key)).toBeUndefined();
    expect(told.some((line) => line.startsWith("StreamNode Released: live-origin-0 is released (NoGroup)"))).toBe(true);
  });
});
