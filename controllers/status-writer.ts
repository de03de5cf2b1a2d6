/** Writing a status only when it says something new. */
import { isDeepStrictEqual } from "node:util";
import type { MergePatch, PatchOutcome, Resource, ResourceClient } from "../runtime/resource-client.ts";

/**
 * How soon (ms) to look again at an object that was not as it was read. Its change comes as an event, and much sooner: this
 * is for a local copy that has stopped to follow.
 */
export const changedMs = 1_000;

interface WithStatus extends Resource {
  readonly status?: object | undefined;
}

/**
 * Writes the named fields of the status if one of them differs from the object. A conflict is thrown as it is to be
 * retried: the object has changed, and the decision must be taken anew.
 */
export async function writeStatus<T extends WithStatus>(
  client: ResourceClient<T>,
  object: T,
  status: MergePatch,
  signal: AbortSignal,
): Promise<PatchOutcome<T>> {
  const current = (object.status ?? {}) as Readonly<Record<string, unknown>>;
  const changed = Object.entries(status).filter(([field, value]) => !sameJson(current[field], value));
  if (changed.length === 0) return { kind: "Patched", object };
  return client.patchStatus(object, Object.fromEntries(changed), signal);
}

/** Equal once written as JSON, where a field that is undefined is not there. */
function sameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(withoutUndefined(a), withoutUndefined(b));
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value ?? null;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutUndefined(inner)]));
}
