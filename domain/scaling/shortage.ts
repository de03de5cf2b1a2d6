/** How many nodes are missing, by the metric of an alarm that scales out. */
import type { RoleLoad } from "../load/role-load.ts";
import type { ScalingInput, StandingAlarm } from "./scaling-input.ts";

export type KnownLoad = Extract<RoleLoad, { readonly kind: "Known" }>;

export interface Shortage {
  /** 0 or less: what is there and what is coming will do. Undefined: no node tells the metric. */
  readonly nodes: number | undefined;
  /** With the numbers that it follows from. */
  readonly because: string;
}

type Facts = Pick<ScalingInput, "capacity" | "counts" | "overdue" | "behavior">;

/** Nodes that are coming within their warm-up. */
export function bootingOf({ counts, overdue = 0 }: Pick<ScalingInput, "counts" | "overdue">): number {
  return Math.max(0, counts.starting - overdue);
}

export function shortageOf(alarm: StandingAlarm, facts: Facts, load: KnownLoad): Shortage {
  switch (alarm.metric) {
    case "ConnectionUtilization":
      return ofConnections(alarm, facts, load);
    case "CPUUtilization":
      return ofMean(alarm, facts, { what: "CPU", percent: load.cpuPercent, nodes: load.nodes });
    case "MemoryUtilization":
      return ofMean(alarm, facts, { what: "memory", percent: load.memoryPercent, nodes: load.nodes });
    case "FreeSlots":
      return ofFreeSlots(alarm, facts, load);
    case "Connections":
    case "Publishers":
    case "Subscribers":
    case "EgressMbps":
      return ofStep(alarm, facts);
  }
}

function ofConnections({ name, threshold }: StandingAlarm, { capacity }: Facts, load: KnownLoad): Shortage {
  const deficit = (load.connections * 100) / threshold - load.capacity - capacity.coming;
  const nodes = ceil(deficit / capacity.newNode);
  if (nodes > 0) {
    const of = `${load.connections} of ${load.capacity} connections${plusComing(capacity.coming)}`;
    return { nodes, because: `${name} in ALARM: ${of} are over ${threshold} %` };
  }
  const there = `${threshold} % of ${load.capacity}${plusComing(capacity.coming)}`;
  return { nodes, because: `${name} in ALARM, but ${load.connections} connections are no more than ${there}` };
}

/** The same load on more nodes: the mean falls as their number rises. */
function ofMean(
  { name, threshold }: StandingAlarm,
  facts: Facts,
  { what, percent, nodes }: { readonly what: string; readonly percent: number | undefined; readonly nodes: number },
): Shortage {
  if (percent === undefined) return { nodes: undefined, because: `${name} in ALARM, but no node tells its ${what}` };
  const booting = bootingOf(facts);
  const missing = ceil((nodes * percent) / threshold) - nodes - booting;
  const mean = `${what} of ${shown(percent)} % on ${nodes} nodes`;
  if (missing > 0) return { nodes: missing, because: `${name} in ALARM: ${mean} is over ${threshold} %` };
  const there = `${threshold} % on these and ${booting} starting`;
  return { nodes: missing, because: `${name} in ALARM, but ${mean} is no more than ${there}` };
}

function ofFreeSlots({ name, threshold }: StandingAlarm, { capacity }: Facts, load: KnownLoad): Shortage {
  const nodes = ceil((threshold - load.freeSlots - capacity.coming) / capacity.newNode);
  const free = `${load.freeSlots} free slots${plusComing(capacity.coming)}`;
  if (nodes > 0) return { nodes, because: `${name} in ALARM: ${free} are under ${threshold}` };
  return { nodes, because: `${name} in ALARM, but ${free} are no less than ${threshold}` };
}

/** Nothing says how much a node would change it: one step, then it is seen. */
function ofStep({ name, metric, threshold }: StandingAlarm, facts: Facts): Shortage {
  const step = facts.behavior.scaleAdjustment ?? 1;
  const booting = bootingOf(facts);
  const nodes = step - booting;
  const what = `${metric} is beyond ${threshold}`;
  if (nodes > 0) return { nodes, because: `${name} in ALARM: ${what}` };
  return { nodes, because: `${name} in ALARM: ${what}, but ${booting} starting are a step of ${step} already` };
}

function plusComing(coming: number): string {
  return coming > 0 ? ` and ${coming} coming` : "";
}

/** A part in a billion, so that what is exact on paper is not rounded up for the way in which numbers are stored. */
const tolerance = 1e-9;

function ceil(nodes: number): number {
  return Math.ceil(nodes - tolerance * Math.max(1, Math.abs(nodes)));
}

/** One decimal is enough to read. */
function shown(value: number): number {
  return Math.round(value * 10) / 10;
}
