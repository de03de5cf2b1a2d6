/** What LaunchConfig and ScalePolicy have in common: they are judged, counted, and kept while a group refers to them. */
import { finalizers } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { type Condition, type ConditionStatus, type UpdateOf, withConditions } from "../../domain/conditions.ts";
import type { Clock } from "../../domain/ports.ts";
import type { Collection } from "../../fleet/cluster.ts";
import { changedMs, writeStatus } from "../../fleet/status-writer.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileContext,
  type ReconcileResult,
  requeueAfter,
} from "../../runtime/reconciler.ts";
import type { Resource } from "../../runtime/resource-client.ts";

type Update = UpdateOf<"LaunchConfig"> | UpdateOf<"ScalePolicy">;
type Accepted = Extract<UpdateOf<"LaunchConfig">, { readonly type: "Accepted" }>;

interface Referenced extends Resource {
  readonly metadata: Resource["metadata"] & { readonly generation?: number | undefined };
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

export interface Judgement {
  readonly accepted: {
    readonly status: ConditionStatus;
    readonly reason: Accepted["reason"];
    readonly message: string;
  };
  /** Further conditions. */
  readonly more?: readonly Update[];
  /** Further fields of the status. */
  readonly status: Readonly<Record<string, unknown>>;
}

export interface ReferencedDeps<T extends Referenced> {
  /** Of the reconciler. */
  readonly name: string;
  readonly objects: Collection<T>;
  /** The groups that refer to the object with this key. */
  readonly users: (key: string) => readonly NodeGroup[];
  readonly judge: (object: T) => Judgement;
  readonly clock: Pick<Clock, "now">;
}

/** Keeps the finalizer while groups refer to the object, lets it go when none does, and writes the judgement. */
export class ReferencedReconciler<T extends Referenced> implements Reconciler {
  readonly name: string;
  readonly #deps: ReferencedDeps<T>;

  constructor(deps: ReferencedDeps<T>) {
    this.name = deps.name;
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const { objects, users, judge } = this.#deps;
    const object = objects.cache.get(keyText(key));
    if (object === undefined) return done;
    const referring = users(keyText(key));
    const settled = await this.#settleFinalizer(object, referring.length > 0, signal);
    if (settled.kind === "NotFound") return done;
    if (settled.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    const status = this.#status(object, referring, judge(object));
    const written = await writeStatus(objects.client, settled.object, status, signal);
    return written.kind === "Conflict" ? requeueAfter(changedMs, "it has changed meanwhile") : done;
  }

  #settleFinalizer(object: T, used: boolean, signal: AbortSignal) {
    const { client } = this.#deps.objects;
    if (!used) return client.removeFinalizer(object, finalizers.inUse, signal);
    if (object.metadata.deletionTimestamp !== undefined) return Promise.resolve({ kind: "Patched", object } as const);
    return client.addFinalizer(object, finalizers.inUse, signal);
  }

  #status(object: T, users: readonly NodeGroup[], { accepted, more = [], status }: Judgement) {
    const observedGeneration = object.metadata.generation ?? 0;
    const updates: readonly Update[] = [{ type: "Accepted", ...accepted }, inUse(object, users), ...more];
    const conditions = withConditions(
      object.status?.conditions ?? [],
      updates.map((update) => ({ ...update, observedGeneration })),
      this.#deps.clock.now(),
    );
    return { ...status, observedGeneration, usedBy: users.length, conditions };
  }
}

function inUse(object: Referenced, users: readonly NodeGroup[]): Update {
  const type = "InUse";
  if (users.length === 0)
    return { type, status: "False", reason: "NotReferenced", message: "no NodeGroup refers to it" };
  const names = users
    .map(({ metadata }) => metadata.name)
    .sort()
    .slice(0, 10)
    .join(", ");
  const waits = object.metadata.deletionTimestamp === undefined ? "" : ": it is deleted when they no longer do";
  const refer = users.length === 1 ? "1 NodeGroup refers" : `${users.length} NodeGroups refer`;
  const message = `${refer} to it (${names})${waits}`;
  return { type, status: "True", reason: "Referenced", message };
}
