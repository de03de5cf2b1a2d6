/** What wakes the reconcilers of LaunchConfigs and ScalePolicies. */
import type { Cluster } from "../../fleet/cluster.ts";
import { launchConfigKeyOf, scalePolicyKeyOf } from "../../fleet/indexes.ts";
import { addAll, versionsOf, type WakeQueue } from "../wake.ts";

interface Sources {
  readonly cluster: Cluster;
}

export function watchLaunchConfigs({ cluster }: Sources, queue: WakeQueue): void {
  cluster.launchConfigs.cache.onChange(({ key }) => queue.add(key));
  cluster.nodeGroups.cache.onChange((change) => {
    for (const group of versionsOf(change)) queue.add(launchConfigKeyOf(group));
  });
}

export function watchScalePolicies({ cluster }: Sources, queue: WakeQueue): void {
  cluster.scalePolicies.cache.onChange(({ key }) => queue.add(key));
  cluster.nodeGroups.cache.onChange((change) => {
    for (const group of versionsOf(change)) queue.add(scalePolicyKeyOf(group));
  });
  cluster.defaults.onChange(() => addAll(cluster.scalePolicies.cache, queue));
}
