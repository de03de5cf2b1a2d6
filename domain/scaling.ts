/**
 * What is to be done for one (role, region) of a group, and why. Precedence: deletion > pause of everything > maximum >
 * minimum (design, section 5). Alarms come after the minimum.
 */
import type { Role } from "../crds/names.ts";

/** Rises when the same input may be answered differently; recorded with each decision. */
export const deciderVersion = 1;

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

export interface ScalingInput {
  readonly role: Role;
  readonly region: string;
  readonly minLimit: number;
  readonly maxLimit: number;
  readonly counts: NodeCounts;
  readonly deleting: boolean;
  readonly everythingPaused: boolean;
  /** References are there and valid; without them everything is held as it is. */
  readonly resolved: boolean;
  /** A complete listing of the region's machines has been read and its machines adopted. */
  readonly adopted: boolean;
}

export type HoldReason =
  | "Deleting"
  | "EverythingPaused"
  | "NotResolved"
  | "AwaitingListing"
  | "AboveMaximum"
  | "MaximumReached"
  | "MinimumMet";

export type ScalingDecision =
  | {
      readonly kind: "LaunchNodes";
      readonly count: number;
      readonly desired: number;
      readonly reason: "BelowMinimum";
      readonly message: string;
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
