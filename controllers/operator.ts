/** The reconcilers of one process, and which change wakes which of them. Nothing here decides. */
import type { NodeGroup } from "../crds/node-group.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import type { AlarmDefinition } from "../domain/alarm/alarm-definitions.ts";
import { isTrue } from "../domain/conditions.ts";
import type { NodeReport } from "../domain/load/report.ts";
import type { Clock, LoadFeed } from "../domain/ports.ts";
import { needsParent } from "../domain/node/topology.ts";
import type { HistoryOutage } from "../domain/history.ts";
import type { HistoryRecorder } from "../prisma/history-recorder.ts";
import { Controller } from "../runtime/controller.ts";
import type { EventRecorder } from "../runtime/events.ts";
import type { ObjectChange } from "../runtime/informer.ts";
import type { KeyRing } from "../runtime/key-ring.ts";
import type { Logger } from "../runtime/logger.ts";
import type { LeaderTask } from "../runtime/manager.ts";
import type { GroupLabels, Metrics } from "../runtime/metrics.ts";
import { keyText, type Reconciler } from "../runtime/reconciler.ts";
import { steadied } from "../runtime/steady-clock.ts";
import { AdoptionGate } from "../fleet/adoption-gate.ts";
import { AlarmStates } from "../fleet/alarm-states.ts";
import { AlarmReconciler } from "./alarm/reconciler.ts";
import { AlarmReporter, tellAfterMs } from "./alarm/report.ts";
import { alarmTerm } from "./alarm/term.ts";
import type { Clouds } from "../fleet/clouds.ts";
import type { Cache, Cluster } from "../fleet/cluster.ts";
import { index } from "../fleet/indexes.ts";
import { BatchHandoff } from "../fleet/batch-handoff.ts";
import { type GroupAlarms, groupAlarms } from "../fleet/group-alarms.ts";
import { type HistoryKeeperDeps, HistoryKeeper, type KeptHistory } from "./history/keeper.ts";
import { LaunchConfigReconciler, revisionOf } from "./referenced/launch-config.ts";
import { LaunchReconciler } from "./launch/reconciler.ts";
import type { LaunchSettings } from "./launch/request.ts";
import type { Leadership } from "../fleet/leadership.ts";
import { LoadTracker } from "../fleet/load-tracker.ts";
import { NodeGroupReconciler } from "./node-group/reconciler.ts";
import { ReportFaults } from "../fleet/report-faults.ts";
import { RegionWatch } from "./sweep/region-watch.ts";
import { ScaleInRequests } from "../fleet/scale-in-requests.ts";
import { ScalePolicyReconciler } from "./referenced/scale-policy.ts";
import { StreamNodeReconciler } from "./stream-node/reconciler.ts";
import { SweepReconciler } from "./sweep/reconciler.ts";

export interface OperatorDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly feed: LoadFeed;
  readonly leadership: Leadership;
  readonly keys: Pick<KeyRing, "current" | "find">;
  readonly settings: LaunchSettings;
  /** The operator's own namespace. */
  readonly namespace: string;
  /** A report older than this (ms) no longer speaks for its node: it may be gone. */
  readonly freshMs: number;
  /** A report older than this (ms) no longer counts for the load. */
  readonly staleMs: number;
  /** Nodes are believed by the join token of their batch alone; absent: they are not. */
  readonly trustBatch?: boolean;
  readonly history: HistoryRecorder;
  /** Why history has not been written for a while; absent: nobody knows. */
  readonly unwritten?: () => HistoryOutage | undefined;
  readonly stores: KeptHistory;
  /** How long (ms) history is kept. */
  readonly retentionMs: number;
  /** How much room (bytes) history may take, and who knows; absent: as much as it does. */
  readonly bound?: NonNullable<HistoryKeeperDeps["bound"]>;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** While an alarm scales out, each report may ask for more nodes: so often (ms) their group is looked at. */
const crowdMs = 1_000;
/** Nodes are let go together: so soon (ms) after one the machines are looked at, to adopt those of all. */
const lettingGoMs = 200;
/** Every key is looked at again this often (ms), in case a wake-up was lost. */
const resyncMs = 600_000;

/** What runs while this process leads, in the order in which it starts. Load is followed from now on, leading or not. */
export function operatorTasks(given: OperatorDeps): readonly LeaderTask[] {
  const steady = steadied(given.clock);
  const deps = { ...given, clock: steady, wall: () => steady.wall() };
  const { cluster, clouds, clock, keys, settings } = deps;
  const parts = sharedParts(deps);
  const call = () => ({ keyId: keys.current.id, ...settings });
  const shared = { ...deps, ...parts, revisionOf, call };
  const controllers = {
    launchConfig: controller(deps, new LaunchConfigReconciler(shared), () => cluster.launchConfigs.cache.keys()),
    scalePolicy: controller(deps, new ScalePolicyReconciler(shared), () => cluster.scalePolicies.cache.keys()),
    alarm: controller(deps, new AlarmReconciler(shared), () => cluster.nodeGroups.cache.keys()),
    nodeGroup: controller(deps, new NodeGroupReconciler(shared), () => cluster.nodeGroups.cache.keys(), 16),
    launch: controller(deps, new LaunchReconciler(shared), () => cluster.launchBatches.cache.keys(), 32),
    alarmReport: controller(deps, new AlarmReporter(shared), () => cluster.nodeGroups.cache.keys()),
    streamNode: controller(deps, new StreamNodeReconciler(shared), () => cluster.streamNodes.cache.keys(), 16),
    sweep: controller(deps, new SweepReconciler(shared), () => []),
  };
  const regions = new RegionWatch(cluster, clouds);
  connect(deps, parts, controllers, regions);
  const keeper = new HistoryKeeper({ ...deps, nodes: cluster.streamNodes.cache });
  const term = { name: "term", start: () => parts.gate.close(clock.monotonicMs()), stop: () => Promise.resolve() };
  return [term, alarmTerm(shared), ...Object.values(controllers), regions, keeper];
}

/** What several reconcilers read or write in memory. */
interface SharedParts {
  readonly gate: AdoptionGate;
  readonly alarmStates: AlarmStates;
  readonly alarms: GroupAlarms;
  readonly load: LoadTracker;
  readonly scaleInRequests: ScaleInRequests;
  readonly handoff: BatchHandoff;
  readonly faults: ReportFaults;
}

function sharedParts(deps: OperatorDeps): SharedParts {
  const { cluster, feed, clock, staleMs } = deps;
  const alarms = groupAlarms(deps);
  return {
    gate: new AdoptionGate(),
    alarmStates: new AlarmStates(),
    alarms,
    load: new LoadTracker({
      nodes: cluster.streamNodes.cache,
      feed,
      alarms: watchedAlarms(alarms, cluster.nodeGroups.cache),
      staleMs,
      clock,
    }),
    scaleInRequests: new ScaleInRequests(feed),
    handoff: new BatchHandoff(clock),
    faults: new ReportFaults(feed, clock),
  };
}

const noAlarms: readonly AlarmDefinition[] = [];

/** While a policy is not there or is refused, its alarms are watched on: what they have seen is not to be lost. */
function watchedAlarms(
  alarms: GroupAlarms,
  groups: Pick<Cache<NodeGroup>, "get">,
): (group: string) => readonly AlarmDefinition[] {
  const last = new Map<string, readonly AlarmDefinition[]>();
  return (group) => {
    const now = alarms(group);
    if (now !== undefined) last.set(group, now);
    else if (groups.get(group) === undefined) last.delete(group);
    return last.get(group) ?? noAlarms;
  };
}

interface Controllers {
  readonly launchConfig: Controller;
  readonly scalePolicy: Controller;
  readonly alarm: Controller;
  readonly alarmReport: Controller;
  readonly nodeGroup: Controller;
  readonly launch: Controller;
  readonly streamNode: Controller;
  readonly sweep: Controller;
}

function controller(
  deps: OperatorDeps,
  reconciler: Reconciler,
  keys: () => readonly string[],
  workers = 4,
): Controller {
  const { clock, random, logger, metrics } = deps;
  return new Controller({ reconciler, clock, random, logger, metrics, workers, resync: { everyMs: resyncMs, keys } });
}

function connect(deps: OperatorDeps, parts: SharedParts, to: Controllers, regions: RegionWatch): void {
  wakeOnLoad(deps, parts, to);
  wakeOnGroups(deps, parts, to, regions);
  wakeOnReferences(deps, to, regions);
  wakeOnNodes(deps, parts, to);
  wakeOnClouds(deps, to);
  parts.gate.onChange((uid) => {
    for (const { metadata } of deps.cluster.nodeGroups.cache.list()) {
      if (metadata.uid === uid) to.nodeGroup.queue.add(keyText(metadata));
    }
  });
}

/** From a report to a launch: each step wakes the next at once, and what people read comes after. */
function wakeOnLoad(
  { cluster, feed }: OperatorDeps,
  { alarmStates, scaleInRequests, faults, handoff: fresh, load }: SharedParts,
  to: Controllers,
): void {
  faults.onNew((node) => to.streamNode.queue.add(node));
  load.onSample((group) => {
    to.alarm.queue.add(group);
    if (alarmStates.scalesOut(group)) to.nodeGroup.queue.addAfter(group, crowdMs);
  });
  alarmStates.onChange((group) => {
    to.nodeGroup.queue.add(group);
    to.alarmReport.queue.addAfter(group, tellAfterMs);
  });
  fresh.onPut((batch) => to.launch.queue.add(batch));
  scaleInRequests.onRequest((group) => to.nodeGroup.queue.add(group));
  feed.subscribe((report) => {
    if (matters(cluster.streamNodes.cache.get(keyText(report)), report)) to.streamNode.queue.add(keyText(report));
  });
}

function wakeOnGroups(
  { cluster, clouds, clock, metrics }: OperatorDeps,
  { gate }: SharedParts,
  to: Controllers,
  regions: RegionWatch,
): void {
  cluster.nodeGroups.cache.onChange((change) => {
    const { uid, namespace, name } = change.object.metadata;
    gate.knownSince(uid, clock.monotonicMs());
    if (change.kind === "Deleted") forgetSeries(metrics, { namespace, group: name });
    to.nodeGroup.queue.add(change.key);
    if (changesNodes(change)) {
      to.alarm.queue.add(change.key);
      to.alarmReport.queue.add(change.key);
    }
    for (const group of versionsOf(change)) {
      const { namespace } = group.metadata;
      to.launchConfig.queue.add(keyText({ namespace, name: group.spec.launchConfigRef.name }));
      to.scalePolicy.queue.add(keyText({ namespace, name: group.spec.scalePolicyRef.name }));
    }
    if (!changesNodes(change)) return;
    regions.update();
    for (const { metadata } of cluster.streamNodes.cache.byIndex(index.nodeGroup, change.key))
      to.streamNode.queue.add(keyText(metadata));
    wakeBatches(cluster, to, change.key);
    for (const platform of clouds.keys())
      for (const region of change.object.spec.regions) to.sweep.queue.add(`${platform}/${region}`);
  });
}

/** Here as well as in the reconcilers, which run only while this process leads. */
function forgetSeries(metrics: OperatorDeps["metrics"], group: GroupLabels): void {
  metrics.forgetGroup(group);
  metrics.alarmStates(group, []);
}

function wakeBatches({ launchBatches }: Cluster, to: Controllers, group: string): void {
  for (const { metadata } of launchBatches.cache.byIndex(index.nodeGroup, group))
    to.launch.queue.add(keyText(metadata));
}

function versionsOf(change: ObjectChange<NodeGroup>): readonly NodeGroup[] {
  return change.kind === "Updated" ? [change.object, change.old] : [change.object];
}

/** Whether a group's change means something to its nodes: another spec, or its deletion. A status does not. */
function changesNodes(change: ObjectChange<NodeGroup>): boolean {
  return change.kind !== "Updated" || change.object.metadata.generation !== change.old.metadata.generation;
}

function wakeOnReferences({ cluster, clouds }: OperatorDeps, to: Controllers, regions: RegionWatch): void {
  cluster.launchConfigs.cache.onChange((change) => {
    to.launchConfig.queue.add(change.key);
    regions.update();
    for (const { metadata, spec } of cluster.nodeGroups.cache.byIndex(index.launchConfig, change.key)) {
      to.nodeGroup.queue.add(keyText(metadata));
      wakeBatches(cluster, to, keyText(metadata));
      for (const platform of clouds.keys())
        for (const region of spec.regions) to.sweep.queue.add(`${platform}/${region}`);
    }
  });
  cluster.scalePolicies.cache.onChange((change) => {
    to.scalePolicy.queue.add(change.key);
    for (const { metadata } of cluster.nodeGroups.cache.byIndex(index.scalePolicy, change.key)) {
      to.alarm.queue.add(keyText(metadata));
      to.alarmReport.queue.addAfter(keyText(metadata), tellAfterMs);
      to.nodeGroup.queue.add(keyText(metadata));
      wakeBatches(cluster, to, keyText(metadata));
    }
  });
  cluster.defaults.onChange(() => {
    for (const key of cluster.scalePolicies.cache.keys()) to.scalePolicy.queue.add(key);
    for (const key of cluster.nodeGroups.cache.keys()) {
      to.alarm.queue.add(key);
      to.nodeGroup.queue.add(key);
    }
  });
}

function wakeOnNodes(deps: OperatorDeps, { gate }: SharedParts, to: Controllers): void {
  const { cluster } = deps;
  cluster.launchBatches.cache.onChange(({ key, object }) => {
    to.launch.queue.add(key);
    to.nodeGroup.queue.add(keyText({ namespace: object.metadata.namespace, name: object.spec.group }));
    for (const { metadata } of cluster.streamNodes.cache.byIndex(index.batch, key))
      to.streamNode.queue.add(keyText(metadata));
  });
  cluster.streamNodes.cache.onChange((change) => {
    const { metadata, spec } = change.object;
    const group = keyText({ namespace: metadata.namespace, name: spec.group });
    if (change.kind !== "Deleted") to.streamNode.queue.add(change.key);
    else if (isTrue(change.object.status?.conditions, "Released"))
      to.sweep.queue.addAfter(`${spec.launch.platform}/${spec.region}`, lettingGoMs);
    wakeRivals(cluster, to, change.object);
    if (change.kind === "Deleted") noteLost(deps, gate, change.object);
    to.nodeGroup.queue.add(group);
    if (spec.providerId === undefined)
      to.launch.queue.add(keyText({ namespace: metadata.namespace, name: spec.batch }));
    if (!changesParents(change)) return;
    for (const orphan of cluster.streamNodes.cache.byIndex(index.orphans, group))
      to.streamNode.queue.add(keyText(orphan.metadata));
  });
}

/** A node that is gone while its machine runs on is no reason to launch another: the machine is adopted first. */
function noteLost({ cluster, clouds, clock }: OperatorDeps, gate: AdoptionGate, { metadata, spec }: StreamNode): void {
  const { group: name, region, providerId } = spec;
  const { platform } = spec.launch;
  const group = cluster.nodeGroups.cache.get(keyText({ namespace: metadata.namespace, name }));
  if (group === undefined || providerId === undefined) return;
  const state = clouds.get(platform)?.inventory.machine(region, providerId)?.state;
  if (state === undefined || state === "Terminated" || state === "Stopping") return;
  if (cluster.streamNodes.cache.indexHas(index.machineId, `${platform}/${providerId}`)) return;
  gate.shut({ groupUid: group.metadata.uid, platform, region }, clock.monotonicMs());
}

/** Of two nodes with one machine, each depends on what the other is. */
function wakeRivals({ streamNodes }: Cluster, to: Controllers, { metadata, spec }: StreamNode): void {
  if (spec.providerId === undefined) return;
  const holders = streamNodes.cache.byIndex(index.machineId, `${spec.launch.platform}/${spec.providerId}`);
  for (const other of holders)
    if (other.metadata.uid !== metadata.uid) to.streamNode.queue.add(keyText(other.metadata));
}

/** Whether other nodes may have another parent now. */
function changesParents(change: ObjectChange<StreamNode>): boolean {
  if (needsParent(change.object.spec.role)) return false;
  return change.kind !== "Updated" || change.object.status?.phase !== change.old.status?.phase;
}

function wakeOnClouds({ cluster, clouds }: OperatorDeps, to: Controllers): void {
  for (const [name, { inventory }] of clouds) {
    inventory.onListing((region, _listing, changes) => {
      to.sweep.queue.add(`${name}/${region}`);
      for (const { providerId } of changes) {
        const nodes = cluster.streamNodes.cache.byIndex(index.machineId, `${name}/${providerId}`);
        for (const { metadata } of nodes) to.streamNode.queue.add(keyText(metadata));
      }
    });
  }
}

/** Whether a report can change a node's phase: it is not in service yet, has lost its links, or has restarted. */
function matters(node: StreamNode | undefined, report: NodeReport): boolean {
  if (node === undefined) return false;
  const { phase, registration } = node.status ?? {};
  if (phase !== "InService" || registration?.bootId !== report.bootId) return true;
  return needsParent(node.spec.role) && !report.links.some(({ state }) => state === "established");
}
