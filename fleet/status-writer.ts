/** Writing a status only when it says something new. */
import type { MergePatch, PatchOutcome, Resource, ResourceClient } from "../runtime/resource-client.ts";

/**
 * How soon (ms) to look again at an object that was not as it was read. Its change comes as an event, and much sooner: this
 * is for a local copy that has stopped to follow.
 */
export const changedMs = 1_000;

type Fields = Readonly<Record<string, unknown>>;

interface WithStatus extends Resource {
  readonly status?: object | undefined;
}

/**
 * Writes the named fields of the status if one of them differs from the object. A conflict is thrown as it is to be
 * retried: the object has changed, and the decision must be taken anew.
 */
export async function writeStatus<T extends WithStatus>(
  client: Pick<ResourceClient<T>, "patchStatus">,
  object: T,
  status: MergePatch,
  signal: AbortSignal,
): Promise<PatchOutcome<T>> {
  const current = (object.status ?? {}) as Readonly<Record<string, unknown>>;
  const changed = Object.entries(status).filter(([field, value]) => !sameJson(current[field], value));
  if (changed.length === 0) return { kind: "Patched", object };
  return client.patchStatus(object, Object.fromEntries(changed), signal);
}

/** Equal once written as JSON, where a field that is null or undefined is not there. Compares in place: it runs at every look. */
function sameJson(a: unknown, b: unknown): boolean {
  if (isAbsent(a) || isAbsent(b)) return isAbsent(a) && isAbsent(b);
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && sameItems(a, b);
  return sameFields(a as Fields, b as Fields);
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, place) => sameJson(item, b[place]));
}

function sameFields(a: Fields, b: Fields): boolean {
  return (
    Object.keys(a).every((name) => sameJson(a[name], b[name])) &&
    Object.keys(b).every((name) => Object.hasOwn(a, name) || isAbsent(b[name]))
  );
}
