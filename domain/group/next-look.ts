/** When a group is looked at again though nothing was heard. Pure. */
import type { Decided } from "./group-status.ts";
import { type Instant, toRfc3339 } from "../time.ts";
import type { Pause } from "./pause.ts";

/** How soon (ms) to look again where no event is sure to come. */
export const lookAgainMs = 2_000;
/** How often (ms) a group with load is looked at, so that its status shows it. */
export const showMs = 30_000;
/** How long (ms) the local copy may lack a node that a settled batch has made, before the cluster itself is asked. */
export const unseenMs = 3_000;

/** When to look, and what for. */
export interface Look {
  readonly ms: number;
  readonly reason: string;
}

/** What of a group changes as time goes on. */
export interface TimedFacts {
  readonly now: Instant;
  /** What the wall clock says, for what people set. */
  readonly wall: Instant;
  readonly pause: Pause;
  /** Regions whose machines have not been read yet. */
  readonly unread: readonly unknown[];
  readonly expected: readonly { readonly launched: boolean }[];
}

/** Time itself may change what is to be done, or what is to be shown. */
export function untilNextLook(facts: TimedFacts, decided: readonly Decided[]): Look {
  const { unread, expected, now } = facts;
  if (unread.length > 0) return { ms: lookAgainMs, reason: "machines have not been read yet" };
  const looks: readonly Look[] = [
    { ms: showMs, reason: "its load is to be shown" },
    ...(expected.some(({ launched }) => launched) ? [{ ms: unseenMs, reason: "nodes are not seen yet" }] : []),
    ...pauseLooks(facts),
    ...decided.flatMap((entry) => looksAt(entry, now)),
  ];
  const { ms, reason } = looks.reduce((soonest, look) => (look.ms < soonest.ms ? look : soonest));
  return { ms: Math.max(1, ms), reason };
}

function pauseLooks({ pause, wall }: TimedFacts): readonly Look[] {
  if (!("until" in pause) || pause.until === undefined || pause.kind === "PauseEnded") return [];
  return [{ ms: pause.until - wall + 1, reason: `paused until ${toRfc3339(pause.until)}` }];
}

/** Where an alarm or an origin asks for another number of nodes, the answer may change as time goes on. */
function looksAt({ input, decision }: Decided, now: Instant): readonly Look[] {
  const { alarms, requests, counts, maxLimit, behavior } = input;
  const until = decision.kind === "Hold" ? decision.until : undefined;
  const wait = until === undefined ? [] : [{ ms: until - now, reason: decision.reason }];
  const asked = alarms.some(({ inAlarm }) => inAlarm) || requests.length > 0;
  const excess = counts.inService + counts.starting > maxLimit;
  const again = { ms: behavior.reevaluateMs ?? lookAgainMs, reason: "another number of nodes is asked for" };
  return asked || excess || decision.kind !== "Hold" ? [...wait, again] : wait;
}
