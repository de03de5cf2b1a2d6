/** What can be decided for one (role, region) of a group. */
import type { DrainReason, LaunchReason } from "../../crds/names.ts";
import type { Instant } from "../time.ts";

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
      /** A node would be drained if nothing held it back; absent: none. */
      readonly wouldDrain?: true;
      /** When the passing of time alone may change it. */
      readonly until?: Instant;
    };

/** Something to be done; `because` is the middle of its sentence, without the counts before and what is done behind. */
export type ScalingAction =
  | {
      readonly kind: "Launch";
      readonly count: number;
      readonly reason: LaunchReason;
      readonly because: string;
      readonly limitedBy?: "Maximum" | "ScaleAdjustment";
    }
  | { readonly kind: "Drain"; readonly reason: DrainReason; readonly because: string; readonly node?: string };

/** Why nothing is done; where an obstacle stands before all else, also what would be done without it. */
export interface Holding {
  readonly kind: "Hold";
  readonly reason: HoldReason;
  readonly because: string;
  readonly until?: Instant;
  readonly obstacle?: string;
  readonly would?: ScalingAction;
}

/** What was found, before it is put into a sentence. */
export type Verdict = ScalingAction | Holding;

export function holding(reason: HoldReason, because: string, until?: Instant): Holding {
  return { kind: "Hold", reason, because, ...(until !== undefined && { until }) };
}

/** The verdict that an obstacle keeps from being carried out. */
export function heldBack(obstacle: { readonly reason: HoldReason; readonly words: string }, free: Verdict): Holding {
  const { reason, words } = obstacle;
  const would = free.kind === "Hold" ? undefined : free;
  return { kind: "Hold", reason, because: free.because, obstacle: words, ...(would !== undefined && { would }) };
}
