/** Lists of conditions as values: what is known of an object, one entry for each type. */
import type { ConditionOf, conditionReasons } from "../crds/names.ts";
import { type Instant, toSecondsRfc3339 } from "./time.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

/** A condition as it stands in a status. Times are RFC 3339. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number | undefined;
}

/** What a condition is to say now. */
export interface ConditionUpdate {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** Longest message (characters) that the schema of a condition allows: with a longer one the API server refuses the whole status. */
const longestMessage = 4_096;

/** An update of one of the conditions that objects of the kind have, with one of its reasons. */
export type UpdateOf<K extends keyof typeof conditionReasons> = ConditionUpdate & ConditionOf<K>;

/** The list with one condition replaced; its transition time moves only when its status does. Sorted by type. */
export function withCondition(list: readonly Condition[], next: ConditionUpdate, now: Instant): readonly Condition[] {
  const previous = findCondition(list, next.type);
  const lastTransitionTime = previous?.status === next.status ? previous.lastTransitionTime : toSecondsRfc3339(now);
  const others = list.filter((condition) => condition.type !== next.type);
  const message = next.message.slice(0, longestMessage).toWellFormed();
  return [...others, { ...next, message, lastTransitionTime }].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** The list with several conditions replaced. */
export function withConditions(
  list: readonly Condition[],
  updates: readonly ConditionUpdate[],
  now: Instant,
): readonly Condition[] {
  return updates.reduce<readonly Condition[]>((conditions, next) => withCondition(conditions, next, now), list);
}

export function findCondition(list: readonly Condition[] | undefined, type: string): Condition | undefined {
  return list?.find((condition) => condition.type === type);
}

export function isTrue(list: readonly Condition[] | undefined, type: string): boolean {
  return findCondition(list, type)?.status === "True";
}
