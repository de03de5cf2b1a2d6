/** The conditions of a NodeGroup: what is the case, and why. */
import type { ConditionOf } from "../../crds/names.ts";
import type { UpdateOf } from "../conditions.ts";
import type { Decided, GroupFacts } from "./group-facts.ts";
import type { HoldReason, ScalingDecision } from "../scaling/decide-scaling.ts";
import { type Instant, toRfc3339, toSecondsRfc3339 } from "../time.ts";

type Update = UpdateOf<"NodeGroup">;
type UpdateNamed<T extends Update["type"]> = Extract<Update, { readonly type: T }>;
type ReasonOf<T extends Update["type"]> = UpdateNamed<T>["reason"];

/** Every condition of a group, each with what caused it. */
export function groupConditions(facts: GroupFacts): readonly Update[] {
  const minimum = minimumMet(facts);
  const all = [
    referencesResolved(facts),
    adopted(facts),
    paused(facts),
    atMaximum(facts),
    atMinimum(facts),
    scalingActive(facts),
    scalingLimited(facts),
    launchesFailing(facts),
    minimum,
    ready(facts, minimum),
    ...orphaned(facts),
    ...batchTrusted(facts),
    ...historyUnwritten(facts),
  ];
  return all.map((update) => ({ ...update, observedGeneration: facts.generation }));
}

/** Kept in the status as soon as it is seen: the API server removes the finalizer that says so while the deletion goes on. */
function orphaned({ orphaning }: GroupFacts): readonly Update[] {
  if (orphaning !== true) return [];
  const message = "it is deleted with --cascade=orphan: its nodes stay, and are adopted when it is applied again";
  return [{ type: "Orphaned", status: "True", reason: "OrphanRequested", message }];
}

/** Shown for as long as nodes are let in by the join token of their batch alone, for that is a weaker proof. */
function batchTrusted({ trustBatch }: GroupFacts): readonly Update[] {
  if (trustBatch !== true) return [];
  const message =
    "STREAMFLEET_TRUST_BATCH is true: a machine of a batch may speak for any other of it; let the API see addresses, and take it away";
  return [{ type: "NodesProven", status: "False", reason: "BatchTrusted", message }];
}

function historyUnwritten({ unwritten }: GroupFacts): readonly Update[] {
  if (unwritten === undefined) return [];
  const message = `what is decided is not recorded since ${toSecondsRfc3339(unwritten.since)}: ${unwritten.reason}`;
  return [{ type: "HistoryWritten", status: "False", reason: "WritesFail", message }];
}

function referencesResolved({ references }: GroupFacts): Update {
  const type = "ReferencesResolved";
  if (references.kind === "NotExamined") return unknown({ type, reason: references.kind }, references.message);
  if (references.kind !== "Resolved")
    return { type, status: "False", reason: references.kind, message: references.message };
  const { launchConfig, scalePolicy } = references;
  const message = `LaunchConfig ${launchConfig.metadata.name} and ScalePolicy ${scalePolicy.metadata.name} are valid`;
  return { type, status: "True", reason: "Resolved", message };
}

function adopted({ references, unread }: GroupFacts): Update {
  const type = "Adopted";
  if (references.kind !== "Resolved") return unknown({ type, reason: "NotResolved" }, "the platform is not known");
  const failed = unread.find(({ error }) => error !== undefined);
  if (failed !== undefined) {
    const message = `the machines of ${failed.region} could not be read: ${failed.error ?? ""}; nothing is launched until they are`;
    return { type, status: "False", reason: "ListingFailed", message };
  }
  if (unread.length > 0) {
    const message = `the machines of ${unread.map(({ region }) => region).join(", ")} have not been read yet`;
    return { type, status: "False", reason: "AwaitingListing", message };
  }
  return { type, status: "True", reason: "ListingRead", message: "every machine of the group has its StreamNode" };
}

function paused({ pause, decided }: GroupFacts): Update {
  const type = "Paused";
  switch (pause.kind) {
    case "NotPaused":
      return { type, status: "False", reason: "NotPaused", message: "spec.pause is not set" };
    case "PauseEnded":
      return { type, status: "False", reason: "PauseEnded", message: `the pause ended at ${toRfc3339(pause.until)}` };
    case "ScalingPaused": {
      const held = `alarms do not scale${until(pause.until)} (${pause.reason}); the minimum still holds`;
      return { type, status: "True", reason: "ScalingPaused", message: `${held}: ${wouldDo(decided, pause.kind)}` };
    }
    case "EverythingPaused": {
      const held = `nothing is launched or terminated${until(pause.until)} (${pause.reason})`;
      return { type, status: "True", reason: "EverythingPaused", message: `${held}: ${wouldDo(decided, pause.kind)}` };
    }
  }
}

function wouldDo(decided: readonly Decided[], reason: HoldReason): string {
  const held = decided.filter(({ decision }) => decision.reason === reason && wouldAct(decision));
  return held.length === 0 ? "there is nothing it would do" : messagesOf(held);
}

function wouldAct(decision: ScalingDecision): boolean {
  return decision.kind === "Hold" && (decision.wouldLaunch > 0 || decision.wouldDrain === true);
}

function until(at: Instant | undefined): string {
  return at === undefined ? "" : ` until ${toRfc3339(at)}`;
}

function atMaximum({ decided }: GroupFacts): Update {
  const type = "AtMaximum";
  for (const reason of ["AboveMaximum", "MaximumReached"] as const) {
    const held = decided.filter(({ decision }) => limitOf(decision) === reason);
    if (held.length > 0) return { type, status: "True", reason, message: messagesOf(held) };
  }
  return { type, status: "False", reason: "WithinLimits", message: "no maximum holds anything back" };
}

function atMinimum({ decided }: GroupFacts): Update {
  const type = "AtMinimum";
  const held = decided.filter(({ decision }) => decision.reason === "MinimumReached");
  if (held.length > 0) return { type, status: "True", reason: "MinimumReached", message: messagesOf(held) };
  return { type, status: "False", reason: "WithinLimits", message: "no minimum keeps a node that would go" };
}

/** What limits a decision: its reason, or what made its step smaller. */
function limitOf(decision: ScalingDecision): string {
  if (decision.kind !== "LaunchNodes" || decision.limitedBy === undefined) return decision.reason;
  return decision.limitedBy === "Maximum" ? "MaximumReached" : decision.limitedBy;
}

function scalingActive(facts: GroupFacts): Update {
  const type = "ScalingActive";
  const { references, decided, pause } = facts;
  if (facts.deleting) return { type, status: "False", reason: "Deleting", message: "the group is being deleted" };
  if (references.kind !== "Resolved") {
    const status = references.kind === "NotExamined" ? "Unknown" : "False";
    return { type, status, reason: "NotResolved", message: references.message };
  }
  if (pause.kind === "EverythingPaused" || pause.kind === "ScalingPaused")
    return { type, status: "False", reason: pause.kind, message: `it is paused (${pause.reason})` };
  return { type, ...evidence(decided.filter(({ input }) => input.alarms.length > 0)) };
}

/** Whether there is something for the alarms to judge; a place without nodes in service says nothing, and nothing is amiss. */
function evidence(watched: readonly Decided[]): Pick<UpdateNamed<"ScalingActive">, "status" | "reason" | "message"> {
  if (watched.length === 0) return { status: "False", reason: "NoAlarms", message: "no alarm scales this group" };
  const silent = watched.filter(({ input }) => input.load.kind !== "Known" && input.load.nodes > 0);
  if (silent.length > 0) {
    const places = silent.map(({ input }) => `${input.role} in ${input.region}: ${input.load.kind.toLowerCase()}`);
    return { status: "False", reason: "NoData", message: `the load is not known: ${inOneLine(places)}` };
  }
  const known = watched.filter(({ input }) => input.load.kind === "Known");
  if (known.length === 0) return { status: "False", reason: "NoData", message: "no node is in service yet" };
  return { status: "True", reason: "LoadKnown", message: "the load is known, and alarms scale" };
}

/** In the order in which they are shown when several apply: the first is the one that most likely needs a person. */
const limits: readonly Exclude<ReasonOf<"ScalingLimited">, "NotLimited">[] = [
  "ScaleAdjustment",
  "NoVictim",
  "OperationInProgress",
  "CoolingDown",
  "CapacityComing",
  "AwaitingAlarm",
  "LoadTooHigh",
  "Stabilizing",
];

function scalingLimited({ decided }: GroupFacts): Update {
  const type = "ScalingLimited";
  for (const reason of limits) {
    const held = decided.filter(({ decision }) => limitOf(decision) === reason);
    if (held.length > 0) return { type, status: "True", reason, message: messagesOf(held) };
  }
  return { type, status: "False", reason: "NotLimited", message: "nothing but the limits holds a scaling back" };
}

function launchesFailing({ failingLaunches }: GroupFacts): Update {
  const type = "LaunchesFailing";
  if (failingLaunches.length === 0)
    return { type, status: "False", reason: "NoFailure", message: "no launch is failing" };
  return { type, status: "True", reason: "LaunchFailed", message: inOneLine(failingLaunches) };
}

function minimumMet(facts: GroupFacts): Update {
  const type = "MinimumMet";
  if (facts.references.kind !== "Resolved") return unknown({ type, reason: "NotResolved" }, "the limits are not known");
  const short = facts.decided.filter(({ input }) => input.counts.inService < input.minLimit);
  if (short.length === 0) return { type, status: "True", reason: "Met", message: describe(facts.decided) };
  return { type, status: "False", reason: shortReason(facts, short), message: describe(short) };
}

function shortReason(facts: GroupFacts, short: readonly Decided[]): ReasonOf<"MinimumMet"> {
  if (facts.pause.kind === "EverythingPaused") return "Paused";
  if (facts.failingLaunches.length > 0) return "LaunchesFailing";
  if (short.some(({ decision }) => decision.reason === "MaximumReached")) return "AtMaximum";
  const starting = short.every(({ input }) => input.counts.inService + input.counts.starting >= input.minLimit);
  return starting ? "AwaitingNodes" : "Launching";
}

function describe(decided: readonly Decided[]): string {
  const parts = decided
    .filter(({ input }) => input.maxLimit > 0)
    .map(({ input: { counts, minLimit, role, region } }) =>
      counts.inService < minLimit
        ? `${counts.inService} of ${numberOf(minLimit, role)} in service in ${region}`
        : `${numberOf(counts.inService, role)} in service in ${region}, minimum ${minLimit}`,
    );
  return parts.length === 0 ? "the policy asks for no nodes" : inOneLine(parts);
}

function numberOf(count: number, role: string): string {
  return `${count} ${role}${count === 1 ? "" : "s"}`;
}

function ready(facts: GroupFacts, minimum: Update): Update {
  const type = "Ready";
  if (facts.deleting) return { type, status: "False", reason: "Deleting", message: "the group is being deleted" };
  if (facts.references.kind !== "Resolved") {
    const status = facts.references.kind === "NotExamined" ? "Unknown" : "False";
    return { type, status, reason: "NotResolved", message: facts.references.message };
  }
  const met = minimum.status === "True";
  return {
    type,
    status: met ? "True" : "False",
    reason: met ? "MinimumMet" : "BelowMinimum",
    message: minimum.message,
  };
}

function unknown(condition: ConditionOf<"NodeGroup">, message: string): Update {
  return { ...condition, status: "Unknown", message };
}

function messagesOf(decided: readonly Decided[]): string {
  return inOneLine(decided.map(({ decision }) => decision.message));
}

/** Characters of a list in a message, so that what introduces it fits as well. */
const longestList = 3_500;

/** As many of the sentences as fit, none of them cut, and how many more there are. */
function inOneLine(sentences: readonly string[]): string {
  let line = "";
  for (const [position, sentence] of sentences.entries()) {
    const next = position === 0 ? sentence : `${line}; ${sentence}`;
    if (position > 0 && next.length > longestList) return `${line}; and ${sentences.length - position} more`;
    line = next;
  }
  return line;
}
