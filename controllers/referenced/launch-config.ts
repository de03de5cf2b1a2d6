/** LaunchConfig: valid? its platform there? in use? Its revision is a hash of its content. */
import type { LaunchConfig } from "../../crds/launch-config.ts";
import { platformOf } from "../../domain/group/references.ts";
import type { Clock } from "../../domain/ports.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import { revisionOf } from "../../fleet/revision.ts";
import type { Reconciler } from "../../runtime/reconciler.ts";
import { type Judgement, ReferencedReconciler } from "./reconciler.ts";

export interface LaunchConfigDeps {
  readonly cluster: Pick<Cluster, "launchConfigs" | "nodeGroups">;
  readonly clouds: Clouds;
  readonly clock: Pick<Clock, "now">;
}

export function launchConfigReconciler({ cluster, clouds, clock }: LaunchConfigDeps): Reconciler {
  return new ReferencedReconciler({
    name: "launch-config",
    objects: cluster.launchConfigs,
    users: (key) => cluster.nodeGroups.cache.byIndex(index.launchConfig, key),
    judge: (config) => judge(config, clouds),
    clock,
  });
}

function judge(config: LaunchConfig, clouds: Clouds): Judgement {
  const status = { revision: revisionOf(config) };
  const platform = platformOf(config);
  if (platform === undefined) {
    const message = "exactly one of spec.aws, spec.gce, spec.simulated must be set";
    return { status, accepted: { status: "False", reason: "Invalid", message } };
  }
  if (!clouds.has(platform)) {
    const there = [...clouds.keys()].join(", ");
    const message = `platform ${platform} is not available in this operator: write one of ${there === "" ? "none" : there} instead of spec.${platform}`;
    return { status, accepted: { status: "False", reason: "PlatformUnavailable", message } };
  }
  return { status, accepted: { status: "True", reason: "Valid", message: `launches on platform ${platform}` } };
}
