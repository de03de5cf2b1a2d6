/**
 * The load of a role, per (group, region) or per group, over the nodes that count: in service and not draining. It has three
 * values: known, stale, unknown. Unknown is not zero.
 */
import type { AlarmMetric } from "../../crds/names.ts";
import { assertNever } from "../result.ts";
import type { Instant } from "../time.ts";
import type { NodeLoad } from "./report.ts";

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
      /** Since when the load of every node that counts has been known without a gap. */
      readonly observedSince: Instant;
    } & LoadGauges);

/** In tenths of a node's capacity, the most connections that count for it: a larger figure does not tell how many nodes are missing. */
const mostCountedTenths = 11;

/** What of a node's load counts, of a node that can serve `capacity` connections. */
export function countedLoad(load: NodeLoad, capacity: number): NodeLoad {
  const most = mostCountedOf(capacity);
  if (load.connections <= most && load.publishers <= most && load.subscribers <= most) return load;
  return {
    ...load,
    connections: Math.min(load.connections, most),
    publishers: Math.min(load.publishers, most),
    subscribers: Math.min(load.subscribers, most),
  };
}

/** The most clients that are counted of a node that can serve `capacity` connections. */
export function mostCountedOf(capacity: number): number {
  return Math.ceil((mostCountedTenths * capacity) / 10);
}

/** Part of the capacity that counts whose silence makes the load stale. */
const stalePart = 10;

/** Whether so much of the capacity is silent that the rest does not tell the load: more than a tenth. */
export function isMostlySilent(silentCapacity: number, capacity: number): boolean {
  return silentCapacity * stalePart > capacity;
}

/** The gauge that a metric names, or undefined when no node tells it. */
export function gaugeOf(metric: AlarmMetric, gauges: LoadGauges): number | undefined {
  switch (metric) {
    case "ConnectionUtilization":
      return gauges.capacity > 0 ? (100 * gauges.connections) / gauges.capacity : undefined;
    case "Connections":
      return gauges.connections;
    case "Publishers":
      return gauges.publishers;
    case "Subscribers":
      return gauges.subscribers;
    case "CPUUtilization":
      return gauges.cpuPercent;
    case "MemoryUtilization":
      return gauges.memoryPercent;
    case "EgressMbps":
      return gauges.egressMbps;
    case "FreeSlots":
      return gauges.freeSlots;
    default:
      return assertNever(metric);
  }
}
