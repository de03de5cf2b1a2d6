/** Which object a request is about. */
import type { Kind } from "./kinds.ts";
import type { ObjectKey } from "./object-store.ts";

/** Where an object is, or is to be. The namespace is empty for cluster-wide kinds. */
export interface Target {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: "status";
}

export function keyOf({ kind, namespace, name }: Target): ObjectKey {
  return { resource: kind.resource, namespace, name };
}
