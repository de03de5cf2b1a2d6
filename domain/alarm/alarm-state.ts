/**
 * The state of an alarm, with CloudWatch's meaning: M of N datapoints, in a range somewhat wider than N, and four ways to
 * treat what is missing. The rules are those of Amazon's guide ("How alarm state is evaluated when data is missing").
 */
import type { alarmStates, comparisonOperators, missingDataTreatments } from "../../crds/names.ts";
import { assertNever } from "../result.ts";

export type AlarmState = (typeof alarmStates)[number];
export type ComparisonOperator = (typeof comparisonOperators)[number];
export type MissingDataTreatment = (typeof missingDataTreatments)[number];

/** What is compared, and how often it must be true. */
export interface AlarmRule {
  readonly threshold: number;
  readonly comparisonOperator: ComparisonOperator;
  /** N: periods that are judged. */
  readonly evaluationPeriods: number;
  /** M: datapoints among them that must breach, 1 to N. */
  readonly datapointsToAlarm: number;
  readonly treatMissingData: MissingDataTreatment;
}

/** A datapoint, or undefined where the period had no sample. */
export type Datapoint = number | undefined;

/** Periods beyond N that are looked at for datapoints that exist (our choice; the guide's examples have two). */
const extraPeriods = 2;

/** How many periods back (the newest included) an evaluation looks. */
export function rangeOf({ evaluationPeriods }: Pick<AlarmRule, "evaluationPeriods">): number {
  return evaluationPeriods + extraPeriods;
}

/**
 * The state that follows from the datapoints of the range, oldest first, one for each period; `previous` is the state that
 * stays where the rule says so. A new alarm is `INSUFFICIENT_DATA`.
 */
export function alarmState(rule: AlarmRule, range: readonly Datapoint[], previous: AlarmState): AlarmState {
  const existing = range.filter((datapoint) => datapoint !== undefined);
  if (existing.length >= rule.evaluationPeriods) {
    return judge(rule, countBreaching(rule, existing.slice(-rule.evaluationPeriods)));
  }
  const breaching = countBreaching(rule, existing);
  const missing = rule.evaluationPeriods - existing.length;
  switch (rule.treatMissingData) {
    case "breaching":
      return judge(rule, breaching + missing);
    case "notBreaching":
      return judge(rule, breaching);
    case "missing":
      return judgePart(rule, range, breaching);
    case "ignore":
      return keepUnlessSure(rule, judgePart(rule, range, breaching), { existing: existing.length, previous });
    default:
      return assertNever(rule.treatMissingData);
  }
}

function judge({ datapointsToAlarm }: AlarmRule, breaching: number): AlarmState {
  return breaching >= datapointsToAlarm ? "ALARM" : "OK";
}

/**
 * The state when fewer datapoints are known than the rule needs, and missing ones are not filled in: ALARM only if every known
 * one breaches and the oldest of them is old enough.
 */
function judgePart(rule: AlarmRule, range: readonly Datapoint[], breaching: number): AlarmState {
  const oldest = range.findIndex((datapoint) => datapoint !== undefined);
  if (oldest === -1) return "INSUFFICIENT_DATA";
  const existing = range.filter((datapoint) => datapoint !== undefined).length;
  if (breaching < existing) return judge(rule, breaching);
  const periodsOld = range.length - oldest;
  return periodsOld >= rule.datapointsToAlarm ? "ALARM" : "INSUFFICIENT_DATA";
}

function keepUnlessSure(
  { datapointsToAlarm }: AlarmRule,
  judged: AlarmState,
  { existing, previous }: { readonly existing: number; readonly previous: AlarmState },
): AlarmState {
  if (judged === "INSUFFICIENT_DATA") return previous;
  return judged === "ALARM" && existing < datapointsToAlarm ? previous : judged;
}

function countBreaching(rule: AlarmRule, datapoints: readonly number[]): number {
  return datapoints.filter((datapoint) => isBreaching(rule, datapoint)).length;
}

/** Whether a datapoint is on the wrong side of the threshold. */
export function isBreaching(
  { comparisonOperator, threshold }: Pick<AlarmRule, "comparisonOperator" | "threshold">,
  datapoint: number,
): boolean {
  switch (comparisonOperator) {
    case "GreaterThanThreshold":
      return datapoint > threshold;
    case "GreaterThanOrEqualToThreshold":
      return datapoint >= threshold;
    case "LessThanThreshold":
      return datapoint < threshold;
    case "LessThanOrEqualToThreshold":
      return datapoint <= threshold;
    default:
      return assertNever(comparisonOperator);
  }
}
