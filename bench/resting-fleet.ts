/** A fleet in service, made at once as if it had always been there: its objects, its machines, its reports. */
import { randomUUID } from "node:crypto";
import { LatestReports } from "../fleet/latest-reports.ts";
import { streamNodeDraft } from "../fleet/drafts.ts";
import { customResourceDefinitions } from "../crds/definitions.ts";
import { largestBatch } from "../crds/launch-batch.ts";
import { apiGroup, apiVersion, type Kind, kinds, resourceType, type Role } from "../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../crds/node-group.ts";
import type { NodeLaunch } from "../crds/stream-node.ts";
import type { NodeReport } from "../domain/load/report.ts";
import { batchName, slotName } from "../domain/names.ts";
import { toTags } from "../domain/node/ownership.ts";
import { addMs, type Instant, toRfc3339, toSecondsRfc3339 } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";
import { EmbeddedApi } from "../local/kube/embedded-api.ts";
import { ObjectStore } from "../local/kube/object-store.ts";
import { privateAddress, publicAddress } from "../platforms/simulated/addresses.ts";
import type { MachineRecord } from "../platforms/simulated/machine-record.ts";
import { SimulatedCloud } from "../platforms/simulated/simulated-cloud.ts";
import { MemoryCloudStore } from "../platforms/simulated/store.ts";
import { clusterId, operatorNamespace } from "./installation.ts";
import type { KubernetesObject } from "../runtime/kubernetes-api.ts";

export const namespace = "default";
export const groupName = "live";

/** A limit holds for one role in one region, and is 5,000 at most: 50,000 nodes need as many regions as these. */
export const regions: readonly string[] = Array.from({ length: 12 }, (_, place) => `region-${place + 1}`);
/** Edges for one origin, and so parents that each edge is linked to: one node in a hundred. */
const edgesPerOrigin = 99;
/** Connections that one node can serve. */
export const connectionCapacity = 300;
/** The policy of all pairs. */
const pairPolicy = "pair";
/** It was launched so long (ms) ago. */
const ageMs = 3_600_000;

/** One node, before it is an object, a machine and a report. */
export interface NodePlace {
  readonly group: string;
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
  readonly reports: LatestReports;
  readonly places: readonly NodePlace[];
  close(): void;
}

export interface FleetSize {
  /** Nodes of one group: the hardest way to own them, for a group is decided on as a whole. */
  readonly nodes: number;
  /** Groups beside it, each of one origin and one edge in one region. */
  readonly pairs?: number;
}

export async function restingFleet({ nodes: size, pairs = 0 }: FleetSize, clock: Clock): Promise<RestingFleet> {
  const since = addMs(clock.now(), -ageMs);
  const places = fleetPlaces({ nodes: size, pairs });
  const byGroup = Map.groupBy(places, ({ group }) => group);
  const store = new ObjectStore();
  const crds = customResourceDefinitions();
  const kube = new EmbeddedApi({ crds, store, clock, newUid: randomUUID, namespaces: [operatorNamespace] });
  await declarePolicies(kube, byGroup.get(groupName) ?? []);
  for (const [name, members] of byGroup) {
    const group = await declareGroup(kube, name, members);
    for (const batch of settledBatches(members, group)) put(store, "LaunchBatch", batch);
    for (const place of members) put(store, "StreamNode", nodeObject(group, place, since));
  }
  const cloudStore = new MemoryCloudStore();
  const machines = places.map((place) => machineRecord(place, since));
  cloudStore.exclusively(() => cloudStore.save({ machines, lastOrdinal: places.length }));
  const cloud = new SimulatedCloud({ clock, store: cloudStore });
  const reports = new LatestReports();
  for (const place of places) reports.record(reportOf(uidOf(place), place, { sequence: 1, at: clock.now() }));
  const close = (): void => {
    cloud.close();
    kube.close();
  };
  return { clock, kube, cloud, reports, places, close };
}

/** Where all of its nodes are. */
export function fleetPlaces({ nodes: size, pairs = 0 }: FleetSize): readonly NodePlace[] {
  return [...placesOf(size), ...pairPlaces(pairs, size)];
}

export interface Told {
  readonly sequence: number;
  readonly at: Instant;
  /** Whether an edge has its links; it has unless said otherwise. */
  readonly linked?: boolean;
  /** A third of the capacity unless said otherwise: neither alarm of a role is raised. */
  readonly connections?: number;
}

export function reportOf(
  uid: string,
  { group, role, slot, region }: NodePlace,
  { sequence, at, linked = true, connections = 100 }: Told,
): NodeReport {
  const parent = slotName(group, "origin", group === groupName ? regions.indexOf(region) : 0);
  return {
    ...{ uid, namespace, name: nodeName({ group, role, slot }), bootId: "boot-1", sequence, receivedAt: at },
    ...{ connections, publishers: role === "origin" ? 3 : 0, subscribers: connections - 3 },
    ...{ cpuPercent: 40, memoryPercent: 50, egressMbps: 200 },
    links: role === "edge" ? [{ parent, state: linked ? "established" : "lost" }] : [],
    streams: [{ scope: "live", name: "stream-1", subscribers: 97 }],
    accepting: true,
    children: [],
    acknowledged: [],
  };
}

export function nodeName({ group, role, slot }: Pick<NodePlace, "group" | "role" | "slot">): string {
  return slotName(group, role, slot);
}

export function uidOf({ ordinal }: NodePlace): string {
  return `00000000-0000-4000-8000-${String(ordinal).padStart(12, "0")}`;
}

export function machineIdOf({ ordinal }: NodePlace): string {
  return `sim-${String(ordinal).padStart(17, "0")}`;
}

/** Origins and edges, dealt to the regions in turn. */
export function placesOf(size: number): readonly NodePlace[] {
  const origins = Math.max(regions.length, Math.round(size / (edgesPerOrigin + 1)));
  return Array.from({ length: size }, (_, place): NodePlace => {
    const isOrigin = place < origins;
    const slot = isOrigin ? place : place - origins;
    const region = regions[slot % regions.length] ?? "";
    return { group: groupName, role: isOrigin ? "origin" : "edge", slot, region, ordinal: place + 1 };
  });
}

/** Pairs of an origin and an edge, dealt to the regions in turn; `before` counts the nodes that others have. */
function pairPlaces(pairs: number, before: number): readonly NodePlace[] {
  return Array.from({ length: pairs }, (_, pair) => {
    const ofPair = { group: `pair-${pair + 1}`, slot: 0, region: regions[pair % regions.length] ?? "" };
    const ordinal = before + 2 * pair + 1;
    return [
      { ...ofPair, role: "origin", ordinal } as const,
      { ...ofPair, role: "edge", ordinal: ordinal + 1 } as const,
    ];
  }).flat();
}

/** What people declare. The minimum of the large group leaves room, so that one node less is no event of its own. */
async function declarePolicies(kube: EmbeddedApi, places: readonly NodePlace[]): Promise<void> {
  const perRegion = (role: Role): number => {
    const counts = regions.map((name) => places.filter((at) => at.role === role && at.region === name).length);
    return Math.max(0, Math.min(...counts) - 1);
  };
  const limits = (role: Role, minLimit: number) => ({ role, minLimit, maxLimit: 5_000 });
  const entry = (role: Role) => ({ role, instanceType: "large", connectionCapacity });
  const roles = [entry("origin"), entry("edge")];
  await create(kube, "LaunchConfig", groupName, { image: "media-1", roles, simulated: {} });
  const large = [limits("origin", perRegion("origin")), limits("edge", perRegion("edge"))];
  await create(kube, "ScalePolicy", groupName, { roles: large });
  await create(kube, "ScalePolicy", pairPolicy, { roles: [limits("origin", 1), limits("edge", 1)] });
}

async function declareGroup(kube: EmbeddedApi, name: string, places: readonly NodePlace[]): Promise<NodeGroup> {
  const inRegions = name === groupName ? regions : [...new Set(places.map(({ region }) => region))];
  const scalePolicyRef = { name: name === groupName ? groupName : pairPolicy };
  const spec = { regions: inRegions, launchConfigRef: { name: groupName }, scalePolicyRef };
  return nodeGroupSchema.parse(await create(kube, "NodeGroup", name, spec));
}

function create(kube: EmbeddedApi, kind: Kind, name: string, spec: unknown): Promise<KubernetesObject> {
  return kube.create(resourceType(kind), { apiVersion, kind, metadata: { name, namespace }, spec });
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
  connectionCapacity,
  registrationTimeoutSeconds: 150,
};

function batchOf({ slot }: NodePlace): { readonly number: number; readonly index: number } {
  return { number: Math.floor(slot / largestBatch) + 1, index: slot % largestBatch };
}

function nodeObject(group: NodeGroup, place: NodePlace, since: Instant): KubernetesObject {
  const { role, slot, region, ordinal } = place;
  const { number, index } = batchOf(place);
  const providerId = machineIdOf(place);
  const batch = batchName(place.group, role, number);
  const draft = streamNodeDraft({
    ...{ group, role, slot, region, batch, index, providerId, launch },
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
  const byName = Map.groupBy(places, (place) => batchName(place.group, place.role, batchOf(place).number));
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
      ...{ group: first.group, role, region, number: batchOf(first).number, slots, launch },
      ...{ reason: "BelowMinimum", message: "below the minimum" },
    },
    status: {
      members: members.map((place) => ({ slot: place.slot, providerId: machineIdOf(place), outcome: "Launched" })),
      conditions: [{ ...complete, lastTransitionTime: creationTimestamp }],
    },
  };
}

export function machineRecord(place: NodePlace, since: Instant): MachineRecord {
  const { group, role, region, ordinal } = place;
  const { number, index: launchIndex } = batchOf(place);
  const batch = batchName(group, role, number);
  const token = `token-${batch}`;
  const slots = Array.from({ length: largestBatch }, (_, index) => (number - 1) * largestBatch + index);
  const owner = { clusterId, namespace, group, role, batch, token, slots, connectionCapacity };
  return {
    ...{ providerId: machineIdOf(place), region, zone: `${region}a`, instanceType: "large", image: "media-1" },
    ...{ token, launchIndex, ordinal, launchedAt: since, runningAt: addMs(since, 2_000), visibleAt: since },
    ...{ tags: toTags(owner, {}), userData: "" },
  };
}
