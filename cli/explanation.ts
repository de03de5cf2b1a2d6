/** A recorded decision in words, and whether its input still leads to the same answer. */
import type { ScalingActivity } from "../domain/history.ts";
import { decideScaling, deciderVersion, type ScalingInput } from "../domain/scaling/decide-scaling.ts";
import { toRfc3339 } from "../domain/time.ts";
import { messageOf } from "../runtime/thrown.ts";

/** What a decider says of an input. */
export interface Answer {
  readonly kind: string;
  readonly reason: string;
  readonly message: string;
}

export interface Decider {
  readonly version: number;
  decide(input: unknown): Answer;
}

/** The one of this version of the product. An input of another version may make it throw. */
export const ownDecider: Decider = { version: deciderVersion, decide: (input) => decideScaling(toScalingInput(input)) };

/** Of 0.1.0: what is `behavior` since. */
const formerBehavior = "manner";

function toScalingInput(recorded: unknown): ScalingInput {
  const { [formerBehavior]: behavior, ...input } = recorded as Readonly<Record<string, unknown>>;
  return (behavior === undefined ? recorded : { ...input, behavior }) as ScalingInput;
}

export type Replay =
  | { readonly kind: "Identical" }
  /** Of the same version, and yet another answer: a defect. `now` is absent where there was none. */
  | { readonly kind: "Different"; readonly now?: Answer; readonly problem?: string }
  /** Recorded by another version, which may well have answered otherwise. */
  | { readonly kind: "OtherVersion"; readonly now?: Answer; readonly problem?: string };

/** Puts the recorded input to the decider again. */
export function replay(activity: ScalingActivity, decider: Decider = ownDecider): Replay {
  const result = attempt(activity.input, decider);
  if (activity.deciderVersion !== decider.version) return { kind: "OtherVersion", ...result };
  return result.now !== undefined && isSame(activity, result.now)
    ? { kind: "Identical" }
    : { kind: "Different", ...result };
}

function attempt(input: unknown, decider: Decider): { readonly now?: Answer; readonly problem?: string } {
  try {
    const { kind, reason, message } = decider.decide(input);
    return { now: { kind, reason, message } };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function isSame(recorded: Answer, now: Answer): boolean {
  return recorded.kind === now.kind && recorded.reason === now.reason && recorded.message === now.message;
}

export interface Explained {
  readonly activity: ScalingActivity;
  readonly replay: Replay;
}

/** A few lines about one decision. */
export function explanation({ activity, replay: replayed }: Explained): string {
  const { role, region, kind, reason, message, latestMessage, firstAt } = activity;
  return [
    `${toRfc3339(firstAt)}  ${role} ${region}  ${kind} ${reason}`,
    `  ${message}`,
    ...(latestMessage === undefined ? [] : [`  at last: ${latestMessage}`]),
    `  ${timesSaid(activity)}; ${replayText(activity, replayed)}`,
  ].join("\n");
}

function timesSaid({ count, lastAt }: ScalingActivity): string {
  return count === 1 ? "said once" : `said ${count} times until ${toRfc3339(lastAt)}`;
}

function replayText({ deciderVersion: version }: ScalingActivity, replayed: Replay): string {
  switch (replayed.kind) {
    case "Identical":
      return "replays identically";
    case "Different":
      return `DOES NOT REPLAY, which is a defect: decider ${version} now ${answerText(replayed)}`;
    case "OtherVersion":
      return `said by decider ${version}; that of today ${answerText(replayed)}`;
  }
}

function answerText({ now, problem }: { readonly now?: Answer; readonly problem?: string }): string {
  if (now === undefined) return `has no answer (${problem ?? ""})`;
  return `says ${now.kind} ${now.reason}\n    ${now.message}`;
}

/** `100 decisions, 100 replay identically`. */
export function summaryOf(explained: readonly Explained[]): string {
  const count = (kind: Replay["kind"]): number => explained.filter(({ replay: { kind: of } }) => of === kind).length;
  const [different, other] = [count("Different"), count("OtherVersion")];
  return [
    explained.length === 1 ? "1 decision" : `${explained.length} decisions`,
    `${count("Identical")} replay identically`,
    ...(other > 0 ? [`${other} of another decider`] : []),
    ...(different > 0 ? [`${different} DIFFER`] : []),
  ].join(", ");
}

/** A record with its replay, as `--json` prints it. */
export function explainedJson({ activity, replay: replayed }: Explained): Readonly<Record<string, unknown>> {
  const { firstAt, lastAt, ...rest } = activity;
  return { ...rest, firstAt: toRfc3339(firstAt), lastAt: toRfc3339(lastAt), replay: replayed };
}
