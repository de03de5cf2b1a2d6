/** ScalePolicy: in use? which scale-out mode holds, with the fleet's defaults applied? */
import { type FleetDefaults, readDefaults } from "../../crds/defaults.ts";
import { defaultsConfigMapName } from "../../crds/names.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import type { Clock } from "../../domain/time.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  type Turn,
} from "../../runtime/reconciler.ts";
import { type Cluster, index } from "../cluster.ts";
import { type Judgement, settleReferenced } from "../referenced.ts";

export interface ScalePolicyDeps {
  readonly cluster: Pick<Cluster, "scalePolicies" | "nodeGroups" | "defaults">;
  readonly clock: Clock;
  /** The operator's own namespace, which holds the defaults. */
  readonly namespace: string;
}

export class ScalePolicyReconciler implements Reconciler {
  readonly name = "scale-policy";
  readonly #deps: ScalePolicyDeps;

  constructor(deps: ScalePolicyDeps) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, turn: Turn): Promise<ReconcileResult> {
    const { cluster, clock, namespace } = this.#deps;
    const policy = cluster.scalePolicies.cache.get(keyText(key));
    if (policy === undefined) return done;
    const users = cluster.nodeGroups.cache.byIndex(index.scalePolicy, keyText(key));
    const defaults = readDefaults(cluster.defaults.get(keyText({ namespace, name: defaultsConfigMapName }))?.data);
    const judgement = judge(policy, defaults);
    return settleReferenced({ client: cluster.scalePolicies.client, clock }, policy, { users, judgement }, turn.signal);
  }
}

function judge({ spec }: ScalePolicy, defaults: FleetDefaults): Judgement {
  const mode = spec.scaleOut.mode ?? defaults.scaleOutMode;
  const source = spec.scaleOut.mode === undefined ? "the default" : "spec.scaleOut.mode";
  const message = [`scale-out mode ${mode} (${source})`, ...defaults.problems].join("; ");
  return { status: { scaleOutMode: mode }, accepted: { status: "True", reason: "Valid", message } };
}
