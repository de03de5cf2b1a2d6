/** What `streamfleet up` shows a person: each node as it changes, until all are in service, and then what to try. */
import type { NodeGroup } from "../crds/node-group.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { findCondition, isTrue } from "../domain/conditions.ts";
import type { Clock } from "../domain/time.ts";
import type { ObjectChange } from "../runtime/informer.ts";

export interface ProgressOptions {
  readonly clock: Clock;
  readonly write: (line: string) => void;
  /** Calls back with every change of a node. */
  readonly onNode: (handler: (change: ObjectChange<StreamNode>) => void) => () => void;
  /** Calls back with every change of a group. */
  readonly onGroup: (handler: (change: ObjectChange<NodeGroup>) => void) => () => void;
  readonly groups: () => readonly NodeGroup[];
}

/** Resolves when every group is ready, or when the signal aborts; a line for each change until then. */
export async function showProgress(options: ProgressOptions, signal: AbortSignal): Promise<void> {
  const startMs = options.clock.monotonicMs();
  const shown = new Map<string, string>();
  const say = (name: string, text: string): void => {
    if (shown.get(name) === text) return;
    shown.set(name, text);
    const seconds = ((options.clock.monotonicMs() - startMs) / 1_000).toFixed(1).padStart(5);
    options.write(`${seconds} s  ${name.padEnd(20)} ${text}`);
  };
  const stopNodes = options.onNode((change) => say(change.object.metadata.name, nodeText(change)));
  await allReady(options, signal);
  stopNodes();
}

function allReady({ groups, onGroup }: ProgressOptions, signal: AbortSignal): Promise<void> {
  const isReady = (): boolean =>
    groups().length > 0 && groups().every(({ status }) => isTrue(status?.conditions, "Ready"));
  return new Promise((resolve) => {
    const finish = (): void => {
      stop();
      resolve();
    };
    const stop = onGroup(() => {
      if (isReady()) queueMicrotask(finish);
    });
    signal.addEventListener("abort", finish, { once: true });
    if (signal.aborted) finish();
  });
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
