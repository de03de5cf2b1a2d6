/** What wakes the reconciler of alarms, and what wakes the report of them to people. */
import type { AlarmStates } from "../../fleet/alarm-states.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import type { LoadTracker } from "../../fleet/load-tracker.ts";
import { keyText } from "../../runtime/reconciler.ts";
import { addAll, changesSpec, type WakeQueue } from "../wake.ts";
import { tellAfterMs } from "./report.ts";

interface AlarmSources {
  readonly cluster: Cluster;
  readonly load: Pick<LoadTracker, "onSample">;
}

export function watchAlarms({ cluster, load }: AlarmSources, queue: WakeQueue): void {
  load.onSample((group) => queue.add(group));
  cluster.nodeGroups.cache.onChange((change) => {
    if (changesSpec(change)) queue.add(change.key);
  });
  cluster.scalePolicies.cache.onChange(({ key }) => {
    for (const { metadata } of cluster.nodeGroups.cache.byIndex(index.scalePolicy, key)) queue.add(keyText(metadata));
  });
  cluster.defaults.onChange(() => addAll(cluster.nodeGroups.cache, queue));
}

interface ReportSources {
  readonly cluster: Cluster;
  readonly alarmStates: Pick<AlarmStates, "onChange">;
}

export function watchAlarmReports({ cluster, alarmStates }: ReportSources, queue: WakeQueue): void {
  alarmStates.onChange((group) => queue.addAfter(group, tellAfterMs));
  cluster.nodeGroups.cache.onChange((change) => {
    if (changesSpec(change)) queue.add(change.key);
  });
  cluster.scalePolicies.cache.onChange(({ key }) => {
    for (const { metadata } of cluster.nodeGroups.cache.byIndex(index.scalePolicy, key))
      queue.addAfter(keyText(metadata), tellAfterMs);
  });
}
