/** What wakes the reconciler of LaunchBatches. */
import type { BatchHandoff } from "../../fleet/batch-handoff.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import { keyText } from "../../runtime/reconciler.ts";
import { changesSpec, type WakeQueue } from "../wake.ts";

interface Sources {
  readonly cluster: Cluster;
  readonly handoff: Pick<BatchHandoff, "onHandedOver">;
}

export function watchLaunchBatches({ cluster, handoff }: Sources, queue: WakeQueue): void {
  const { nodeGroups, launchConfigs, scalePolicies, launchBatches, streamNodes } = cluster;
  const addBatchesOf = (group: string): void => {
    for (const { metadata } of launchBatches.cache.byIndex(index.nodeGroup, group)) queue.add(keyText(metadata));
  };
  const addBatchesOfUsers = (by: string, key: string): void => {
    for (const { metadata } of nodeGroups.cache.byIndex(by, key)) addBatchesOf(keyText(metadata));
  };
  handoff.onHandedOver((batch) => queue.add(batch));
  launchBatches.cache.onChange(({ key }) => queue.add(key));
  nodeGroups.cache.onChange((change) => {
    if (changesSpec(change)) addBatchesOf(change.key);
  });
  launchConfigs.cache.onChange(({ key }) => addBatchesOfUsers(index.launchConfig, key));
  scalePolicies.cache.onChange(({ key }) => addBatchesOfUsers(index.scalePolicy, key));
  // One that has no machine yet waits for its batch, and its batch for it.
  streamNodes.cache.onChange(({ object: { metadata, spec } }) => {
    if (spec.providerId === undefined) queue.add(keyText({ namespace: metadata.namespace, name: spec.batch }));
  });
}
