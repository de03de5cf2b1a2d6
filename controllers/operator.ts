/** The reconcilers of one process, and which change wakes which of them. Nothing here decides. */
import type { NodeGroup } from "../crds/node-group.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import type { NodeLifeStore } from "../domain/history.ts";
import type { LoadFeed, NodeReport } from "../domain/load.ts";
import type { Clock } from "../domain/time.ts";
import { needsParent } from "../domain/topology.ts";
import type { HistoryRecorder } from "../prisma/history-recorder.ts";
import { Controller } from "../runtime/controller.ts";
import type { EventRecorder } from "../runtime/events.ts";
import type { ObjectChange } from "../runtime/informer.ts";
import type { KeyRing } from "../runtime/key-ring.ts";
import type { Logger } from "../runtime/logger.ts";
import type { LeaderTask } from "../runtime/manager.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { keyText, type Reconciler } from "../runtime/reconciler.ts";
import { AdoptionGate } from "./adoption-gate.ts";
import type { Clouds } from "./clouds.ts";
import { type Cluster, index } from "./cluster.ts";
import { HistoryKeeper } from "./history-keeper.ts";
import { LaunchConfigReconciler, revisionOf } from "./launch-config/reconciler.ts";
import { LaunchReconciler } from "./launch/reconciler.ts";
import type { LaunchSettings } from "./launch/request.ts";
import type { Leadership } from "./leadership.ts";
import { NodeGroupReconciler } from "./node-group/reconciler.ts";
import { RegionWatch } from "./region-watch.ts";
import { ScalePolicyReconciler } from "./scale-policy/reconciler.ts";
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
  /** A report older than this (ms) is not fresh. */
  readonly freshMs: number;
  readonly history: HistoryRecorder;
  readonly lives: Pick<NodeLifeStore, "closeAllExcept">;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Every key is looked at again this often (ms), in case a wake-up was lost. */
const resyncMs = 600_000;

/** What runs while this process leads, in the order in which it starts. */
export function operatorTasks(deps: OperatorDeps): readonly LeaderTask[] {
  const { cluster, clouds } = deps;
  const gate = new AdoptionGate();
  const shared = { ...deps, gate, revisionOf };
  const controllers = {
    launchConfig: controller(deps, new LaunchConfigReconciler(shared), () => cluster.launchConfigs.cache.keys()),
    scalePolicy: controller(deps, new ScalePolicyReconciler(shared), () => cluster.scalePolicies.cache.keys()),
    nodeGroup: controller(deps, new NodeGroupReconciler(shared), () => cluster.nodeGroups.cache.keys()),
    launch: controller(deps, new LaunchReconciler(shared), () => cluster.launchBatches.cache.keys()),
    streamNode: controller(deps, new StreamNodeReconciler(shared), () => cluster.streamNodes.cache.keys(), 16),
    sweep: controller(deps, new SweepReconciler(shared), () => []),
  };
  const regions = new RegionWatch(cluster, clouds);
  connect(deps, gate, controllers, regions);
  const keeper = new HistoryKeeper({ ...deps, nodes: cluster.streamNodes.cache });
  const term = { name: "term", start: () => gate.close(deps.clock.now()), stop: () => Promise.resolve() };
  return [term, ...Object.values(controllers), regions, keeper];
}

interface Controllers {
  readonly launchConfig: Controller;
  readonly scalePolicy: Controller;
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

function connect(deps: OperatorDeps, gate: AdoptionGate, to: Controllers, regions: RegionWatch): void {
  wakeOnGroups(deps, to, regions);
  wakeOnReferences(deps, to, regions);
  wakeOnNodes(deps, to);
  wakeOnClouds(deps, to);
  deps.feed.subscribe((report) => {
    if (matters(deps.cluster.streamNodes.cache.get(keyText(report)), report)) to.streamNode.queue.add(keyText(report));
  });
  gate.onChange((uid) => {
    for (const { metadata } of deps.cluster.nodeGroups.cache.list()) {
      if (metadata.uid === uid) to.nodeGroup.queue.add(keyText(metadata));
    }
  });
}

function wakeOnGroups({ cluster, clouds }: OperatorDeps, to: Controllers, regions: RegionWatch): void {
  cluster.nodeGroups.cache.onChange((change) => {
    to.nodeGroup.queue.add(change.key);
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
      to.nodeGroup.queue.add(keyText(metadata));
      wakeBatches(cluster, to, keyText(metadata));
    }
  });
  cluster.defaults.onChange(() => {
    for (const key of cluster.scalePolicies.cache.keys()) to.scalePolicy.queue.add(key);
  });
}

function wakeOnNodes({ cluster }: OperatorDeps, to: Controllers): void {
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
    to.nodeGroup.queue.add(group);
    if (spec.providerId === undefined)
      to.launch.queue.add(keyText({ namespace: metadata.namespace, name: spec.batch }));
    if (!changesParents(change)) return;
    for (const orphan of cluster.streamNodes.cache.byIndex(index.orphans, group))
      to.streamNode.queue.add(keyText(orphan.metadata));
  });
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
