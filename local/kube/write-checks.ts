/** What a write to an object must agree with: names, versions, what only the server may set. Each throws what is refused. */
import type { DeleteOptions, KubernetesObject, ObjectMeta } from "../../runtime/kubernetes-api.ts";
import { badRequest, conflict, type FieldError, preconditionFailed, StatusError } from "./status.ts";
import { type Target } from "./target.ts";

export function checkSame(what: "name" | "namespace", inBody: string | undefined, inUrl: string): void {
  if (inBody === inUrl || (inBody === undefined && what === "namespace")) return;
  if (what === "name") throw badRequest(nameMismatch(inBody, inUrl));
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

export function nameMismatch(inBody: string | undefined, inUrl: string): string {
  return `the name of the object (${inBody ?? ""}) does not match the name on the URL (${inUrl})`;
}

export function checkUid({ kind, name }: Target, current: KubernetesObject, uid: string | undefined): void {
  if (uid === undefined || uid === current.metadata.uid) return;
  const why = `UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ""}`;
  throw conflict(kind.type, name, `StorageError: invalid object, Code: 4, Key: ${name}, Precondition failed: ${why}`);
}

export function checkVersion({ kind, name }: Target, current: KubernetesObject, { resourceVersion }: ObjectMeta): void {
  // As in the real server, 0 names no version.
  if (resourceVersion === undefined || resourceVersion === "0") return;
  if (!/^\d+$/.test(resourceVersion)) {
    throw new StatusError(500, "", `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
  }
  if (resourceVersion !== current.metadata.resourceVersion) throw conflict(kind.type, name);
}

/** What only the server may set. */
export function immutableErrors(current: ObjectMeta, incoming: ObjectMeta): readonly FieldError[] {
  return (["uid", "deletionTimestamp"] as const).flatMap((name) => {
    const value = incoming[name];
    if (value === undefined || value === current[name]) return [];
    const message = `Invalid value: ${JSON.stringify(value)}: field is immutable`;
    return [{ reason: "FieldValueInvalid" as const, field: `metadata.${name}`, message }];
  });
}

export function checkPreconditions(
  target: Target,
  current: KubernetesObject,
  preconditions: DeleteOptions["preconditions"],
): void {
  const { uid, resourceVersion } = current.metadata;
  const fail = (what: string, wanted: string, found: string | undefined): never => {
    const why = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found ?? ""}). `;
    throw preconditionFailed(
      target.kind.type,
      target.name,
      `${why}The object might have been deleted and then recreated`,
    );
  };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) fail("UID", preconditions.uid, uid);
  const version = preconditions?.resourceVersion;
  if (version !== undefined && version !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${resourceVersion ?? ""}). `;
    throw preconditionFailed(target.kind.type, target.name, `${why}The object might have been modified`);
  }
}
