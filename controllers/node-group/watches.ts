/** What wakes the reconciler of NodeGroups. */
import { groupTextOf } from "../../domain/group/place.ts";
import type { AdoptionGate } from "../../fleet/adoption-gate.ts";
import type { AlarmStates } from "../../fleet/alarm-states.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import type { LoadTracker } from "../../fleet/load-tracker.ts";
import type { ScaleInRequests } from "../../fleet/scale-in-requests.ts";
import { keyText } from "../../runtime/reconciler.ts";
import { addAll, type WakeQueue } from "../wake.ts";

interface Sources {
  readonly cluster: Cluster;
  readonly load: Pick<LoadTracker, "onSample">;
  readonly alarmStates: Pick<AlarmStates, "onChange" | "scalesOut">;
  readonly scaleInRequests: Pick<ScaleInRequests, "onRequest">;
  readonly gate: Pick<AdoptionGate, "onChange">;
}

/** While an alarm scales out, each report may ask for more nodes: so often (ms) their group is looked at. */
const crowdMs = 1_000;

export function watchNodeGroups(sources: Sources, queue: WakeQueue): void {
  watchWhatIsAskedFor(sources, queue);
  watchObjects(sources, queue);
}

function watchWhatIsAskedFor({ cluster, load, alarmStates, scaleInRequests, gate }: Sources, queue: WakeQueue): void {
  load.onSample((group) => {
    if (alarmStates.scalesOut(group)) queue.addAfter(group, crowdMs);
  });
  alarmStates.onChange((group) => queue.add(group));
  scaleInRequests.onRequest((group) => queue.add(group));
  gate.onChange((uid) => {
    for (const { metadata } of cluster.nodeGroups.cache.list()) if (metadata.uid === uid) queue.add(keyText(metadata));
  });
}

function watchObjects({ cluster }: Sources, queue: WakeQueue): void {
  const { nodeGroups, launchConfigs, scalePolicies, defaults, launchBatches, streamNodes } = cluster;
  const addUsers = (by: string, key: string): void => {
    for (const { metadata } of nodeGroups.cache.byIndex(by, key)) queue.add(keyText(metadata));
  };
  nodeGroups.cache.onChange(({ key }) => queue.add(key));
  launchConfigs.cache.onChange(({ key }) => addUsers(index.launchConfig, key));
  scalePolicies.cache.onChange(({ key }) => addUsers(index.scalePolicy, key));
  defaults.onChange(() => addAll(nodeGroups.cache, queue));
  launchBatches.cache.onChange(({ object }) => queue.add(groupTextOf(object)));
  streamNodes.cache.onChange(({ object }) => queue.add(groupTextOf(object)));
}
