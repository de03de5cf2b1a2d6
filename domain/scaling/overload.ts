/** Whether the nodes that are left, when the largest has gone, would be over a threshold for scaling out. */
import type { ScalingInput, StandingAlarm } from "./scaling-input.ts";
import type { KnownLoad } from "./shortage.ts";

/** What the rest would have to bear: connections, and sums of percent over the nodes; undefined where nobody tells. */
export interface Demand {
  readonly connections: number;
  readonly cpuPercent: number | undefined;
  readonly memoryPercent: number | undefined;
}

/** `NotTold`: an alarm watches what no node tells, so that nobody can say. */
export interface Overload {
  readonly kind: "Over" | "NotTold";
  /** With numbers. */
  readonly words: string;
}

interface Rest {
  readonly capacity: number;
  readonly nodes: number;
}

export function demandNow(load: KnownLoad): Demand {
  const { connections, nodes, cpuPercent, memoryPercent } = load;
  return { connections, cpuPercent: sumOf(cpuPercent, nodes), memoryPercent: sumOf(memoryPercent, nodes) };
}

/** Never less than now: the two are read at different moments. */
export function peakDemand(load: KnownLoad): Demand {
  const now = demandNow(load);
  const { connections, cpuPercent, memoryPercent } = load.peak;
  return {
    connections: Math.max(now.connections, connections),
    cpuPercent: higher(now.cpuPercent, cpuPercent),
    memoryPercent: higher(now.memoryPercent, memoryPercent),
  };
}

/** The first threshold that the rest would be over, with the demand given; every rest has to hold the connections. */
export function overloadOf(
  { alarms, capacity }: Pick<ScalingInput, "alarms" | "capacity">,
  load: KnownLoad,
  demand: Demand,
): Overload | undefined {
  // The largest is no smaller than the mean, whatever was read when.
  const largest = Math.max(capacity.largest, load.nodes > 0 ? load.capacity / load.nodes : 0);
  const rest = { capacity: Math.max(0, Math.floor(load.capacity - largest)), nodes: load.nodes - 1 };
  if (demand.connections > rest.capacity) {
    return over(`${demand.connections} connections would not fit on the ${rest.capacity} that are left`);
  }
  for (const alarm of alarms) {
    const overload = alarm.action === "ScaleOut" ? overThreshold(alarm, rest, demand) : undefined;
    if (overload !== undefined) return overload;
  }
  return undefined;
}

function overThreshold({ metric, threshold }: StandingAlarm, rest: Rest, demand: Demand): Overload | undefined {
  switch (metric) {
    case "ConnectionUtilization":
      if (100 * demand.connections <= threshold * rest.capacity) return undefined;
      return over(
        `${demand.connections} connections would be over ${threshold} % of the ${rest.capacity} that are left`,
      );
    case "FreeSlots":
      if (rest.capacity - demand.connections >= threshold) return undefined;
      return over(`${rest.capacity - demand.connections} free slots would be under ${threshold}`);
    case "CPUUtilization":
      return overMean("CPU", demand.cpuPercent, { threshold, rest });
    case "MemoryUtilization":
      return overMean("memory", demand.memoryPercent, { threshold, rest });
    case "Connections":
    case "Publishers":
    case "Subscribers":
    case "EgressMbps":
      // They do not change when a node goes.
      return undefined;
  }
}

/** A mean over the nodes that stay (CPU, memory): without the last node there is none, and nothing that could be too much. */
function overMean(
  what: string,
  sum: number | undefined,
  { threshold, rest }: { readonly threshold: number; readonly rest: Rest },
): Overload | undefined {
  if (rest.nodes === 0) return undefined;
  if (sum === undefined) return { kind: "NotTold", words: `no node tells its ${what}` };
  if (sum <= threshold * rest.nodes) return undefined;
  const mean = Math.round((sum / rest.nodes) * 10) / 10;
  return over(`${what} of ${mean} % would be over ${threshold} % on the ${rest.nodes} nodes that are left`);
}

function over(words: string): Overload {
  return { kind: "Over", words };
}

function sumOf(mean: number | undefined, nodes: number): number | undefined {
  return mean === undefined ? undefined : mean * nodes;
}

/** What nobody tells now is not known, whatever was told before. */
function higher(now: number | undefined, peak: number | undefined): number | undefined {
  return now === undefined ? undefined : Math.max(now, peak ?? now);
}
