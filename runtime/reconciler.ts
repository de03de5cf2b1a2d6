/** What a controller runs: one function from a key to what should happen next. */
import type { Logger } from "./logger.ts";

/** Names one object, or one unit of work that has a two-part name. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

export type ReconcileResult =
  { readonly kind: "Done" } | { readonly kind: "RequeueAfter"; readonly ms: number; readonly reason: string };

/** What a reconciler is given for one call: the signal that bounds it, and a logger whose lines name the call. */
export interface ReconcileContext {
  /** Aborts when the call has taken too long or the process stops. */
  readonly signal: AbortSignal;
  /** Its lines carry controller, namespace, name and reconcileId. */
  readonly logger: Logger;
}

/** Reads everything it needs by key; it is never told what changed. */
export interface Reconciler {
  readonly name: string;
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult>;
}

/** Nothing more to do until something changes. */
export const done: ReconcileResult = { kind: "Done" };

/** Look again after `ms`; the reason is for the debug log. */
export function requeueAfter(ms: number, reason: string): ReconcileResult {
  return { kind: "RequeueAfter", ms, reason };
}

/** `namespace/name`, or `/name` for what lives in no namespace. */
export function keyText(key: { readonly namespace?: string | undefined; readonly name: string }): string {
  return `${key.namespace ?? ""}/${key.name}`;
}

/** The inverse of `keyText`. Only the first slash separates. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf("/");
  return { namespace: text.slice(0, Math.max(0, slash)), name: text.slice(slash + 1) };
}
