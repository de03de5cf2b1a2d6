/** A fleet in service, made at once as if it had always been there: its objects, its machines, its reports. */
import { randomUUID } from "node:crypto";
import { ReportBook } from "../api/report-book.ts";
import { streamNodeDraft } from "../controllers/stream-node-draft.ts";
import { customResourceDefinitions } from "../crds/definitions.ts";
import { largestBatch } from "../crds/launch-batch.ts";
import { apiGroup, apiVersion, type Kind, kinds, resourceType, type Role } from "../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../crds/node-group.ts";
import type { NodeLaunch } from "../crds/stream-node.ts";
import type { NodeReport } from "../domain/load.ts";
import { batchName, slotName } from "../domain/names.ts";
import { toTags } from "../domain/ownership.ts";
import { addMs, type Clock, type Instant, toRfc3339, toSecondsRfc3339 } from "../domain/time.ts";
import { EmbeddedApi } from "../local/kube/embedded-api.ts";
import { ObjectStore } from "../local/kube/object-store.ts";
import { privateAddress, publicAddress } from "../platforms/simulated/addresses.ts";
import type { MachineRecord } from "../platforms/simulated/machine-record.ts";
import { SimulatedCloud } from "../platforms/simulated/simulated-cloud.ts";
import { MemoryCloudStore } from "../platforms/simulated/store.ts";
import type { KubernetesObject } from "../runtime/kubernetes-api.ts";

export const namespace = "default";
export const groupName = "live";
export const operatorNamespace = "streamfleet-system";
export const clusterId = "bench";

/** A limit holds for one role in one region, and is 5,000 at most: 50,000 nodes need as many regions as these. */
export const regions: readonly string[] = Array.from({ length: 12 }, (_, place) => `region-${place + 1}`);
/** Edges for one origin, and so parents that each edge is linked to: one node in a hundred. */
const edgesPerOrigin = 99;
/** It was launched so long (ms) ago. */
const ageMs = 3_600_000;

/** One node, before it is an object, a machine and a report. */
export interface NodePlace {
  readonly role: Role;
  readonly slot: number;
  readonly region: string;
  /** Counted over the whole fleet, from 1. */
  readonly ordinal: number;
}

export interface RestingFleet {
  readonly clock: Clock;
  readonly kube: EmbeddedApi;
  readonly cloud: SimulatedCloud;
  readonly reports: ReportBook;
  readonly places: readonly NodePlace[];
  close(): void;
}

/** One group of this many nodes in all: the hardest way to own them, for a group is decided on as a whole. */
export async function restingFleet(size: number, clock: Clock): Promise<RestingFleet> {
  const since = addMs(clock.now(), -ageMs);
  const places = placesOf(size);
  const store = new ObjectStore();
  const crds = customResourceDefinitions();
  const kube = new EmbeddedApi({ crds, store, clock, newUid: randomUUID, namespaces: [operatorNamespace] });
  const group = await declare(kube, places);
  for (const batch of settledBatches(places, group)) put(store, "LaunchBatch", batch);
  const nodes = places.map((place) => nodeObject(group, place, since));
  for (const node of nodes) put(store, "StreamNode", node);
  const cloudStore = new MemoryCloudStore();
  const machines = places.map((place) => machineRecord(place, since));
  cloudStore.exclusively(() => cloudStore.save({ machines, lastOrdinal: places.length }));
  const cloud = new SimulatedCloud({ clock, store: cloudStore });
  const reports = new ReportBook();
  for (const place of places) reports.record(reportOf(uidOf(place), place, { sequence: 1, at: clock.now() }));
  const close = (): void => {
    cloud.close();
    kube.close();
  };
  return { clock, kube, cloud, reports, places, close };
}

/** The report of a node: linked, or one whose links have broken. */
export function reportOf(
  uid: string,
  { role, slot, region }: NodePlace,
  { sequence, at, linked = true }: { readonly sequence: number; readonly at: Instant; readonly linked?: boolean },
): NodeReport {
  const parent = slotName(groupName, "origin", regions.indexOf(region));
  return {
    ...{ uid, namespace, name: slotName(groupName, role, slot), bootId: "boot-1", sequence, receivedAt: at },
    ...{ connections: 100, publishers: role === "origin" ? 3 : 0, subscribers: 97 },
    ...{ cpuPercent: 40, memoryPercent: 50, egressMbps: 200 },
    links: role === "edge" ? [{ parent, state: linked ? "established" : "lost" }] : [],
    streams: [{ scope: "live", name: "stream-1", subscribers: 97 }],
    accepting: true,
    children: [],
    acknowledged: [],
  };
}

export function uidOf({ ordinal }: NodePlace): string {
  return `00000000-0000-4000-8000-${String(ordinal).padStart(12, "0")}`;
}

export function machineIdOf({ ordinal }: NodePlace): string {
  return `sim-${String(ordinal).padStart(17, "0")}`;
}

/** Origins and edges, dealt to the regions in turn. */
function placesOf(size: number): readonly NodePlace[] {
  const origins = Math.max(regions.length, Math.round(size / (edgesPerOrigin + 1)));
  return Array.from({ length: size }, (_, place): NodePlace => {
    const isOrigin = place < origins;
    const slot = isOrigin ? place : place - origins;
    const region = regions[slot % regions.length] ?? "";
    return { role: isOrigin ? "origin" : "edge", slot, region, ordinal: place + 1 };
  });
}

/** What people declare. The minimum leaves room, so that one node less is no event of its own. */
async function declare(kube: EmbeddedApi, places: readonly NodePlace[]): Promise<NodeGroup> {
  const perRegion = (role: Role): number => {
    const counts = regions.map((name) => places.filter((at) => at.role === role && at.region === name).length);
    return Math.max(0, Math.min(...counts) - 1);
  };
  const limits = (role: Role) => ({ role, minLimit: perRegion(role), maxLimit: 5_000 });
  const entry = (role: Role) => ({ role, instanceType: "large", connectionCapacity: 300 });
  await create(kube, "LaunchConfig", { image: "media-1", roles: [entry("origin"), entry("edge")], simulated: {} });
  await create(kube, "ScalePolicy", { roles: [limits("origin"), limits("edge")] });
  const refs = { launchConfigRef: { name: groupName }, scalePolicyRef: { name: groupName } };
  return nodeGroupSchema.parse(await create(kube, "NodeGroup", { regions, ...refs }));
}

function create(kube: EmbeddedApi, kind: Kind, spec: unknown): Promise<KubernetesObject> {
  return kube.create(resourceType(kind), { apiVersion, kind, metadata: { name: groupName, namespace }, spec });
}

function put(store: ObjectStore, kind: Kind, object: KubernetesObject): void {
  const resource = `${kinds[kind].plural}.${apiGroup}`;
  store.put({ resource, namespace, name: object.metadata.name }, object);
}

const launch: NodeLaunch = {
  launchConfig: groupName,
  revision: "1",
  platform: "simulated",
  image: "media-1",
  instanceType: "large",
  connectionCapacity: 300,
  registrationTimeoutSeconds: 150,
};

function batchOf({ slot }: NodePlace): { readonly number: number; readonly index: number } {
  return { number: Math.floor(slot / largestBatch) + 1, index: slot % largestBatch };
}

function nodeObject(group: NodeGroup, place: NodePlace, since: Instant): KubernetesObject {
  const { role, slot, region, ordinal } = place;
  const { number, index } = batchOf(place);
  const providerId = machineIdOf(place);
  const draft = streamNodeDraft({
    ...{ group, role, slot, region, batch: batchName(groupName, role, number), index, providerId, launch },
  });
  const creationTimestamp = toSecondsRfc3339(since);
  const registration = {
    ...{ machineId: providerId, address: publicAddress(ordinal), privateAddress: privateAddress(ordinal) },
    ...{ bootId: "boot-1", registeredAt: toRfc3339(addMs(since, 3_000)) },
  };
  const inService = {
    type: "InService",
    status: "True",
    reason: "Serving",
    message: "registered, reporting and linked",
  };
  return {
    apiVersion,
    kind: "StreamNode",
    metadata: { ...draft.metadata, uid: uidOf(place), generation: 1, creationTimestamp },
    spec: draft["spec"],
    status: {
      phase: "InService",
      registration,
      transitions: { InService: toRfc3339(addMs(since, 4_000)) },
      conditions: [{ ...inService, lastTransitionTime: creationTimestamp }],
    },
  };
}

/** The newest batches of each role, all settled; older ones have been pruned. */
function settledBatches(places: readonly NodePlace[], group: NodeGroup): readonly KubernetesObject[] {
  const byName = Map.groupBy(places, (place) => batchName(groupName, place.role, batchOf(place).number));
  const byRole = Map.groupBy(byName, ([, members]) => members[0]?.role);
  return [...byRole.values()]
    .flatMap((batches) => batches.slice(-20))
    .map(([name, members]) => settledBatch(name, members, group));
}

function settledBatch(name: string, members: readonly NodePlace[], group: NodeGroup): KubernetesObject {
  const [first] = members;
  if (first === undefined) throw new Error(`${name} has no slots`);
  const { role, region } = first;
  const slots = members.map(({ slot }) => slot);
  const complete = { type: "Complete", status: "True", reason: "AllSettled", message: "all slots are settled" };
  const creationTimestamp = group.metadata.creationTimestamp;
  return {
    apiVersion,
    kind: "LaunchBatch",
    metadata: { name, namespace, uid: randomUUID(), generation: 1, creationTimestamp },
    spec: {
      ...{ group: groupName, role, region, number: batchOf(first).number, slots, launch },
      ...{ reason: "BelowMinimum", message: "below the minimum" },
    },
    status: {
      members: members.map((place) => ({ slot: place.slot, providerId: machineIdOf(place), outcome: "Launched" })),
      conditions: [{ ...complete, lastTransitionTime: creationTimestamp }],
    },
  };
}

function machineRecord(place: NodePlace, since: Instant): MachineRecord {
  const { role, region, ordinal } = place;
  const { number, index: launchIndex } = batchOf(place);
  const batch = batchName(groupName, role, number);
  const token = `token-${batch}`;
  const slots = Array.from({ length: largestBatch }, (_, index) => (number - 1) * largestBatch + index);
  const owner = { clusterId, namespace, group: groupName, role, batch, token, slots, connectionCapacity: 300 };
  return {
    ...{ providerId: machineIdOf(place), region, zone: `${region}a`, instanceType: "large", image: "media-1" },
    ...{ token, launchIndex, ordinal, launchedAt: since, runningAt: addMs(since, 2_000), visibleAt: since },
    ...{ tags: toTags(owner, {}), userData: "" },
  };
}
