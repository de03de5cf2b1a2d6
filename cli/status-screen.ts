/** `streamfleet status`: a fleet on one screen. Pure. */
import type { AlarmStatus, NodeGroup, RoleStatus } from "../crds/node-group.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { type Condition, findCondition, isTrue } from "../domain/conditions.ts";
import { columns } from "./columns.ts";
import { wrapped } from "../local/wrap.ts";

export interface Fleet {
  readonly groups: readonly NodeGroup[];
  readonly nodes: readonly StreamNode[];
}

/** Most nodes and alarms that are shown: the rest is counted. */
const most = 6;

/** The screen, in lines of at most `width`; what is longer is wrapped. */
export function statusScreen({ groups, nodes }: Fleet, width: number): readonly string[] {
  if (groups.length === 0) return ["there is no NodeGroup: apply one, such as examples/live.yaml"];
  const parts = [nodeLines(nodes), alarmLines(groups), holdLines(groups)];
  const texts = parts.flatMap(([head = "", ...lines]) => ["", head, ...lines.map((line) => `  ${line}`)]);
  return [...groupTable(groups), ...texts.flatMap((line) => wrapped(line, width, 4))];
}

function nameOf({ metadata }: Pick<NodeGroup | StreamNode, "metadata">): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Roles that everybody has; the others are shown where somebody has them. */
const usualRoles: ReadonlySet<string> = new Set(["origins", "edges"]);

function groupTable(groups: readonly NodeGroup[]): readonly string[] {
  const shown = (["origins", "edges", "relays", "transcoders"] as const).filter(
    (role) => usualRoles.has(role) || groups.some(({ status }) => (status?.summary?.[role] ?? "0/0") !== "0/0"),
  );
  const rows = groups.map((group) => {
    const { summary } = group.status ?? {};
    return [nameOf(group), ...shown.map((role) => summary?.[role] ?? "-"), summary?.load ?? "-", stateOf(group)];
  });
  const head = ["GROUP", ...shown.map((role) => role.toUpperCase()), "LOAD", "STATE"];
  return columns([head, ...rows]).split("\n");
}

function stateOf({ metadata, status }: NodeGroup): string {
  if (metadata.deletionTimestamp !== undefined) return "deleting";
  const paused = findCondition(status?.conditions, "Paused");
  if (paused?.status === "True") return paused.reason === "ScalingPaused" ? "scaling paused" : "paused";
  const ready = findCondition(status?.conditions, "Ready");
  return ready === undefined ? "new" : ready.status === "True" ? "ready" : ready.reason;
}

/** A head, and the nodes that do not serve, or will not for long, each with the reason. */
function nodeLines(nodes: readonly StreamNode[]): readonly string[] {
  const odd = nodes.filter((node) => phaseOf(node) !== "InService");
  if (odd.length === 0) return [`${nodes.length} nodes, all in service`];
  const lines = odd.slice(0, most).map((node) => `${nameOf(node)}  ${phaseOf(node)}: ${whyOf(node)}`);
  return [`${nodes.length} nodes, ${odd.length} of them not in service`, ...lines, ...moreThan(odd)];
}

function phaseOf({ metadata, spec, status }: StreamNode): string {
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  return spec.drain === undefined ? (status?.phase ?? "Pending") : "Draining";
}

function whyOf({ status }: StreamNode): string {
  const conditions = status?.conditions;
  for (const type of ["Drained", "Terminated", "InService"] as const) {
    const found = findCondition(conditions, type);
    if (found !== undefined && !isTrue(conditions, type)) return found.message;
  }
  return "its machine is being launched";
}

function alarmLines(groups: readonly NodeGroup[]): readonly string[] {
  const all = groups.flatMap((group) => (group.status?.alarms ?? []).map((alarm) => ({ group, alarm })));
  const raised = all.filter(({ alarm }) => alarm.state === "ALARM");
  const blind = all.filter(({ alarm }) => alarm.state === "INSUFFICIENT_DATA").length;
  const head = [
    `${all.length} alarms`,
    raised.length === 0 ? "none raised" : `${raised.length} of them raised`,
    ...(blind === 0 ? [] : [`${blind} without data`]),
  ];
  const lines = raised.slice(0, most).map(({ group, alarm }) => alarmText(group, alarm));
  return [head.join(", "), ...lines, ...moreThan(raised)];
}

function alarmText(group: NodeGroup, { alarm, region, state, reason }: AlarmStatus): string {
  return `${nameOf(group)}  ${alarm} ${region}  ${state}: ${reason}`;
}

/** What was last decided in each place, and what is not as it should be. */
function holdLines(groups: readonly NodeGroup[]): readonly string[] {
  const lines = groups.flatMap((group) => [
    ...(group.status?.roles ?? []).filter(isNews).map((place) => decisionText(group, place)),
    ...(group.status?.conditions ?? [])
      .filter(isTrouble)
      .map(({ type, message }) => `${nameOf(group)}  ${type}: ${message}`),
  ]);
  if (lines.length === 0) return ["nothing is held back: there is what the policies ask for"];
  return ["what holds", ...lines.slice(0, most), ...moreThan(lines)];
}

function decisionText(group: NodeGroup, { role, region, decision, reason, message }: RoleStatus): string {
  return `${nameOf(group)}  ${role} ${region}  ${decision} ${reason}: ${message}`;
}

/** Whether more is to be said of a place than that it has what it is to have. */
function isNews({ decision, reason }: RoleStatus): boolean {
  return decision !== "Hold" || reason !== "MinimumMet";
}

/** Conditions that are true where something is wrong, and those that are false then. */
const wrongIfTrue: ReadonlySet<string> = new Set(["LaunchesFailing", "Orphaned"]);
const wrongIfFalse: ReadonlySet<string> = new Set([
  ...["ReferencesResolved", "Adopted", "HistoryWritten", "NodesProven"],
]);

function isTrouble({ type, status }: Condition): boolean {
  return (wrongIfTrue.has(type) && status === "True") || (wrongIfFalse.has(type) && status === "False");
}

function moreThan(shown: readonly unknown[]): readonly string[] {
  return shown.length > most ? [`and ${shown.length - most} more`] : [];
}
