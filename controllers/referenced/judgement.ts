/** What LaunchConfig and ScalePolicy have in common: they are judged, counted, and kept while a group refers to them. */
import { finalizers } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { type Condition, type ConditionStatus, type UpdateOf, withConditions } from "../../domain/conditions.ts";
import type { Clock } from "../../domain/ports.ts";
import { done, type ReconcileResult, requeueAfter } from "../../runtime/reconciler.ts";
import type { Resource, ResourceClient } from "../../runtime/resource-client.ts";
import { changedMs, writeStatus } from "../../fleet/status-writer.ts";

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

/** Keeps the finalizer while groups refer to the object, lets it go when none does, and writes the judgement. */
export async function settleReferenced<T extends Referenced>(
  { client, clock }: { readonly client: ResourceClient<T>; readonly clock: Clock },
  object: T,
  { users, judgement }: { readonly users: readonly NodeGroup[]; readonly judgement: Judgement },
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const settled = await settleFinalizer(client, object, users.length > 0, signal);
  if (settled.kind === "NotFound") return done;
  if (settled.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
  const generation = object.metadata.generation ?? 0;
  const updates = [{ type: "Accepted", ...judgement.accepted }, inUse(object, users), ...(judgement.more ?? [])];
  const conditions = withConditions(
    object.status?.conditions ?? [],
    updates.map((update) => ({ ...update, observedGeneration: generation })),
    clock.now(),
  );
  const status = { ...judgement.status, observedGeneration: generation, usedBy: users.length, conditions };
  const written = await writeStatus(client, settled.object, status, signal);
  return written.kind === "Conflict" ? requeueAfter(changedMs, "it has changed meanwhile") : done;
}

function settleFinalizer<T extends Referenced>(
  client: ResourceClient<T>,
  object: T,
  used: boolean,
  signal: AbortSignal,
) {
  const deleting = object.metadata.deletionTimestamp !== undefined;
  if (!used) return client.removeFinalizer(object, finalizers.inUse, signal);
  if (deleting) return Promise.resolve({ kind: "Patched", object } as const);
  return client.addFinalizer(object, finalizers.inUse, signal);
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
