/** The status of a NodeGroup from what was counted and decided: a line, a table, and conditions that tell why. */
import type { ConditionOf, Role } from "../crds/names.ts";
import type { NodeGroupStatus, RoleStatus } from "../crds/node-group.ts";
import { type Condition, type UpdateOf, withConditions } from "./conditions.ts";
import type { Pause } from "./pause.ts";
import type { References } from "./references.ts";
import type { ScalingDecision, ScalingInput } from "./scaling.ts";
import { type Instant, toRfc3339 } from "./time.ts";

type Update = UpdateOf<"NodeGroup">;
type ReasonOf<T extends Update["type"]> = Extract<Update, { readonly type: T }>["reason"];

/** Entries that a status holds: the places of the spec, and as many where nodes are left over. */
const mostRoles = 128;

/** One (role, region): what was put in and what was decided. */
export interface Decided {
  readonly input: ScalingInput;
  readonly decision: ScalingDecision;
}

export interface GroupFacts {
  readonly generation: number;
  readonly deleting: boolean;
  readonly references: References;
  readonly pause: Pause;
  readonly decided: readonly Decided[];
  /** Batches whose last attempt was refused, in words. */
  readonly failingLaunches: readonly string[];
  /** Regions whose machines have not been read yet, with the error of the last try. */
  readonly unread: readonly { readonly region: string; readonly error: string | undefined }[];
}

export function groupStatus(facts: GroupFacts, previous: readonly Condition[], now: Instant): NodeGroupStatus {
  const updates = conditionUpdates(facts);
  return {
    observedGeneration: facts.generation,
    summary: {
      origins: summaryOf("origin", facts.decided),
      edges: summaryOf("edge", facts.decided),
      relays: summaryOf("relay", facts.decided),
      transcoders: summaryOf("transcoder", facts.decided),
      load: "-",
    },
    roles: facts.decided.slice(0, mostRoles).map(roleStatus),
    conditions: [...withConditions(previous, updates, now)],
  };
}

function summaryOf(role: Role, decided: readonly Decided[]): string {
  const ofRole = decided.filter(({ input }) => input.role === role);
  const inService = sum(ofRole.map(({ input }) => input.counts.inService));
  return `${inService}/${sum(ofRole.map(({ decision }) => decision.desired))}`;
}

function roleStatus({ input, decision }: Decided): RoleStatus {
  const { role, region, minLimit, maxLimit, counts } = input;
  return {
    role,
    region,
    minLimit,
    maxLimit,
    desired: decision.desired,
    ...counts,
    decision: decision.kind,
    reason: decision.reason,
    message: decision.message,
  };
}

function conditionUpdates(facts: GroupFacts): readonly Update[] {
  const minimum = minimumMet(facts);
  const all = [
    referencesResolved(facts),
    adopted(facts),
    paused(facts),
    atMaximum(facts),
    launchesFailing(facts),
    minimum,
    ready(facts, minimum),
  ];
  return all.map((update) => ({ ...update, observedGeneration: facts.generation }));
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
      const message = `alarms do not scale${until(pause.until)} (${pause.reason}); the minimum still holds`;
      return { type, status: "True", reason: "ScalingPaused", message };
    }
    case "EverythingPaused": {
      const held = decided
        .filter(({ decision }) => decision.kind === "Hold" && decision.wouldLaunch > 0)
        .map(({ decision }) => decision.message);
      const facts = held.length > 0 ? held.join("; ") : "there is nothing it would do";
      const message = `nothing is launched or terminated${until(pause.until)} (${pause.reason}): ${facts}`;
      return { type, status: "True", reason: "EverythingPaused", message: message.slice(0, 4_000) };
    }
  }
}

function until(at: Instant | undefined): string {
  return at === undefined ? "" : ` until ${toRfc3339(at)}`;
}

function atMaximum({ decided }: GroupFacts): Update {
  const type = "AtMaximum";
  for (const { decision } of decided) {
    const { reason, message } = decision;
    if (reason === "AboveMaximum" || reason === "MaximumReached") return { type, status: "True", reason, message };
  }
  return { type, status: "False", reason: "WithinLimits", message: "no maximum holds anything back" };
}

function launchesFailing({ failingLaunches }: GroupFacts): Update {
  const type = "LaunchesFailing";
  if (failingLaunches.length === 0)
    return { type, status: "False", reason: "NoFailure", message: "no launch is failing" };
  return { type, status: "True", reason: "LaunchFailed", message: failingLaunches.join("; ").slice(0, 4_000) };
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
    .map(({ input }) => `${input.counts.inService} of ${input.minLimit} ${input.role} in service in ${input.region}`);
  return parts.length === 0 ? "the policy asks for no nodes" : parts.join("; ").slice(0, 4_000);
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

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
