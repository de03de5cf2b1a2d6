/** How objects change and end: the generation, the two steps of a deletion, the removal with the last finalizer. */
import { type Instant, toSecondsRfc3339 } from "../../domain/time.ts";
import type { DeleteOptions, KubernetesObject, ObjectMeta } from "../../runtime/kubernetes-api.ts";
import { isList, member, sameJson, without } from "./json.ts";
import type { Kind } from "./kinds.ts";
import type { ObjectKey, ObjectStore } from "./object-store.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

export function withMetadata(object: KubernetesObject, changes: Partial<ObjectMeta>): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, ...changes } };
}

export function isDeleting(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

/** What an accepted deletion makes of an object: undefined when nothing holds it and it goes at once. */
export function markedForDeletion(
  object: KubernetesObject,
  kind: Kind,
  policy: DeleteOptions["propagationPolicy"],
  now: Instant,
): KubernetesObject | undefined {
  if (isDeleting(object)) return object;
  const finalizers = [...(object.metadata.finalizers ?? []), ...policyFinalizers(policy)];
  const marked = withMetadata(object, {
    deletionTimestamp: toSecondsRfc3339(now),
    ...(finalizers.length === 0 ? {} : { finalizers: [...new Set(finalizers)] }),
    ...(object.metadata.generation === undefined ? {} : { generation: object.metadata.generation + 1 }),
  });
  const graceless = { ...marked, metadata: { ...marked.metadata, deletionGracePeriodSeconds: 0 } };
  if (!isHeld(graceless)) return undefined;
  return kind.type.kind === "Namespace" ? { ...marked, status: { phase: "Terminating" } } : graceless;
}

function policyFinalizers(policy: DeleteOptions["propagationPolicy"]): readonly string[] {
  if (policy === "Foreground") return [foregroundFinalizer];
  return policy === "Orphan" ? [orphanFinalizer] : [];
}

function isHeld(object: KubernetesObject): boolean {
  const ofSpec = member(object, ["spec", "finalizers"]);
  return (
    (object.metadata.finalizers ?? []).length > 0 ||
    (object.kind === "Namespace" && isList(ofSpec) && ofSpec.length > 0)
  );
}

/**
 * Stores the next state of an object. Nothing is written when nothing changes; an object that is being deleted and is held
 * by no finalizer any more is removed, and answered as it was asked for, at its old version.
 */
export function commit(
  store: ObjectStore,
  key: ObjectKey,
  existing: KubernetesObject,
  next: KubernetesObject,
): KubernetesObject {
  if (sameJson(existing, next)) return existing;
  if (!isDeleting(next) || isHeld(next)) return store.put(key, next);
  store.remove(key);
  return next;
}

/** The object without one finalizer. */
export function withoutFinalizer(object: KubernetesObject, finalizer: string): KubernetesObject {
  const left = (object.metadata.finalizers ?? []).filter((one) => one !== finalizer);
  const metadata = without(object.metadata, "finalizers");
  return { ...object, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
}

/** The generation of an object after a change: it counts what lies outside of metadata and status. */
export function nextGeneration(kind: Kind, existing: KubernetesObject, next: KubernetesObject): number | undefined {
  const { generation } = existing.metadata;
  if (generation === undefined) return undefined;
  const apart = kind.hasStatus ? ["metadata", "status"] : ["metadata"];
  return sameJson(without(existing, ...apart), without(next, ...apart)) ? generation : generation + 1;
}
