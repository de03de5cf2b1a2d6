/** Keeps the machines of every region listed that a group or a node is in. */
import type { PlatformName } from "../../crds/names.ts";
import { platformOf } from "../../domain/group/references.ts";
import { launchConfigKeyOf } from "../../fleet/indexes.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import { changesSpec } from "../wake.ts";
import type { Cluster } from "../../fleet/cluster.ts";

export class RegionWatch {
  readonly name = "region-watch";
  readonly #cluster: Cluster;
  readonly #clouds: Clouds;
  /** `platform/region` -> how to end watching it. */
  readonly #watched = new Map<string, () => void>();
  #running = false;

  constructor(cluster: Cluster, clouds: Clouds) {
    this.#cluster = cluster;
    this.#clouds = clouds;
    cluster.nodeGroups.cache.onChange((change) => {
      if (changesSpec(change)) this.#update();
    });
    cluster.launchConfigs.cache.onChange(() => this.#update());
  }

  start(): void {
    this.#running = true;
    this.#update();
  }

  stop(): Promise<void> {
    this.#running = false;
    for (const end of this.#watched.values()) end();
    this.#watched.clear();
    return Promise.resolve();
  }

  /** Begins and ends watching as groups, launch configs and nodes are now. */
  #update(): void {
    if (!this.#running) return;
    const wanted = new Map(this.#wanted().map((place) => [`${place.platform}/${place.region}`, place]));
    for (const [key, { platform, region }] of wanted) {
      const cloud = this.#clouds.get(platform);
      if (cloud !== undefined && !this.#watched.has(key)) this.#watched.set(key, cloud.inventory.watch(region));
    }
    for (const [key, end] of this.#watched) {
      if (wanted.has(key)) continue;
      end();
      this.#watched.delete(key);
    }
  }

  #wanted(): readonly { readonly platform: PlatformName; readonly region: string }[] {
    const { nodeGroups, launchConfigs, streamNodes } = this.#cluster;
    const ofGroups = nodeGroups.cache.list().flatMap((group) => {
      const config = launchConfigs.cache.get(launchConfigKeyOf(group));
      const platform = config === undefined ? undefined : platformOf(config);
      return platform === undefined ? [] : group.spec.regions.map((region) => ({ platform, region }));
    });
    const ofNodes = streamNodes.cache
      .list()
      .map(({ spec }) => ({ platform: spec.launch.platform, region: spec.region }));
    return [...ofGroups, ...ofNodes];
  }
}
