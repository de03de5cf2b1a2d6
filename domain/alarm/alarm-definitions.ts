/** The alarms that hold for a policy: the ones it lists, or the defaults of each of its roles. */
import type { AlarmAction, AlarmMetric, Role } from "../../crds/names.ts";
import type { ScalePolicySpec } from "../../crds/scale-policy.ts";
import type { AlarmRule } from "./alarm-state.ts";

/** An alarm with everything said that the policy may leave out. */
export interface AlarmDefinition extends AlarmRule {
  readonly name: string;
  readonly role: Role;
  readonly metric: AlarmMetric;
  /** `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount` or `pNN`: over the samples of a period. */
  readonly statistic: string;
  readonly periodSeconds: number;
  readonly action: AlarmAction;
}

/** What a policy may leave out, per role: the percentage of connections above which nodes are added. */
export interface AlarmDefaults {
  readonly scaleOutThreshold: Readonly<Record<Role, number>>;
}

/**
 * Absent: for each role one that scales out (above the threshold, 1 of 1, 10 s, missing data ignored) and one that scales in
 * (below half of it, 3 of 3, 60 s, missing data not breaching). An empty list: none. A list: exactly these.
 */
export function alarmsOf(
  policy: Pick<ScalePolicySpec, "alarms" | "roles" | "regionOverrides">,
  defaults: AlarmDefaults,
): readonly AlarmDefinition[] {
  const { alarms } = policy;
  if (alarms === undefined) {
    return rolesOf(policy).flatMap((role) => defaultAlarms(role, defaults.scaleOutThreshold[role]));
  }
  return alarms.map((alarm) => ({ ...alarm, datapointsToAlarm: alarm.datapointsToAlarm ?? alarm.evaluationPeriods }));
}

/** A role may be asked for in one region alone. */
function rolesOf({ roles, regionOverrides = [] }: Pick<ScalePolicySpec, "roles" | "regionOverrides">): readonly Role[] {
  return [...new Set([...roles, ...regionOverrides.flatMap((override) => override.roles)].map(({ role }) => role))];
}

/** Our choice where the original has one threshold: half of it, so that what is left after a node has gone is below it. */
function defaultAlarms(role: Role, threshold: number): readonly AlarmDefinition[] {
  const ofRole = { role, metric: "ConnectionUtilization", statistic: "Average" } as const;
  return [
    {
      ...ofRole,
      name: `${role}-scale-out`,
      ...{ periodSeconds: 10, evaluationPeriods: 1, datapointsToAlarm: 1, threshold },
      comparisonOperator: "GreaterThanThreshold",
      treatMissingData: "ignore",
      action: "ScaleOut",
    },
    {
      ...ofRole,
      name: `${role}-scale-in`,
      ...{ periodSeconds: 60, evaluationPeriods: 3, datapointsToAlarm: 3, threshold: threshold / 2 },
      comparisonOperator: "LessThanThreshold",
      treatMissingData: "notBreaching",
      action: "ScaleIn",
    },
  ];
}
