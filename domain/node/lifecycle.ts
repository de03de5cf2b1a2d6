/** Where a StreamNode is in its life and what is to be done for it next: a pure function of what is known. */
import type { Phase, Role } from "../../crds/names.ts";
import type { ReleaseReason, Standing } from "./claim.ts";
import { type DrainProgress, isDrained } from "./drain.ts";
import { isGone, type Sighting } from "./evidence.ts";
import { assertNever } from "../result.ts";
import { addMs, type Instant } from "../time.ts";
import { needsParent } from "./topology.ts";

/** All that the next step depends on. */
export interface NodeView {
  readonly role: Role;
  /** What it is to us: only what is ours and claimed may end its machine. */
  readonly standing: Standing;
  /** The object has a deletion timestamp: where it is ours, the committed mark that its machine is to go. */
  readonly deleting: boolean;
  /** How far its drain has come; undefined: it is not to drain. */
  readonly drain: DrainProgress | undefined;
  /** Everything is paused, and not because of a deletion of the group, which goes before a pause. */
  readonly held: boolean;
  readonly providerId: string | undefined;
  /** The batch may still give this slot a machine: it is there, and has not given the slot up. */
  readonly awaitsBatch: boolean;
  readonly sighting: Sighting;
  readonly registration: { readonly registeredAt: Instant; readonly saidGoodbye: boolean } | undefined;
  /** Of the registered boot. Undefined: no report is known, which proves nothing. */
  readonly report: { readonly fresh: boolean; readonly establishedLinks: number } | undefined;
  /** Words for what of its reports was not taken lately. */
  readonly reportFaults: readonly string[];
  /** A report of another boot than the registered one is known: the node has restarted since. */
  readonly rebooted: boolean;
  /** When it last came into service, if it was in service when it was last looked at. */
  readonly inServiceSince: Instant | undefined;
  readonly hasParents: boolean;
  /** When its machine was launched, as it may be relied on; undefined: as the cloud says. */
  readonly launchedAt?: Instant | undefined;
  readonly registrationTimeoutMs: number;
  /** When termination was last asked of the cloud. */
  readonly terminationAskedAt: Instant | undefined;
}

export type NodeStep =
  | { readonly kind: "AwaitLaunch" }
  /** Nothing has been read from the cloud yet, and the node is silent: what was known stays. */
  | { readonly kind: "AwaitSighting" }
  | { readonly kind: "AwaitBoot" }
  | { readonly kind: "AwaitCallback"; readonly overdue: boolean; readonly deadline: Instant }
  | { readonly kind: "AwaitReport" }
  | { readonly kind: "AwaitOrigin" }
  | { readonly kind: "AwaitLink" }
  /** The node said goodbye: it runs, and is not routed to. */
  | { readonly kind: "Rest" }
  | { readonly kind: "Serve" }
  /** It is drained: the StreamNode is to be deleted if it is still as it was read, and its machine with it. */
  | { readonly kind: "Retire"; readonly reason: "Drained" | "NeverRegistered" }
  /** The cloud's listings lack the machine and the node is silent; not proof enough. */
  | { readonly kind: "AwaitEvidence" }
  /** The machine is gone or stopped, or will never be: the StreamNode is to be deleted. */
  | { readonly kind: "Remove"; readonly reason: "MachineGone" | "MachineStopped" | "LaunchAbandoned" }
  | { readonly kind: "Terminate"; readonly providerId: string }
  | { readonly kind: "AwaitTermination"; readonly askAgainAt: Instant }
  | { readonly kind: "AwaitBatch" }
  | { readonly kind: "HoldTermination" }
  /** The machine is known to be gone, or never was: the finalizer may go. */
  | { readonly kind: "Release" }
  /** It is not ours, or no more: the object is to go, and its machine is left as it is. */
  | { readonly kind: "LetGo"; readonly reason: ReleaseReason; readonly message: string };

/** How long (ms) a termination may take before it is asked for again. */
const askAgainMs = 30_000;

export function nextStep(view: NodeView, now: Instant): NodeStep {
  const { standing } = view;
  if (standing.kind === "LetGo") {
    const { reason, message } = standing;
    return view.deleting || !standing.stays ? { kind: "LetGo", reason, message } : stepOfStranger(view, now);
  }
  return view.deleting ? stepToEnd(view, now) : stepToService(view, now);
}

/** It is shown as what it is. Nothing is decided for it, but it goes when its machine is gone for good. */
function stepOfStranger(view: NodeView, now: Instant): NodeStep {
  const step = stepOfLife(view, now);
  if (step.kind === "HoldTermination" || (step.kind === "Remove" && step.reason === "MachineStopped"))
    return { kind: "AwaitEvidence" };
  return step;
}

function stepToEnd(view: NodeView, now: Instant): NodeStep {
  if (view.providerId === undefined) return view.awaitsBatch ? { kind: "AwaitBatch" } : { kind: "Release" };
  if (isGone(view.sighting)) return { kind: "Release" };
  if (view.held) return { kind: "HoldTermination" };
  if (view.terminationAskedAt === undefined) return { kind: "Terminate", providerId: view.providerId };
  const askAgainAt = addMs(view.terminationAskedAt, askAgainMs);
  return now >= askAgainAt
    ? { kind: "Terminate", providerId: view.providerId }
    : { kind: "AwaitTermination", askAgainAt };
}

function stepToService(view: NodeView, now: Instant): NodeStep {
  const step = stepOfLife(view, now);
  // A machine that is lost goes its own way, drained or not.
  if (step.kind === "Remove" || step.kind === "HoldTermination") return step;
  return retirement(view) ?? step;
}

/** What becomes of a drained node; undefined while it is not. */
function retirement({ drain, held, standing }: NodeView): NodeStep | undefined {
  if (drain === undefined || !isDrained(drain) || standing.kind !== "Claimed") return undefined;
  if (held) return { kind: "HoldTermination" };
  return { kind: "Retire", reason: drain.kind === "NeverRegistered" ? "NeverRegistered" : "Drained" };
}

function stepOfLife(view: NodeView, now: Instant): NodeStep {
  if (view.providerId === undefined) {
    return view.awaitsBatch ? { kind: "AwaitLaunch" } : { kind: "Remove", reason: "LaunchAbandoned" };
  }
  if (isGone(view.sighting)) return { kind: "Remove", reason: "MachineGone" };
  switch (view.sighting.kind) {
    case "NotListed":
      return view.report?.fresh === true ? stepOfNode(view) : { kind: "AwaitSighting" };
    case "Missing":
      return view.report?.fresh === true ? stepOfNode(view) : { kind: "AwaitEvidence" };
    case "Seen":
      return stepOfMachine(view, view.sighting.machine, now);
    default:
      return assertNever(view.sighting);
  }
}

function stepOfMachine(
  view: NodeView,
  machine: Extract<Sighting, { kind: "Seen" }>["machine"],
  now: Instant,
): NodeStep {
  switch (machine.state) {
    case "Pending":
      return { kind: "AwaitBoot" };
    case "Stopping":
    case "Stopped":
    case "Terminated":
      return view.held ? { kind: "HoldTermination" } : { kind: "Remove", reason: "MachineStopped" };
    case "Unknown":
      return view.report?.fresh === true ? stepOfNode(view) : { kind: "AwaitEvidence" };
    case "Running":
      if (view.registration !== undefined) return stepOfNode(view);
      return awaitCallback(addMs(view.launchedAt ?? machine.launchedAt, view.registrationTimeoutMs), now);
    default:
      return assertNever(machine.state);
  }
}

function awaitCallback(deadline: Instant, now: Instant): NodeStep {
  return { kind: "AwaitCallback", deadline, overdue: now >= deadline };
}

/** What the node itself says: registered, reporting, linked. */
function stepOfNode(view: NodeView): NodeStep {
  if (view.registration === undefined) return { kind: "AwaitReport" };
  if (view.registration.saidGoodbye) return { kind: "Rest" };
  if (view.report === undefined) return servedSince(view) ? { kind: "Serve" } : { kind: "AwaitReport" };
  if (!needsParent(view.role) || view.report.establishedLinks > 0) return { kind: "Serve" };
  return view.hasParents ? { kind: "AwaitLink" } : { kind: "AwaitOrigin" };
}

/** It was in service in this boot; that no report is known here takes nothing away. */
function servedSince({ inServiceSince, registration, rebooted }: NodeView): boolean {
  if (inServiceSince === undefined || registration === undefined || rebooted) return false;
  return registration.registeredAt <= inServiceSince;
}

/** The phase that goes with a step; `previous` stays where nothing new is known. Whatever drains is Draining to its end. */
export function phaseOf(step: NodeStep, view: NodeView, previous: Phase | undefined): Phase {
  const phase = step.kind === "LetGo" && view.deleting ? "Terminating" : phaseOfStep(step, previous);
  return view.drain !== undefined && phase !== "Terminating" ? "Draining" : phase;
}

function phaseOfStep(step: NodeStep, previous: Phase | undefined): Phase {
  switch (step.kind) {
    case "AwaitLaunch":
    case "AwaitBoot":
      return "Pending";
    case "AwaitSighting":
      return previous ?? "Pending";
    case "AwaitCallback":
    case "AwaitReport":
    case "AwaitOrigin":
    case "AwaitLink":
    case "Rest":
      return "Running";
    case "Serve":
      return "InService";
    case "Retire":
      return "Draining";
    case "AwaitEvidence":
    // Its machine runs on, and is somebody's.
    case "LetGo":
      return "Unknown";
    case "Remove":
    case "Terminate":
    case "AwaitTermination":
    case "AwaitBatch":
    // Its machine serves nobody, so a paused group is to count it as gone and say what it would do.
    case "HoldTermination":
    case "Release":
      return "Terminating";
    default:
      return assertNever(step);
  }
}

/** When the step must be looked at again though nothing was heard; undefined: an event will come. */
export function wakeAt(step: NodeStep): Instant | undefined {
  if (step.kind === "AwaitCallback" && !step.overdue) return step.deadline;
  return step.kind === "AwaitTermination" ? step.askAgainAt : undefined;
}
