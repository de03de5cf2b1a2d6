/** ScalePolicy: in use? which scale-out mode and which alarms hold, with the fleet's defaults applied? */
import { type FleetDefaults, readDefaults } from "../../crds/defaults.ts";
import { defaultsConfigMapName } from "../../crds/names.ts";
import type { ScalePolicy, ScalePolicySpec } from "../../crds/scale-policy.ts";
import { alarmsOf } from "../../domain/alarm/alarm-definitions.ts";
import type { UpdateOf } from "../../domain/conditions.ts";
import type { Clock } from "../../domain/ports.ts";
import { keyText, type Reconciler } from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index } from "../../fleet/indexes.ts";
import { type Judgement, ReferencedReconciler } from "./reconciler.ts";

export interface ScalePolicyDeps {
  readonly cluster: Pick<Cluster, "scalePolicies" | "nodeGroups" | "defaults">;
  readonly clock: Pick<Clock, "now">;
  /** The operator's own namespace, which holds the defaults. */
  readonly namespace: string;
  /** Age (ms) above which a report counts no more: two report intervals. */
  readonly staleMs: number;
}

export function scalePolicyReconciler({ cluster, clock, namespace, staleMs }: ScalePolicyDeps): Reconciler {
  const defaultsKey = keyText({ namespace, name: defaultsConfigMapName });
  return new ReferencedReconciler({
    name: "scale-policy",
    objects: cluster.scalePolicies,
    users: (key) => cluster.nodeGroups.cache.byIndex(index.scalePolicy, key),
    judge: (policy) => judge(policy, readDefaults(cluster.defaults.get(defaultsKey)?.data), staleMs),
    clock,
  });
}

function judge({ spec }: ScalePolicy, defaults: FleetDefaults, staleMs: number): Judgement {
  const mode = spec.scaleOut.mode ?? defaults.scaleOutMode;
  const source = spec.scaleOut.mode === undefined ? "the default" : "spec.scaleOut.mode";
  const remarks = [`scale-out mode ${mode} (${source})`, alarmRemark(spec, defaults), ...idleAlarms(spec)];
  const message = [...remarks, ...defaults.problems].join("; ");
  return {
    status: { scaleOutMode: mode },
    accepted: { status: "True", reason: "Valid", message },
    more: [periodsSampled(spec, defaults, staleMs)],
  };
}

/** Between two reports nothing new is known, however short a period is. */
function periodsSampled(spec: ScalePolicySpec, defaults: FleetDefaults, staleMs: number): UpdateOf<"ScalePolicy"> {
  const type = "PeriodsSampled";
  const short = alarmsOf(spec, defaults).filter(({ periodSeconds }) => periodSeconds * 1_000 < staleMs);
  if (short.length === 0)
    return { type, status: "True", reason: "EveryPeriod", message: "each period of each alarm has a report" };
  const named = short.slice(0, 10).map(({ name, periodSeconds }) => `${name} (${periodSeconds} s)`);
  const least = `${staleMs / 1_000} s, two report intervals (STREAMFLEET_REPORT_INTERVAL_MS)`;
  const message =
    `periods shorter than ${least}, may have no report: ${named.join(", ")}. Such a period counts as the reports around it, ` +
    `and an alarm comes as late as they do: write periodSeconds of ${Math.ceil(staleMs / 1_000)} or more, or shorten the interval`;
  return { type, status: "False", reason: "ShorterThanTwoReports", message };
}

function alarmRemark(spec: ScalePolicySpec, defaults: FleetDefaults): string {
  if (spec.alarms?.length === 0) return "no alarms (spec.alarms)";
  const source = spec.alarms === undefined ? "the default" : "spec.alarms";
  return `alarms ${alarmsOf(spec, defaults)
    .map(({ name }) => name)
    .join(", ")} (${source})`;
}

/** An alarm may be there before its role is; until then it has nothing to watch. */
function idleAlarms({ alarms = [], roles, regionOverrides = [] }: ScalePolicySpec): readonly string[] {
  const named = new Set([...roles, ...regionOverrides.flatMap((override) => override.roles)].map(({ role }) => role));
  return alarms
    .filter(({ role }) => !named.has(role))
    .map(({ name, role }) => `alarm ${name} watches nothing, for spec.roles has no ${role}`);
}
