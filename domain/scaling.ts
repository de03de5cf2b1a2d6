/**
 * What is to be done for one (role, region) of a group, and why. Precedence: deletion > pause of everything > maximum >
 * minimum > alarms (design, section 5).
 */
import type { AlarmMetric, DrainReason, EdgeSource, LaunchReason, Role, ScaleOutMode } from "../crds/names.ts";
import type { RoleLoad } from "./role-load.ts";
import type { Instant } from "./time.ts";

/** Rises when the same input may be answered differently; recorded with each decision. */
export const deciderVersion = 2;

/** Nodes of one (role, region), by what they count for. */
export interface NodeCounts {
  readonly inService: number;
  /** Asked for, booting, waiting, or not readable: they count as coming. Unknown is not zero. */
  readonly starting: number;
  /** Count for the maximum only. */
  readonly draining: number;
  /** Count for neither. */
  readonly terminating: number;
}

/** Connections. */
export interface CapacityFacts {
  /** Of a node that would be launched now; 0: the launch config does not name the role. */
  readonly newNode: number;
  /** Of the starting nodes that are within their warm-up: it is coming. */
  readonly coming: number;
  /** Of the largest node in service: what a scale-in may take away. */
  readonly largest: number;
}

/** An alarm in the state that it has here. */
export interface StandingAlarm {
  readonly name: string;
  readonly metric: AlarmMetric;
  readonly threshold: number;
  readonly action: "ScaleOut" | "ScaleIn";
  readonly inAlarm: boolean;
  /** When it entered its state. */
  readonly since: Instant;
}

/** How the policy wants nodes to be added and removed. Times in ms. */
export interface ScalingManner {
  readonly mode: ScaleOutMode;
  /** Most nodes of one step of scaling out. */
  readonly scaleAdjustment?: number;
  readonly scaleOutWaitMs: number;
  readonly scaleInWaitMs: number;
  readonly coolDownMs: number;
  readonly stabilizationMs: number;
  readonly edgeSources: readonly EdgeSource[];
}

/** All that a decision follows from. It is recorded as JSON and replayed. */
export interface ScalingInput {
  readonly role: Role;
  readonly region: string;
  readonly now: Instant;
  readonly minLimit: number;
  readonly maxLimit: number;
  readonly counts: NodeCounts;
  readonly capacity: CapacityFacts;
  readonly deleting: boolean;
  readonly pause: "None" | "Scaling" | "Everything";
  /** References are there and valid; without them everything is held as it is. */
  readonly resolved: boolean;
  /** A complete listing of the region's machines has been read and its machines adopted. */
  readonly adopted: boolean;
  readonly manner: ScalingManner;
  readonly load: RoleLoad;
  /** Those of this role that scale. */
  readonly alarms: readonly StandingAlarm[];
  /** Scale-in requests of origins that are not forgotten yet, newest last; of edges only. */
  readonly requests: readonly { readonly origin: string; readonly node?: string }[];
  /** When an alarm last added nodes, and when the last launch or drain had ended: the anchors of the cool-down. */
  readonly scaledOutAt?: Instant;
  readonly settledAt?: Instant;
}

export type HoldReason =
  | "Deleting"
  | "EverythingPaused"
  | "NotResolved"
  | "AwaitingListing"
  /** Over the maximum, and what is over cannot go yet. */
  | "AboveMaximum"
  | "MaximumReached"
  /** Nothing is asked for. */
  | "MinimumMet"
  /** An alarm asks for more, and what is booting will do. */
  | "CapacityComing"
  /** A launch or a drain has not ended. */
  | "OperationInProgress"
  | "CoolingDown"
  /** The alarm has not lasted for as long as the policy wants. */
  | "AwaitingAlarm"
  /** The load is stale or unknown. */
  | "NoData"
  | "ScalingPaused"
  /** The stabilization window is not over, or the peak within it forbids it. */
  | "Stabilizing"
  | "MinimumReached"
  /** The rest would be over a threshold for scaling out. */
  | "LoadTooHigh"
  /** No node may go: each is the last parent of an edge. */
  | "NoVictim";

export type ScalingDecision =
  | {
      readonly kind: "LaunchNodes";
      readonly count: number;
      readonly desired: number;
      readonly reason: LaunchReason;
      readonly message: string;
      /** What made the step smaller than what was asked for. */
      readonly limitedBy?: "Maximum" | "ScaleAdjustment";
    }
  | {
      /** One node of this (role, region) is to be drained; `rankVictims` says which. */
      readonly kind: "DrainNode";
      readonly desired: number;
      readonly reason: DrainReason;
      readonly message: string;
      /** The edge that its origin asked for. */
      readonly node?: string;
    }
  | {
      readonly kind: "Hold";
      readonly desired: number;
      readonly reason: HoldReason;
      readonly message: string;
      /** Nodes that would be launched if nothing held them back. */
      readonly wouldLaunch: number;
    };
/** The decision for one (role, region): never above the maximum, never below the minimum while it can be helped. */
export function decideScaling(input: ScalingInput): ScalingDecision {
  const { minLimit, maxLimit, counts } = input;
  if (input.deleting) return hold(0, "Deleting", "the group is being deleted: its nodes are terminated");
  const present = counts.inService + counts.starting;
  const desired = Math.min(Math.max(present, minLimit), maxLimit);
  const missing = Math.max(0, minLimit - present);
  const room = Math.max(0, maxLimit - present - counts.draining);
  const count = Math.min(missing, room);
  const facts = describe(input, present);
  const blocked = obstacle(input);
  if (blocked !== undefined) {
    const wouldLaunch = input.resolved ? count : 0;
    const would = wouldLaunch > 0 ? `: would launch ${wouldLaunch}` : "";
    return hold(desired, blocked.reason, `${blocked.message}; ${facts}${would}`, wouldLaunch);
  }
  if (count > 0)
    return { kind: "LaunchNodes", count, desired, reason: "BelowMinimum", message: `${facts}: launching ${count}` };
  if (present > maxLimit) return hold(desired, "AboveMaximum", `${facts}: nothing is launched`);
  if (missing > 0) return hold(desired, "MaximumReached", `${facts}: no room under the maximum while nodes drain`);
  return hold(desired, "MinimumMet", facts);
}

function hold(desired: number, reason: HoldReason, message: string, wouldLaunch = 0): ScalingDecision {
  return { kind: "Hold", desired, reason, message, wouldLaunch };
}

function obstacle(input: ScalingInput): { readonly reason: HoldReason; readonly message: string } | undefined {
  if (!input.resolved) return { reason: "NotResolved", message: "launch config or scale policy is missing or invalid" };
  if (input.everythingPaused) return { reason: "EverythingPaused", message: "everything is paused" };
  if (!input.adopted)
    return { reason: "AwaitingListing", message: `the machines of ${input.region} have not been read yet` };
  return undefined;
}

function describe({ role, region, minLimit, maxLimit, counts }: ScalingInput, present: number): string {
  const draining = counts.draining > 0 ? `, ${counts.draining} draining` : "";
  return `${present} ${role} ${present === 1 ? "node" : "nodes"} in ${region} (${counts.inService} in service${draining}), minimum ${minLimit}, maximum ${maxLimit}`;
}
