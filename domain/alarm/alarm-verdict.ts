/** What is found of an alarm in a region at one look: its state, since when, and why in a sentence with numbers. */
import type { AlarmDefinition } from "./alarm-definitions.ts";
import { type AlarmState, alarmState, type ComparisonOperator, type Datapoint, isBreaching } from "./alarm-state.ts";
import { assertNever } from "../result.ts";
import type { Instant } from "../time.ts";

export interface AlarmVerdict {
  readonly state: AlarmState;
  /** When it entered the state. */
  readonly since: Instant;
  /** For people, with numbers: why it entered the state. */
  readonly reason: string;
}

/** An alarm that was never looked at. */
export function newAlarm(now: Instant): AlarmVerdict {
  return { state: "INSUFFICIENT_DATA", since: now, reason: "it has not been evaluated yet" };
}

/** The verdict that follows from the datapoints of the range; the previous one, as it is, where the state stays. */
export function alarmVerdict(
  definition: AlarmDefinition,
  range: readonly Datapoint[],
  { previous, now }: { readonly previous: AlarmVerdict; readonly now: Instant },
): AlarmVerdict {
  const state = alarmState(definition, range, previous.state);
  return state === previous.state ? previous : { state, since: now, reason: alarmReason(definition, range, state) };
}

/** As in `ConnectionUtilization 71.3 > 60 in 1 of 1 periods of 10 s`. */
export function alarmReason(definition: AlarmDefinition, range: readonly Datapoint[], state: AlarmState): string {
  const { evaluationPeriods, datapointsToAlarm, periodSeconds } = definition;
  const judged = range.filter((datapoint) => datapoint !== undefined).slice(-evaluationPeriods);
  const breaching = judged.filter((datapoint) => isBreaching(definition, datapoint));
  const found = findings(definition, judged, { breaching, state });
  const periods = `in ${breaching.length} of ${evaluationPeriods} periods of ${periodSeconds} s`;
  const enough = state !== "ALARM" || datapointsToAlarm < evaluationPeriods ? [`${datapointsToAlarm} to alarm`] : [];
  return [`${found} ${periods}`, ...missing(definition, judged.length), ...enough].join(", ");
}

/** The newest datapoint that breaches where that is the matter, else the newest, with what it was compared with. */
function findings(
  definition: AlarmDefinition,
  judged: readonly number[],
  { breaching, state }: { readonly breaching: readonly number[]; readonly state: AlarmState },
): string {
  const { threshold, comparisonOperator } = definition;
  const comparison = `${signOf(comparisonOperator)} ${threshold}`;
  const value = (state === "ALARM" ? breaching : judged).at(-1);
  const gauge = gaugeOf(definition);
  if (value === undefined) return `${gauge} ${comparison}`;
  const colon = isBreaching(definition, value) ? "" : ":";
  return `${gauge} ${rounded(value, threshold)}${colon} ${comparison}`;
}

function missing({ evaluationPeriods, treatMissingData }: AlarmDefinition, judged: number): readonly string[] {
  const count = evaluationPeriods - judged;
  if (count === 0) return [];
  const counts = treatMissingData === "breaching" || treatMissingData === "notBreaching";
  return [`no data in ${count}${counts ? ` (${treatMissingData})` : ""}`];
}

/** Over time the average is what everybody expects; any other statistic is named. */
function gaugeOf({ metric, statistic }: AlarmDefinition): string {
  return statistic === "Average" ? metric : `${statistic} of ${metric}`;
}

/** To two decimals; in full where rounding would make it equal to the threshold, from which it differs. */
function rounded(value: number, threshold: number): string {
  const short = Math.round(value * 100) / 100;
  return String(short === threshold ? value : short);
}

function signOf(operator: ComparisonOperator): string {
  switch (operator) {
    case "GreaterThanThreshold":
      return ">";
    case "GreaterThanOrEqualToThreshold":
      return ">=";
    case "LessThanThreshold":
      return "<";
    case "LessThanOrEqualToThreshold":
      return "<=";
    default:
      return assertNever(operator);
  }
}
