/**
 * The load of a role, per (group, region) or per group, over the nodes that count: in service and not draining. It has three
 * values: known, stale, unknown. Unknown is not zero.
 */
import type { Instant } from "./time.ts";

/** Gauges over the nodes that count and whose report is fresh. A stale node leaves numerator and denominator. */
export interface LoadGauges {
  readonly connections: number;
  readonly publishers: number;
  readonly subscribers: number;
  /** Connections that these nodes can serve. */
  readonly capacity: number;
  /** How many nodes they are. */
  readonly nodes: number;
  /** Connections that they could still take: the sum of what each has left. */
  readonly freeSlots: number;
  /** Mean over the nodes that tell it. */
  readonly cpuPercent?: number;
  readonly memoryPercent?: number;
  /** Mbit/s: sum over the nodes that tell it. */
  readonly egressMbps?: number;
}

/** The highest demand within the stabilization window, now included. */
export interface PeakDemand {
  readonly connections: number;
  /** Highest sum of CPU percent over the nodes, and of memory. */
  readonly cpuPercent?: number;
  readonly memoryPercent?: number;
}

export type RoleLoad =
  /** No node counts, or none of them has ever been heard of here. */
  | { readonly kind: "Unknown"; readonly nodes: number }
  /** More than a tenth of the capacity that counts is silent: what the others say is not the load. */
  | {
      readonly kind: "Stale";
      readonly nodes: number;
      readonly staleNodes: number;
      readonly capacity: number;
      readonly staleCapacity: number;
    }
  | ({
      readonly kind: "Known";
      /** Nodes that count and are silent: at most a tenth of the capacity. Nothing scales in while there are any. */
      readonly staleNodes: number;
      readonly peak: PeakDemand;
      /** Since when the load has been known without a gap. */
      readonly observedSince: Instant;
    } & LoadGauges);
