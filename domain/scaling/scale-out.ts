/** What the alarms that scale out make of it: how many nodes are missing, and what keeps them from being launched. */
import { holding, type Verdict } from "./scaling-decision.ts";
import type { ScalingInput, StandingAlarm } from "./scaling-input.ts";
import { bootingOf, type KnownLoad, type Shortage, shortageOf } from "./shortage.ts";
import { addMs, type Instant, instant, toSecondsRfc3339 } from "../time.ts";

/** Undefined: no alarm asks for more. */
export function scaleOutVerdict(input: ScalingInput): Verdict | undefined {
  const inAlarm = input.alarms.filter(({ action, inAlarm }) => action === "ScaleOut" && inAlarm);
  const [first] = inAlarm;
  if (first === undefined) return undefined;
  const { now, behavior, load, role, capacity } = input;
  const due = inAlarm.filter(({ since }) => addMs(since, behavior.scaleOutWaitMs) <= now);
  if (due.length === 0) return awaiting(inAlarm, behavior.scaleOutWaitMs);
  if (load.kind !== "Known")
    return holding("NoData", `${first.name} in ALARM, but the load is ${load.kind.toLowerCase()}`);
  if (capacity.newNode <= 0) {
    return holding("NotResolved", `${first.name} in ALARM, but the launch config has no entry for role ${role}`);
  }
  return answer(input, due, load);
}

/** The verdict while alarms of one kind have not lasted for as long as the policy wants. */
export function awaiting(inAlarm: readonly StandingAlarm[], waitMs: number): Verdict {
  const oldest = inAlarm.reduce((one, other) => (other.since < one.since ? other : one));
  const until = addMs(oldest.since, waitMs);
  const because = `${oldest.name} in ALARM, and must be for ${waitMs / 1_000} s, until ${toSecondsRfc3339(until)}`;
  return holding("AwaitingAlarm", because, until);
}

function answer(input: ScalingInput, due: readonly StandingAlarm[], load: KnownLoad): Verdict {
  const found = due.map((alarm) => shortageOf(alarm, input, load));
  const known = found.filter((shortage) => shortage.nodes !== undefined);
  const largest = known.reduce<Shortage | undefined>(larger, undefined);
  if (largest?.nodes !== undefined && largest.nodes > 0) return step(input, largest.nodes, largest.because);
  const untold = found.find(({ nodes }) => nodes === undefined);
  if (untold !== undefined) return holding("NoData", untold.because);
  return holding("CapacityComing", largest?.because ?? "");
}

function larger(one: Shortage | undefined, other: Shortage): Shortage {
  return one === undefined || (other.nodes ?? 0) > (one.nodes ?? 0) ? other : one;
}

/** One step towards as many nodes as are missing, if nothing stands in its way. */
function step(input: ScalingInput, missing: number, cause: string): Verdict {
  const { counts, maxLimit, behavior } = input;
  const takes = `${cause}, which takes ${missing} more`;
  const room = maxLimit - counts.inService - counts.starting - counts.draining;
  if (room <= 0) return holding("MaximumReached", `${takes}, but there is no room under the maximum`);
  const held = behavior.mode === "Rigid" ? rigidHold(input, takes) : betweenSteps(input, takes);
  if (held !== undefined) return held;
  const wanted = Math.min(missing, behavior.scaleAdjustment ?? (behavior.mode === "Rigid" ? 1 : missing));
  const launch = { kind: "Launch", count: Math.min(wanted, room), reason: "Alarm" } as const;
  if (room < wanted) return { ...launch, because: `${takes}, as far as the maximum has room`, limitedBy: "Maximum" };
  if (wanted < missing) return { ...launch, because: `${takes}, ${wanted} in a step`, limitedBy: "ScaleAdjustment" };
  return { ...launch, because: cause };
}

function rigidHold(input: ScalingInput, takes: string): Verdict | undefined {
  const { counts, behavior, now, scaledOutAt, settledAt } = input;
  const { draining, terminating } = counts;
  const starting = bootingOf(input);
  if (starting + draining + terminating > 0) {
    const because = `${takes}, but Rigid waits for ${starting} starting, ${draining} draining, ${terminating} terminating`;
    return holding("OperationInProgress", because);
  }
  const ended = Math.max(scaledOutAt ?? 0, settledAt ?? 0);
  return ended === 0 ? undefined : coolingDown(addMs(instant(ended), behavior.coolDownMs), now, takes);
}

/** The wait between two steps: without it the next look would add again before the last step has had any effect. */
function betweenSteps({ behavior, now, scaledOutAt }: ScalingInput, takes: string): Verdict | undefined {
  const { scaleAdjustment, reevaluateMs } = behavior;
  if (scaleAdjustment === undefined || reevaluateMs === undefined || scaledOutAt === undefined) return undefined;
  return coolingDown(addMs(scaledOutAt, reevaluateMs), now, takes);
}

function coolingDown(until: Instant, now: Instant, takes: string): Verdict | undefined {
  if (now >= until) return undefined;
  return holding("CoolingDown", `${takes}, but the last step cools down until ${toSecondsRfc3339(until)}`, until);
}
