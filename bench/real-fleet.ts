/** A resting fleet, copied to a real API server: with its own UIDs there, and otherwise as it is. */
import { customResourceDefinitions } from "../crds/definitions.ts";
import { type Kind, resourceType } from "../crds/names.ts";
import type { KubernetesApi, KubernetesObject, ObjectMeta, ResourceType } from "../runtime/kubernetes-api.ts";
import { pause } from "./measure.ts";
import { operatorNamespace } from "./installation.ts";
import type { RestingFleet } from "./resting-fleet.ts";

const definitions: ResourceType = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};
const namespaces: ResourceType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
};
/** Owners before what they own. */
const kindsInOrder: readonly Kind[] = ["LaunchConfig", "ScalePolicy", "NodeGroup", "LaunchBatch", "StreamNode"];
const callsAtOnce = 32;

/** Creates everything. Resolves once all of it, statuses included, is there. */
export async function fill(kube: KubernetesApi, { kube: embedded }: Pick<RestingFleet, "kube">): Promise<void> {
  await kube.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: operatorNamespace } });
  for (const crd of customResourceDefinitions()) await kube.create(definitions, crd as unknown as KubernetesObject);
  for (const kind of kindsInOrder) await served(kube, resourceType(kind));
  const uids = new Map<string, string>();
  for (const kind of kindsInOrder) {
    const { items } = await embedded.list(resourceType(kind), {});
    console.error(`filling in ${items.length} ${resourceType(kind).plural}`);
    await forEachOf(items, async (item) => {
      const uid = await copy(kube, resourceType(kind), item, uids);
      uids.set(item.metadata.uid ?? "", uid);
    });
  }
}

async function copy(
  kube: KubernetesApi,
  type: ResourceType,
  object: KubernetesObject,
  uids: ReadonlyMap<string, string>,
): Promise<string> {
  const { name, namespace, labels, annotations, finalizers, ownerReferences } = object.metadata;
  const owners = ownerReferences?.map((owner) => ({ ...owner, uid: uids.get(owner.uid) ?? owner.uid }));
  const metadata = { name, namespace, labels, annotations, finalizers, ownerReferences: owners } as ObjectMeta;
  const created = await kube.create(type, { ...object, metadata, spec: withUids(object["spec"], uids) });
  const { uid = "" } = created.metadata;
  const { status } = object;
  if (status !== undefined) {
    const own = withUids(status, new Map([[object.metadata.uid ?? "", uid]]));
    await kube.mergePatch(type, { name, namespace }, { status: own }, { subresource: "status" });
  }
  return uid;
}

/** The same with the UIDs of here: by any others the operator would take the objects for copies. */
function withUids(fields: unknown, uids: ReadonlyMap<string, string>): unknown {
  const entries = Object.entries(fields as Readonly<Record<string, unknown>>);
  const isUid = (name: string): boolean => /^(groupUid|batchUid|claimedUid)$/.test(name);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isUid(name) ? (uids.get(String(value)) ?? value) : value]),
  );
}

/** A definition is served a moment after it was made. */
async function served(kube: KubernetesApi, type: ResourceType): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    try {
      await kube.list(type, { limit: 1 });
      return;
    } catch {
      await pause(100);
    }
  }
  throw new Error(`${type.plural} are not served`);
}

async function forEachOf<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await act(item);
  };
  await Promise.all(Array.from({ length: callsAtOnce }, worker));
}
