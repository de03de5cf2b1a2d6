/** What a decision for one (role, region) of a group follows from. */
import type { AlarmMetric, EdgeSource, Role, ScaleOutMode } from "../../crds/names.ts";
import type { RoleLoad } from "../load/role-load.ts";
import type { Instant } from "../time.ts";

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
export interface ScalingBehavior {
  readonly mode: ScaleOutMode;
  /** Most nodes of one step of scaling out. */
  readonly scaleAdjustment?: number;
  /** Competitive with a scaleAdjustment: how long after one step the next may come. Absent: at once. */
  readonly reevaluateMs?: number;
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
  /** Those of `counts.starting` that have taken longer than their warm-up: nobody waits for them. Absent: none. */
  readonly overdue?: number;
  /** Those of `counts.starting` that are not proved to be ours yet, as a restored one: none goes for them. Absent: none. */
  readonly unclaimed?: number;
  readonly capacity: CapacityFacts;
  readonly deleting: boolean;
  readonly pause: "None" | "Scaling" | "Everything";
  /** References are there and valid; without them everything is held as it is. */
  readonly resolved: boolean;
  /** A complete listing of the region's machines has been read and its machines adopted. */
  readonly adopted: boolean;
  readonly behavior: ScalingBehavior;
  readonly load: RoleLoad;
  /** Those of this role that scale. */
  readonly alarms: readonly StandingAlarm[];
  /** Scale-in requests of origins that are not forgotten yet, newest last; of edges only. */
  readonly requests: readonly { readonly origin: string; readonly node?: string }[];
  /** It was looked for a node to drain, and there is none that may go: the decision is taken anew with that. */
  readonly noVictim?: true;
  /** When an alarm last added nodes, and when that launch or a later drain had ended: the anchors of the cool-down. */
  readonly scaledOutAt?: Instant;
  readonly settledAt?: Instant;
}
