/** LaunchConfig: valid? its platform there? in use? Its revision is a hash of its content. */
import { createHash } from "node:crypto";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import { platformOf } from "../../domain/group/references.ts";
import type { Clock } from "../../domain/ports.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import { type Judgement, settleReferenced } from "./judgement.ts";

export interface LaunchConfigDeps {
  readonly cluster: Pick<Cluster, "launchConfigs" | "nodeGroups">;
  readonly clouds: Clouds;
  readonly clock: Clock;
}

export class LaunchConfigReconciler implements Reconciler {
  readonly name = "launch-config";
  readonly #deps: LaunchConfigDeps;

  constructor(deps: LaunchConfigDeps) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const { cluster, clouds, clock } = this.#deps;
    const config = cluster.launchConfigs.cache.get(keyText(key));
    if (config === undefined) return done;
    const users = cluster.nodeGroups.cache.byIndex(index.launchConfig, keyText(key));
    const judgement = judge(config, clouds);
    return settleReferenced(
      { client: cluster.launchConfigs.client, clock },
      config,
      { users, judgement },
      context.signal,
    );
  }
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

/** The same content has the same revision, whatever the order of its fields. */
export function revisionOf({ spec }: Pick<LaunchConfig, "spec">): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(spec)))
    .digest("hex")
    .slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
