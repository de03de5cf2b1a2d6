/** What the simulated cloud remembers of one machine, and what that means at an instant. Pure: states follow from times. */
import type { Machine, MachineState } from "../../domain/node/machine.ts";
import type { Instant } from "../../domain/time.ts";
import { privateAddress, publicAddress } from "./addresses.ts";

export interface MachineRecord {
  readonly providerId: string;
  readonly region: string;
  readonly zone: string;
  readonly instanceType: string;
  readonly image: string;
  /** Token of the launch call that started it. */
  readonly token: string;
  readonly launchIndex: number;
  /** Gives the addresses; no two remembered machines share one. */
  readonly ordinal: number;
  readonly launchedAt: Instant;
  /** When it has booted. */
  readonly runningAt: Instant;
  /** When the API begins to know it. */
  readonly visibleAt: Instant;
  readonly tags: Readonly<Record<string, string>>;
  readonly userData: string;
  readonly end?: MachineEnd;
}

/** It was told to stop or to go at `askedAt`, and has done so from `settledAt` on. */
export interface MachineEnd {
  readonly state: "Stopped" | "Terminated";
  readonly askedAt: Instant;
  readonly settledAt: Instant;
}

/** The state that its times give it at `now`. */
export function stateAt(record: MachineRecord, now: Instant): MachineState {
  if (record.end !== undefined) return now < record.end.settledAt ? "Stopping" : record.end.state;
  return now < record.runningAt ? "Pending" : "Running";
}

/** When its state changes next if nobody does anything, or undefined where it stays. */
export function nextChangeAt(record: MachineRecord, now: Instant): Instant | undefined {
  const next = record.end === undefined ? record.runningAt : record.end.settledAt;
  return now < next ? next : undefined;
}

/** When it went or will go for good, or undefined while it has not been told to. */
export function terminatedAt(record: MachineRecord): Instant | undefined {
  return record.end?.state === "Terminated" ? record.end.settledAt : undefined;
}

/** The record with its end; one that is going already goes on as it does. */
export function ended(record: MachineRecord, end: MachineEnd): MachineRecord {
  if (record.end?.state === "Terminated" || record.end?.state === end.state) return record;
  return { ...record, end };
}

/** The machine as the API shows it. Like EC2, a public address comes with booting and all addresses go with the machine. */
export function toMachine(record: MachineRecord, now: Instant): Machine {
  const state = stateAt(record, now);
  const reachable = state === "Running" || state === "Stopping";
  return {
    providerId: record.providerId,
    platform: "simulated",
    region: record.region,
    zone: record.zone,
    state,
    instanceType: record.instanceType,
    image: record.image,
    launchIndex: record.launchIndex,
    launchedAt: record.launchedAt,
    ...(state === "Terminated" ? {} : { privateAddress: privateAddress(record.ordinal) }),
    ...(reachable ? { publicAddress: publicAddress(record.ordinal) } : {}),
    tags: record.tags,
  };
}
