/**
 * Whether a node may go because the load no longer needs it. Absence of evidence never lets one go: the load of every node
 * has to be known, for a whole stabilization window, and the peak of that window has to fit on the rest.
 */
import { demandNow, overloadOf, peakDemand } from "./overload.ts";
import { awaiting } from "./scale-out.ts";
import { type ScalingAction, holding, type HoldReason, type Verdict } from "./scaling-decision.ts";
import type { ScalingInput, StandingAlarm } from "./scaling-input.ts";
import { bootingOf, type KnownLoad } from "./shortage.ts";
import { addMs, type Instant, toSecondsRfc3339 } from "../time.ts";

/** Undefined: nothing asks for fewer. */
export function scaleInVerdict(input: ScalingInput): Verdict | undefined {
  const { now, behavior, role, requests } = input;
  const inAlarm = judgedByManager(input) ? input.alarms.filter(scalesIn) : [];
  const due = inAlarm.find(({ since }) => addMs(since, behavior.scaleInWaitMs) <= now);
  if (due !== undefined) return unlessObstacle(input, { ...drain, reason: "ScaleIn", because: `${due.name} in ALARM` });
  const request = role === "edge" && behavior.edgeSources.includes("Origin") ? requests.at(-1) : undefined;
  if (request !== undefined) return unlessObstacle(input, requested(request));
  return inAlarm.length === 0 ? undefined : awaiting(inAlarm, behavior.scaleInWaitMs);
}

const drain = { kind: "Drain" } as const;

/** Origins and the rest always are; edges where the policy says so. */
function judgedByManager({ role, behavior }: ScalingInput): boolean {
  return role !== "edge" || behavior.edgeSources.includes("Manager");
}

function scalesIn({ action, inAlarm }: StandingAlarm): boolean {
  return action === "ScaleIn" && inAlarm;
}

function requested({ origin, node }: ScalingInput["requests"][number]): ScalingAction {
  const because = `${origin} asks for ${node ?? "an edge"} to go`;
  return { ...drain, reason: "Requested", because, ...(node !== undefined && { node }) };
}

interface Obstacle {
  readonly reason: HoldReason;
  readonly words: string;
  readonly until?: Instant;
}

function unlessObstacle(input: ScalingInput, action: ScalingAction): Verdict {
  const obstacle = obstacleOf(input);
  if (obstacle === undefined) return action;
  return holding(obstacle.reason, `${action.because}, but ${obstacle.words}`, obstacle.until);
}

function obstacleOf(input: ScalingInput): Obstacle | undefined {
  const { load } = input;
  if (load.kind !== "Known") return { reason: "NoData", words: `the load is ${load.kind.toLowerCase()}` };
  return silence(input, load) ?? shortObservation(input, load) ?? countObstacle(input) ?? loadObstacle(input, load);
}

/** Load and counts are read apart: where they do not tell of the same nodes, one of them is old. */
function silence({ counts }: ScalingInput, { staleNodes, nodes }: KnownLoad): Obstacle | undefined {
  if (staleNodes === 0 && nodes === counts.inService) return undefined;
  const words = `the load is that of ${nodes} nodes, with ${counts.inService} in service and ${staleNodes} silent`;
  return { reason: "NoData", words };
}

function shortObservation({ now, behavior }: ScalingInput, { observedSince }: KnownLoad): Obstacle | undefined {
  const until = addMs(observedSince, behavior.stabilizationMs);
  if (until <= now) return undefined;
  const window = `${behavior.stabilizationMs / 1_000} s`;
  const words = `the load has to be observed for ${window}, until ${toSecondsRfc3339(until)}`;
  return { reason: "Stabilizing", words, until };
}

/** Whether the numbers of nodes let one go: the same for a decision and for an origin that asks. */
export function roomToDrain(place: Pick<ScalingInput, "counts" | "overdue" | "minLimit">): {
  /** Nodes that start within their warm-up. One that takes longer may never serve, and is not waited for. */
  readonly booting: number;
  /** Another node comes or goes. */
  readonly isBusy: boolean;
  /** One node less in service would be below the minimum. */
  readonly atMinimum: boolean;
} {
  const { inService, draining, terminating } = place.counts;
  const booting = bootingOf(place);
  return { booting, isBusy: booting + draining + terminating > 0, atMinimum: inService - 1 < place.minLimit };
}

function countObstacle(input: ScalingInput): Obstacle | undefined {
  const { draining, terminating } = input.counts;
  const { booting, isBusy, atMinimum } = roomToDrain(input);
  if (isBusy) {
    const words = `one node at a time: ${booting} starting, ${draining} draining, ${terminating} terminating`;
    return { reason: "OperationInProgress", words };
  }
  return atMinimum ? { reason: "MinimumReached", words: "the minimum keeps it" } : undefined;
}

function loadObstacle(input: ScalingInput, load: KnownLoad): Obstacle | undefined {
  const now = overloadOf(input, load, demandNow(load));
  if (now?.kind === "NotTold") return { reason: "NoData", words: now.words };
  if (now !== undefined) return { reason: "LoadTooHigh", words: now.words };
  const peak = overloadOf(input, load, peakDemand(load));
  if (peak === undefined) return undefined;
  return {
    reason: "Stabilizing",
    words: `by the peak of the last ${input.behavior.stabilizationMs / 1_000} s ${peak.words}`,
  };
}
