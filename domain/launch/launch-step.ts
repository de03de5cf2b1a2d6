/**
 * What a LaunchBatch does next. Its attempts are committed before their call, the first by the batch itself, so that a crash
 * repeats a call and never adds one.
 */
import type { LaunchAttempt } from "../../crds/launch-batch.ts";
import type { PlatformErrorKind } from "./platform-error.ts";
import { addMs, fromRfc3339, type Instant } from "../time.ts";

export interface LaunchView {
  /** Slots of the batch, in order. */
  readonly slots: readonly number[];
  /** Slots that have their machine, or never will. */
  readonly settled: ReadonlySet<number>;
  /** Machines that open slots have already: the sweep gave them to their nodes. */
  readonly found?: readonly FoundMachine[];
  /** Slots whose StreamNode is going away, so that nobody wants their machine any more. */
  readonly unwanted: ReadonlySet<number>;
  readonly attempts: readonly LaunchAttempt[];
  /** Before this, the pending call is not sent again. */
  readonly sendAgainAt?: Instant | undefined;
  /** The group is being deleted. */
  readonly deleting: boolean;
  /** The batch itself is being deleted. */
  readonly batchDeleting?: boolean;
  readonly everythingPaused: boolean;
  /** Machines that may still be launched for this (role, region) without passing the maximum. */
  readonly room: number;
  /** The LaunchConfig still is what the batch was taken from. */
  readonly currentRevision: boolean;
}

export interface FoundMachine {
  readonly slot: number;
  readonly providerId: string;
}

export type AbandonReason = "Deleting" | "BatchDeleted" | "NodeDeleted" | "LaunchConfigChanged" | "MaximumReached";

export type LaunchStep =
  /** The committed call, sent for the first time or again: nobody knows yet what came of it. */
  | { readonly kind: "Send"; readonly attempt: LaunchAttempt }
  | { readonly kind: "Start"; readonly number: number; readonly slots: readonly number[] }
  | { readonly kind: "Found"; readonly machines: readonly FoundMachine[] }
  | { readonly kind: "Abandon"; readonly slots: readonly number[]; readonly reason: AbandonReason }
  | { readonly kind: "Wait"; readonly until: Instant; readonly lastError: string }
  /** The pending call was sent lately, and not answered. */
  | { readonly kind: "AwaitAnswer"; readonly until: Instant }
  | { readonly kind: "Held" }
  | { readonly kind: "Complete" };

/** All that a pending attempt depends on. */
export type PendingView = Pick<LaunchView, "attempts" | "sendAgainAt" | "deleting" | "everythingPaused">;

/**
 * The step of a batch with a pending attempt, or undefined where none is pending. Nothing but a pause of everything holds
 * the call, whatever the limits or the launch config have become: nobody knows whether it was sent.
 */
export function pendingStep(view: PendingView, now: Instant): LaunchStep | undefined {
  const pending = view.attempts.find((attempt) => attempt.outcome === "Pending");
  if (pending === undefined) return undefined;
  if (view.everythingPaused && !view.deleting) return { kind: "Held" };
  const { sendAgainAt } = view;
  if (sendAgainAt === undefined || now >= sendAgainAt) return { kind: "Send", attempt: pending };
  return { kind: "AwaitAnswer", until: sendAgainAt };
}

/** Next step of a batch. A pending attempt is resolved before anything else: its machines may exist. */
export function nextLaunchStep(view: LaunchView, now: Instant): LaunchStep {
  const pending = pendingStep(view, now);
  if (pending !== undefined) return pending;
  const open = view.slots.filter((slot) => !view.settled.has(slot));
  if (open.length === 0) return { kind: "Complete" };
  const found = (view.found ?? []).filter(({ slot }) => open.includes(slot));
  if (found.length > 0) return { kind: "Found", machines: found };
  const abandoned = abandon(view, open);
  if (abandoned !== undefined) return abandoned;
  if (view.everythingPaused) return { kind: "Held" };
  const retry = retryAt(view.attempts);
  if (retry !== undefined && now < retry.until) return { kind: "Wait", ...retry };
  return { kind: "Start", number: (view.attempts.at(-1)?.number ?? 0) + 1, slots: open };
}

function abandon(view: LaunchView, open: readonly number[]): LaunchStep | undefined {
  if (view.deleting) return { kind: "Abandon", slots: open, reason: "Deleting" };
  if (view.batchDeleting === true) return { kind: "Abandon", slots: open, reason: "BatchDeleted" };
  const unwanted = open.filter((slot) => view.unwanted.has(slot));
  if (unwanted.length > 0) return { kind: "Abandon", slots: unwanted, reason: "NodeDeleted" };
  const failed = view.attempts.at(-1)?.outcome === "Failed";
  if (failed && !view.currentRevision) return { kind: "Abandon", slots: open, reason: "LaunchConfigChanged" };
  if (open.length > view.room) {
    return { kind: "Abandon", slots: open.slice(Math.max(0, view.room)), reason: "MaximumReached" };
  }
  return undefined;
}

/** Seconds before the first retry, by what the cloud refused for; doubled at each further failure in a row. */
const firstRetrySeconds: Readonly<Record<PlatformErrorKind, number>> = {
  NotFound: 30,
  InsufficientCapacity: 15,
  QuotaExceeded: 60,
  InvalidRequest: 30,
  Unauthorized: 30,
  Throttled: 5,
  Unavailable: 5,
};
const longestRetrySeconds = 300;

/** An attempt may carry a word of another version of the operator: that is no reason to retry at once. */
function firstRetryOf(error: string): number {
  return Object.hasOwn(firstRetrySeconds, error)
    ? firstRetrySeconds[error as PlatformErrorKind]
    : firstRetrySeconds.Unavailable;
}

function retryAt(
  attempts: readonly LaunchAttempt[],
): { readonly until: Instant; readonly lastError: string } | undefined {
  const last = attempts.at(-1);
  if (last?.outcome !== "Failed") return undefined;
  const failures = attempts.length - 1 - attempts.findLastIndex((attempt) => attempt.outcome !== "Failed");
  const seconds = Math.min(longestRetrySeconds, firstRetryOf(last.error ?? "Unavailable") * 2 ** (failures - 1));
  const endedAt = fromRfc3339(last.endedAt ?? last.startedAt);
  if (endedAt === undefined) return undefined;
  return { until: addMs(endedAt, seconds * 1_000), lastError: `${last.error ?? "Failed"}: ${last.message ?? ""}` };
}

/** Whether the cloud's refusal is definite, so that the next attempt is a new call; otherwise the same call is sent again. */
export function isDefinite(kind: PlatformErrorKind): boolean {
  return kind !== "Throttled" && kind !== "Unavailable";
}

/** The newest attempts that fit into a status, and always the pending one, which is the newest. */
export function keepNewest(attempts: readonly LaunchAttempt[], most: number): readonly LaunchAttempt[] {
  return attempts.slice(-most);
}
