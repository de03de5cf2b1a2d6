/** What `streamfleet up` shows a person: each node as it changes, until all are in service, and then what to try. */
import type { NodeGroup } from "../crds/node-group.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { type Condition, findCondition, isTrue } from "../domain/conditions.ts";
import type { Clock } from "../domain/ports.ts";
import type { ObjectChange } from "../runtime/informer.ts";

/** Where in a line the message begins. */
export const messageColumn = 43;

export interface ProgressOptions {
  readonly clock: Clock;
  readonly write: (line: string) => void;
  /** Calls back with every change of a node. */
  readonly onNode: (handler: (change: ObjectChange<StreamNode>) => void) => () => void;
  /** Calls back with every change of a group. */
  readonly onGroup: (handler: (change: ObjectChange<NodeGroup>) => void) => () => void;
  readonly groups: () => readonly NodeGroup[];
}

/** A group that waits for a person, and why. */
export interface WaitingGroup {
  readonly name: string;
  readonly why: string;
}

/**
 * Resolves when every group is settled, with those that are not ready and wait for a person, or when the signal aborts; a line for each
 * change until then.
 */
export async function showProgress(options: ProgressOptions, signal: AbortSignal): Promise<readonly WaitingGroup[]> {
  const startMs = options.clock.monotonicMs();
  const shown = new Map<string, string>();
  const say = (name: string, text: string): void => {
    if (shown.get(name) === text) return;
    shown.set(name, text);
    const seconds = ((options.clock.monotonicMs() - startMs) / 1_000).toFixed(1).padStart(5);
    options.write(`${seconds} s  ${name.padEnd(20)} ${text}`);
  };
  const stopNodes = options.onNode((change) => say(change.object.metadata.name, nodeText(change)));
  await allSettled(options, signal);
  stopNodes();
  return options.groups().flatMap((group) => waiting(group) ?? []);
}

function allSettled({ groups, onGroup }: ProgressOptions, signal: AbortSignal): Promise<void> {
  const isSettled = (): boolean =>
    groups().length > 0 && groups().every((group) => isReady(group) || waiting(group) !== undefined);
  return new Promise((resolve) => {
    const finish = (): void => {
      stop();
      resolve();
    };
    const stop = onGroup(() => {
      if (isSettled()) queueMicrotask(finish);
    });
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted) finish();
  });
}

function isReady({ status }: NodeGroup): boolean {
  return isTrue(status?.conditions, "Ready");
}

/** What only a person ends. Where scaling alone is paused, the minimum still comes. */
const waitsFor: readonly ((condition: Condition) => boolean)[] = [
  ({ type, status, reason }) => type === "Paused" && status === "True" && reason === "EverythingPaused",
  ({ type, status }) => type === "ReferencesResolved" && status === "False",
  ({ type, status }) => type === "LaunchesFailing" && status === "True",
];

/** Why a group is not ready and will not be by itself; undefined where it is, or is on its way. */
function waiting(group: NodeGroup): WaitingGroup | undefined {
  if (isReady(group)) return undefined;
  const { metadata, status } = group;
  const current = (status?.conditions ?? []).filter((found) => found.observedGeneration === metadata.generation);
  const why = current.find((condition) => waitsFor.some((holds) => holds(condition)));
  return why === undefined ? undefined : { name: metadata.name, why: why.message };
}

function nodeText({ kind, object }: ObjectChange<StreamNode>): string {
  if (kind === "Deleted") return "gone";
  const { status, spec } = object;
  const phase = status?.phase ?? "Pending";
  const why = findCondition(status?.conditions, "InService");
  const where = status?.registration?.address ?? spec.providerId ?? "";
  const what = phase === "InService" ? where : (why?.message ?? "its machine is being launched");
  return `${phase.padEnd(12)} ${what}`;
}
