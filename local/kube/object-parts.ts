/** Which parts of an object a write takes from the client, and which stay as they were. */
import type { KubernetesObject, ObjectMeta } from "../../runtime/kubernetes-api.ts";
import type { Kind } from "./kinds.ts";

export function withoutStatus(object: KubernetesObject): KubernetesObject {
  return Object.fromEntries(
    Object.entries(object).filter(([name]) => name !== "status"),
  ) as unknown as KubernetesObject;
}

/** An update of the object: everything but what belongs to the server and to the status subresource. */
export function withSpecOf(kind: Kind, current: KubernetesObject, incoming: KubernetesObject): KubernetesObject {
  const object = kind.hasStatus ? withoutStatus(incoming) : incoming;
  const status = kind.hasStatus && current["status"] !== undefined ? { status: current["status"] } : {};
  return { ...object, ...status, metadata: keptMetadata(current.metadata, incoming.metadata) };
}

/** What clients cannot change stays as it was. */
function keptMetadata(current: ObjectMeta, incoming: ObjectMeta): ObjectMeta {
  const names = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ];
  const kept = Object.entries(current).filter(([name]) => names.includes(name));
  const own = Object.entries(incoming).filter(([name]) => !names.includes(name));
  return Object.fromEntries([...own, ...kept]) as unknown as ObjectMeta;
}

/** An update of the status takes nothing else. */
export function withStatusOf(current: KubernetesObject, incoming: KubernetesObject): KubernetesObject {
  const object = withoutStatus(current);
  return incoming["status"] === undefined ? object : { ...object, status: incoming["status"] };
}
