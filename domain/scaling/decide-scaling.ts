/**
 * What is to be done for one (role, region) of a group, and why. Precedence: deletion > pause of everything > maximum >
 * minimum > alarms > requests of origins.
 */
import { scaleInVerdict } from "./scale-in.ts";
import { scaleOutVerdict } from "./scale-out.ts";
import { heldBack, holding, type ScalingDecision, type Verdict } from "./scaling-decision.ts";
import type { ScalingInput } from "./scaling-input.ts";

export type { HoldReason, ScalingDecision } from "./scaling-decision.ts";
export type {
  CapacityFacts,
  NodeCounts,
  ScalingInput,
  ScalingBehavior as ScalingBehavior,
  StandingAlarm,
} from "./scaling-input.ts";

/** Rises when the same input may be answered differently; recorded with each decision. */
export const deciderVersion = 2;

/** The decision for one (role, region): no launch above the maximum that is known, and none below the minimum that can be helped. */
export function decideScaling(input: ScalingInput): ScalingDecision {
  if (!input.deleting) return decisionOf(input, verdictOf(input));
  const message = "the group is being deleted: its nodes are terminated";
  return { kind: "Hold", desired: 0, reason: "Deleting", message, wouldLaunch: 0 };
}

function verdictOf(input: ScalingInput): Verdict {
  if (!input.resolved) {
    const words = "launch config or scale policy is missing or invalid";
    return heldBack({ reason: "NotResolved", words }, holding("NotResolved", ""));
  }
  const free = ifVictim(input, limitsVerdict(input) ?? alarmsVerdict(input));
  if (input.pause === "Everything")
    return heldBack({ reason: "EverythingPaused", words: "everything is paused" }, free);
  if (input.adopted) return free;
  return heldBack({ reason: "AwaitingListing", words: `the machines of ${input.region} have not been read yet` }, free);
}

/** What the limits ask for, whatever the load is. It starts no cool-down, and neither mode nor step holds it. */
function limitsVerdict({ minLimit, maxLimit, counts, unclaimed = 0 }: ScalingInput): Verdict | undefined {
  const present = counts.inService + counts.starting;
  if (present - unclaimed > maxLimit) return excessVerdict(counts);
  const missing = minLimit - present;
  if (missing <= 0) return undefined;
  const room = maxLimit - present - counts.draining;
  if (room <= 0) return holding("MaximumReached", "no room under the maximum while nodes drain");
  if (room >= missing) return { kind: "Launch", count: missing, reason: "BelowMinimum", because: "" };
  const because = `${missing} are missing, but nodes that drain count for the maximum`;
  return { kind: "Launch", count: room, reason: "BelowMinimum", because, limitedBy: "Maximum" };
}

function excessVerdict({ draining, terminating }: ScalingInput["counts"]): Verdict {
  if (draining + terminating === 0) return { kind: "Drain", reason: "AboveMaximum", because: "" };
  const because = `nothing is launched, and what is over the maximum goes one at a time, after ${draining} draining and ${terminating} terminating`;
  return holding("AboveMaximum", because);
}

/** An alarm that scales out goes before whatever scales in. */
function alarmsVerdict(input: ScalingInput): Verdict {
  const asked = scaleOutVerdict(input) ?? scaleInVerdict(input);
  if (asked === undefined) return holding("MinimumMet", "");
  return input.pause === "Scaling" ? heldBack({ reason: "ScalingPaused", words: "scaling is paused" }, asked) : asked;
}

function ifVictim({ noVictim }: ScalingInput, verdict: Verdict): Verdict {
  if (noVictim !== true || verdict.kind !== "Drain") return verdict;
  const cause = verdict.because === "" ? "" : `${verdict.because}, but `;
  return holding("NoVictim", `${cause}none may go: each is the last parent of an edge`);
}

function decisionOf(input: ScalingInput, verdict: Verdict): ScalingDecision {
  const desired = desiredOf(input, verdict);
  const message = sentence(input, verdict);
  if (verdict.kind === "Launch") {
    const { count, reason, limitedBy } = verdict;
    return { kind: "LaunchNodes", count, desired, reason, message, ...(limitedBy !== undefined && { limitedBy }) };
  }
  if (verdict.kind === "Drain") {
    const { reason, node } = verdict;
    return { kind: "DrainNode", desired, reason, message, ...(node !== undefined && { node }) };
  }
  const { reason, would, until } = verdict;
  return {
    kind: "Hold",
    desired,
    reason,
    message,
    wouldLaunch: would?.kind === "Launch" ? would.count : 0,
    ...(would?.kind === "Drain" && { wouldDrain: true }),
    ...(until !== undefined && { until }),
  };
}

function desiredOf({ minLimit, maxLimit, counts }: ScalingInput, verdict: Verdict): number {
  const present = counts.inService + counts.starting;
  const change = verdict.kind === "Launch" ? verdict.count : verdict.kind === "Drain" ? -1 : 0;
  return Math.min(Math.max(present + change, minLimit), maxLimit);
}

function sentence(input: ScalingInput, verdict: Verdict): string {
  const obstacle = verdict.kind === "Hold" ? verdict.obstacle : undefined;
  const parts = [obstacle, countsOf(input), verdict.because].filter((part) => part !== undefined && part !== "");
  return `${parts.join("; ")}${ending(verdict)}`;
}

function ending(verdict: Verdict): string {
  if (verdict.kind !== "Hold") return `: ${verdict.kind === "Launch" ? `launching ${verdict.count}` : "draining 1"}`;
  if (verdict.would === undefined) return "";
  return `: would ${verdict.would.kind === "Launch" ? `launch ${verdict.would.count}` : "drain 1"}`;
}

function countsOf({ role, region, minLimit, maxLimit, counts }: ScalingInput): string {
  const present = counts.inService + counts.starting;
  const draining = counts.draining > 0 ? `, ${counts.draining} draining` : "";
  return `${present} ${role} ${present === 1 ? "node" : "nodes"} in ${region} (${counts.inService} in service${draining}), minimum ${minLimit}, maximum ${maxLimit}`;
}
