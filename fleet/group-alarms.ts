/** Which alarms hold for a group: those of its policy, with the fleet's defaults where the policy names none. */
import { readDefaults } from "../crds/defaults.ts";
import { defaultsConfigMapName } from "../crds/names.ts";
import type { NodeGroup } from "../crds/node-group.ts";
import type { ScalePolicy } from "../crds/scale-policy.ts";
import { type AlarmDefinition, alarmsOf } from "../domain/alarm/alarm-definitions.ts";
import { findCondition } from "../domain/conditions.ts";
import { keyText } from "../runtime/reconciler.ts";
import type { Cache, ConfigMap } from "./cluster.ts";
import { scalePolicyKeyOf } from "./indexes.ts";

/** The alarms of a group, by its `namespace/name`; undefined while its policy is not there or is refused. */
export type GroupAlarms = (group: string) => readonly AlarmDefinition[] | undefined;

export interface GroupAlarmsDeps {
  readonly cluster: {
    readonly nodeGroups: { readonly cache: Pick<Cache<NodeGroup>, "get"> };
    readonly scalePolicies: { readonly cache: Pick<Cache<ScalePolicy>, "get"> };
    readonly defaults: Pick<Cache<ConfigMap>, "get">;
  };
  /** The operator's own namespace, which holds the defaults. */
  readonly namespace: string;
}

interface Known {
  readonly defaults: ConfigMap | undefined;
  readonly alarms: readonly AlarmDefinition[];
}

/** It is asked at every report, so each version of a policy is read once for each version of the defaults. */
export function groupAlarms({ cluster, namespace }: GroupAlarmsDeps): GroupAlarms {
  const defaultsKey = keyText({ namespace, name: defaultsConfigMapName });
  const byPolicy = new WeakMap<ScalePolicy, Known>();
  return (group) => {
    const policy = policyOf(cluster, group);
    if (policy === undefined) return undefined;
    const defaults = cluster.defaults.get(defaultsKey);
    const known = byPolicy.get(policy);
    if (known !== undefined && known.defaults === defaults) return known.alarms;
    const alarms = alarmsOf(policy.spec, readDefaults(defaults?.data));
    byPolicy.set(policy, { defaults, alarms });
    return alarms;
  };
}

function policyOf(cluster: GroupAlarmsDeps["cluster"], group: string): ScalePolicy | undefined {
  const found = cluster.nodeGroups.cache.get(group);
  if (found === undefined) return undefined;
  const policy = cluster.scalePolicies.cache.get(scalePolicyKeyOf(found));
  const refused = findCondition(policy?.status?.conditions, "Accepted")?.status === "False";
  return refused ? undefined : policy;
}

const noAlarms: readonly AlarmDefinition[] = [];

/** While a policy is not there or is refused, its alarms are watched on: what they have seen is not to be lost. */
export function watchedAlarms(
  alarms: GroupAlarms,
  groups: Pick<Cache<NodeGroup>, "get">,
): (group: string) => readonly AlarmDefinition[] {
  const last = new Map<string, readonly AlarmDefinition[]>();
  return (group) => {
    const now = alarms(group);
    if (now !== undefined) last.set(group, now);
    else if (groups.get(group) === undefined) last.delete(group);
    return last.get(group) ?? noAlarms;
  };
}
