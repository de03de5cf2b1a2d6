/** What shuts the adoption gate, and since when it knows of a group: as objects come and go. */
import type { StreamNode } from "../crds/stream-node.ts";
import { groupTextOf } from "../domain/group/place.ts";
import { machineText } from "../domain/node/machine.ts";
import type { Clock } from "../domain/ports.ts";
import type { AdoptionGate } from "./adoption-gate.ts";
import type { Clouds } from "./clouds.ts";
import type { Cluster } from "./cluster.ts";
import { index } from "./indexes.ts";

export interface GateFollowerDeps {
  readonly cluster: Pick<Cluster, "nodeGroups" | "streamNodes">;
  readonly clouds: Clouds;
  readonly gate: AdoptionGate;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** From now on, for as long as the process lives. */
export function followWithGate(deps: GateFollowerDeps): void {
  const { cluster, gate, clock } = deps;
  cluster.nodeGroups.cache.onChange(({ object }) => gate.knownSince(object.metadata.uid, clock.monotonicMs()));
  cluster.streamNodes.cache.onChange((change) => {
    if (change.kind === "Deleted") shutForLost(deps, change.object);
  });
}

/** A node that is gone while its machine runs on is no reason to launch another: the machine is adopted first. */
function shutForLost({ cluster, clouds, gate, clock }: GateFollowerDeps, node: StreamNode): void {
  const { region, providerId, launch } = node.spec;
  const { platform } = launch;
  const group = cluster.nodeGroups.cache.get(groupTextOf(node));
  if (group === undefined || providerId === undefined) return;
  const state = clouds.get(platform)?.inventory.machine(region, providerId)?.state;
  if (state === undefined || state === "Terminated" || state === "Stopping") return;
  if (cluster.streamNodes.cache.indexHas(index.machineId, machineText(platform, providerId))) return;
  gate.shut({ groupUid: group.metadata.uid, platform, region }, clock.monotonicMs());
}
