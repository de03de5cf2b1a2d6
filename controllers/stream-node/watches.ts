/** What wakes the reconciler of StreamNodes. */
import type { StreamNode } from "../../crds/stream-node.ts";
import { groupTextOf } from "../../domain/group/place.ts";
import type { NodeReport } from "../../domain/load/report.ts";
import { machineText } from "../../domain/node/machine.ts";
import { needsParent } from "../../domain/node/topology.ts";
import type { LoadFeed } from "../../domain/ports.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import type { ReportFaults } from "../../fleet/report-faults.ts";
import type { ObjectChange } from "../../runtime/informer.ts";
import { keyText } from "../../runtime/reconciler.ts";
import { changesSpec, type WakeQueue } from "../wake.ts";

interface Sources {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly feed: Pick<LoadFeed, "subscribe">;
  readonly faults: Pick<ReportFaults, "onNew">;
}

export function watchStreamNodes(sources: Sources, queue: WakeQueue): void {
  watchReports(sources, queue);
  watchObjects(sources, queue);
  watchClouds(sources, queue);
}

function watchReports({ cluster, feed, faults }: Sources, queue: WakeQueue): void {
  faults.onNew((node) => queue.add(node));
  feed.subscribe((report) => {
    const key = keyText(report);
    if (matters(cluster.streamNodes.cache.get(key), report)) queue.add(key);
  });
}

/** Whether a report can change a node's phase: it is not in service yet, has lost its links, or has restarted. */
function matters(node: StreamNode | undefined, report: NodeReport): boolean {
  if (node === undefined) return false;
  const { phase, registration } = node.status ?? {};
  if (phase !== "InService" || registration?.bootId !== report.bootId) return true;
  return needsParent(node.spec.role) && !report.links.some(({ state }) => state === "established");
}

function watchObjects({ cluster }: Sources, queue: WakeQueue): void {
  const { nodeGroups, launchBatches, streamNodes } = cluster;
  const addNodes = (by: string, key: string): void => {
    for (const { metadata } of streamNodes.cache.byIndex(by, key)) queue.add(keyText(metadata));
  };
  nodeGroups.cache.onChange((change) => {
    if (changesSpec(change)) addNodes(index.nodeGroup, change.key);
  });
  launchBatches.cache.onChange(({ key }) => addNodes(index.batch, key));
  streamNodes.cache.onChange((change) => {
    if (change.kind !== "Deleted") queue.add(change.key);
    for (const { metadata } of rivalsOf(cluster, change.object)) queue.add(keyText(metadata));
    if (changesParents(change)) addNodes(index.orphans, groupTextOf(change.object));
  });
}

/** Of two nodes with one machine, each depends on what the other is. */
function rivalsOf({ streamNodes }: Cluster, { metadata, spec }: StreamNode): readonly StreamNode[] {
  if (spec.providerId === undefined) return [];
  const holders = streamNodes.cache.byIndex(index.machineId, machineText(spec.launch.platform, spec.providerId));
  return holders.filter((other) => other.metadata.uid !== metadata.uid);
}

/** Whether other nodes may have another parent now. */
function changesParents(change: ObjectChange<StreamNode>): boolean {
  if (needsParent(change.object.spec.role)) return false;
  return change.kind !== "Updated" || change.object.status?.phase !== change.old.status?.phase;
}

function watchClouds({ cluster, clouds }: Sources, queue: WakeQueue): void {
  for (const [platform, { inventory }] of clouds)
    inventory.onListing((_region, _listing, changes) => {
      for (const { providerId } of changes) {
        const nodes = cluster.streamNodes.cache.byIndex(index.machineId, machineText(platform, providerId));
        for (const { metadata } of nodes) queue.add(keyText(metadata));
      }
    });
}
