/** A fleet of edges that does what is decided for it, under a load that is given: to count what a decider does in an hour. */
import { decideScaling, type ScalingInput, type ScalingBehavior } from "../../domain/scaling/decide-scaling.ts";
import { at, knownLoad, behavior as usual, scaleInAlarm, scaleOutAlarm, scalingInput } from "./domain-values.ts";

export interface Hour {
  /** Connections, so many ms into the hour. */
  readonly loadAt: (ms: number) => number;
  /** In service at its start, for 100 connections each. */
  readonly nodes: number;
  readonly bootMs: number;
  /** Percent below which the alarm that scales in rings, after three minutes. */
  readonly scaleInBelow: number;
  readonly behavior?: Partial<ScalingBehavior>;
}

export interface HourSeen {
  /** When nodes were launched (ms), and how many. */
  readonly launches: readonly { readonly ms: number; readonly count: number }[];
  /** When nodes were drained (ms). */
  readonly drains: readonly number[];
  /** Nodes in service at the end. */
  readonly nodes: number;
}

const hourMs = 3_600_000;
const stepMs = 5_000;
const drainMs = 20_000;
const scaleInLastsMs = 180_000;

interface Fleet {
  inService: number;
  starting: number[];
  draining: number[];
  scaledOutAt: number | undefined;
  settledAt: number | undefined;
}

/** Decides every five seconds and carries it out. */
export function playHour(hour: Hour): HourSeen {
  const fleet: Fleet = {
    inService: hour.nodes,
    starting: [],
    draining: [],
    scaledOutAt: undefined,
    settledAt: undefined,
  };
  const launches: { ms: number; count: number }[] = [];
  const drains: number[] = [];
  const seen: { ms: number; connections: number; utilization: number }[] = [];
  for (let ms = 0; ms < hourMs; ms += stepMs) {
    settle(fleet, ms);
    const connections = hour.loadAt(ms);
    seen.push({ ms, connections, utilization: connections / fleet.inService });
    const decision = decideScaling(inputOf(hour, fleet, seen));
    if (decision.kind === "LaunchNodes") {
      launches.push({ ms, count: decision.count });
      fleet.starting.push(...Array.from({ length: decision.count }, () => ms + hour.bootMs));
      fleet.scaledOutAt = ms;
    }
    if (decision.kind === "DrainNode") {
      drains.push(ms);
      fleet.inService -= 1;
      fleet.draining.push(ms + drainMs);
    }
  }
  return { launches, drains, nodes: fleet.inService };
}

function settle(fleet: Fleet, ms: number): void {
  const ready = fleet.starting.filter((readyMs) => readyMs <= ms).length;
  if (ready > 0 && ready === fleet.starting.length) fleet.settledAt = ms;
  fleet.inService += ready;
  fleet.starting = fleet.starting.filter((readyMs) => readyMs > ms);
  fleet.draining = fleet.draining.filter((goneMs) => goneMs > ms);
}

function inputOf(
  { scaleInBelow, behavior }: Hour,
  fleet: Fleet,
  seen: readonly { readonly ms: number; readonly connections: number; readonly utilization: number }[],
): ScalingInput {
  const last = seen.at(-1) ?? { ms: 0, connections: 0, utilization: 0 };
  const within = (windowMs: number) => seen.slice(-Math.max(1, windowMs / stepMs));
  const quiet = within(scaleInLastsMs).every(({ utilization }) => utilization < scaleInBelow);
  const { stabilizationMs } = { ...usual, ...behavior };
  return scalingInput({
    now: at(last.ms),
    minLimit: 1,
    maxLimit: 1_000,
    counts: { inService: fleet.inService, starting: fleet.starting.length, draining: fleet.draining.length },
    load: knownLoad({
      nodes: fleet.inService,
      connections: last.connections,
      observedSince: at(0),
      peak: { connections: Math.max(...within(stabilizationMs).map(({ connections }) => connections)) },
    }),
    alarms: [
      scaleOutAlarm({ inAlarm: last.utilization > 60 }),
      scaleInAlarm({ threshold: scaleInBelow, inAlarm: quiet && last.ms >= scaleInLastsMs }),
    ],
    ...(behavior !== undefined && { behavior }),
    ...(fleet.scaledOutAt !== undefined && { scaledOutAt: at(fleet.scaledOutAt) }),
    ...(fleet.settledAt !== undefined && { settledAt: at(fleet.settledAt) }),
  });
}
