/** What wakes the sweep, whose keys are `platform/region`. */
import { isTrue } from "../../domain/conditions.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import { changesSpec, type WakeQueue } from "../wake.ts";

interface Sources {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
}

/** Nodes are let go together: so soon (ms) after one the machines are looked at, to adopt those of all. */
const lettingGoMs = 200;

export function watchMachines({ cluster, clouds }: Sources, queue: WakeQueue): void {
  const addRegions = (regions: readonly string[]): void => {
    for (const platform of clouds.keys()) for (const region of regions) queue.add(`${platform}/${region}`);
  };
  for (const [platform, { inventory }] of clouds) inventory.onListing((region) => queue.add(`${platform}/${region}`));
  cluster.nodeGroups.cache.onChange((change) => {
    if (changesSpec(change)) addRegions(change.object.spec.regions);
  });
  cluster.launchConfigs.cache.onChange(({ key }) => {
    for (const { spec } of cluster.nodeGroups.cache.byIndex(index.launchConfig, key)) addRegions(spec.regions);
  });
  cluster.streamNodes.cache.onChange(({ kind, object: { spec, status } }) => {
    if (kind === "Deleted" && isTrue(status?.conditions, "Released"))
      queue.addAfter(`${spec.launch.platform}/${spec.region}`, lettingGoMs);
  });
}
