/** The status of a NodeGroup from what was counted and decided: a line, a table, and conditions that tell why. */
import type { Role } from "../../crds/names.ts";
import type { NodeGroupStatus, RoleStatus } from "../../crds/node-group.ts";
import { withConditions } from "../conditions.ts";
import { groupConditions } from "./group-conditions.ts";
import type { Decided, GroupFacts, ShownPlace } from "./group-facts.ts";
import type { LoadGauges } from "../load/role-load.ts";
import type { ScalingDecision } from "../scaling/decide-scaling.ts";
import { type Instant, toRfc3339, toSecondsRfc3339 } from "../time.ts";

export type { Anchors, Decided, GroupFacts, ShownPlace } from "./group-facts.ts";

/** Entries that a status holds: the places of the spec, and as many where nodes are left over. */
const mostRoles = 128;

/**
 * `previous`: the status as it stands. The numbers in a sentence change with each report, so the sentence that is shown
 * stays until the decision, a count or the load that is shown is another; else each report would cost a write.
 */
export function groupStatus(facts: GroupFacts, previous: NodeGroupStatus | undefined, now: Instant): NodeGroupStatus {
  const decided = facts.decided.map((place) => withShownMessage(place, previous?.roles ?? []));
  return {
    observedGeneration: facts.generation,
    summary: {
      origins: summaryOf("origin", decided),
      edges: summaryOf("edge", decided),
      relays: summaryOf("relay", decided),
      transcoders: summaryOf("transcoder", decided),
      load: facts.shownLoad ?? "-",
    },
    roles: decided.slice(0, mostRoles).map(roleStatus),
    conditions: [...withConditions(standing(previous, facts), groupConditions({ ...facts, decided }), now)],
  };
}

/** The conditions of before, without those that are shown only while they hold and no longer do. */
function standing(previous: NodeGroupStatus | undefined, { trustBatch, unwritten }: GroupFacts) {
  const isSo: Readonly<Record<string, boolean>> = {
    NodesProven: trustBatch === true,
    HistoryWritten: unwritten !== undefined,
  };
  return (previous?.conditions ?? []).filter(({ type }) => isSo[type] ?? true);
}

/** Steps (percent) in which load is shown: people need no more, and each change is a write. */
const loadStep = 5;

/** Connections in percent of the capacity, rounded: `45%`. */
export function roundedLoad({ connections, capacity }: Pick<LoadGauges, "connections" | "capacity">): string {
  if (capacity <= 0) return "-";
  return `${Math.round((100 * connections) / capacity / loadStep) * loadStep}%`;
}

function summaryOf(role: Role, decided: readonly Decided[]): string {
  const ofRole = decided.filter(({ input }) => input.role === role);
  const inService = sum(ofRole.map(({ input }) => input.counts.inService));
  return `${inService}/${sum(ofRole.map(({ decision }) => decision.desired))}`;
}

function withShownMessage(place: ShownPlace, previous: readonly RoleStatus[]): ShownPlace {
  const { decision } = place;
  const next = roleStatus(place);
  const last = previous.find(({ role, region }) => role === next.role && region === next.region);
  if (last === undefined || !sameButMessage(last, next) || !saysTheSame(last.message, decision)) return place;
  return { ...place, decision: { ...decision, message: last.message } };
}

function sameButMessage(last: RoleStatus, next: RoleStatus): boolean {
  return JSON.stringify(factsOf(last)) === JSON.stringify(factsOf(next));
}

function factsOf(status: RoleStatus): readonly unknown[] {
  return Object.entries(status)
    .filter(([name]) => name !== "message")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The same sentence, with other numbers; but what would be done and until when has to be what it is. */
function saysTheSame(last: string, decision: ScalingDecision): boolean {
  if (withoutNumbers(last) !== withoutNumbers(decision.message)) return false;
  if (decision.kind !== "Hold") return true;
  const { wouldLaunch, until } = decision;
  const exact = until === undefined || last.includes(toSecondsRfc3339(until));
  return exact && (wouldLaunch === 0 || last.endsWith(`launch ${wouldLaunch}`));
}

function withoutNumbers(sentence: string): string {
  return sentence.replace(/\d+(\.\d+)?/g, "0");
}

function roleStatus({ input, decision, anchors, shownLoad }: ShownPlace): RoleStatus {
  const { role, region, minLimit, maxLimit, counts, overdue = 0 } = input;
  const { scaledOutAt, settledAt } = anchors;
  return {
    role,
    region,
    minLimit,
    maxLimit,
    desired: decision.desired,
    ...counts,
    ...(overdue > 0 && { overdue }),
    ...(shownLoad !== undefined && { load: shownLoad }),
    ...(scaledOutAt !== undefined && { scaledOutAt: toRfc3339(scaledOutAt) }),
    ...(settledAt !== undefined && { settledAt: toRfc3339(settledAt) }),
    decision: decision.kind,
    reason: decision.reason,
    message: decision.message,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
