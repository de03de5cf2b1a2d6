/** Whether the cluster has what we need, said at once rather than after a time-out. */
import { type Kind, kinds, resourceType } from "../crds/names.ts";
import { ApiError, type KubernetesApi } from "../runtime/kubernetes-api.ts";
import { StartError } from "../runtime/manager.ts";
import { messageOf } from "../runtime/thrown.ts";
import { isMissingKind } from "./missing-kind.ts";
import { keysOf } from "../domain/keys.ts";

const namespaceType = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false } as const;

/** Throws `StartError` where the operator's own namespace is missing, or the server does not answer. */
export async function assertNamespace(kube: KubernetesApi, namespace: string): Promise<void> {
  try {
    await kube.get(namespaceType, { name: namespace });
  } catch (error) {
    if (!(error instanceof ApiError)) throw unreachable(error);
    // Who may not ask is told nothing: what is missing shows later.
    if (error.code === 403) return;
    throw new StartError(
      `namespace ${namespace}: ${error.message}; create it with: kubectl create namespace ${namespace}`,
    );
  }
}

/** Throws `StartError` where the cluster does not know a kind. */
export async function assertKinds(kube: KubernetesApi, needed: readonly Kind[]): Promise<void> {
  const missing = await missingKinds(kube, needed);
  if (missing.length > 0) throw notInstalled(missing);
}

/**
 * The kinds that the cluster does not know. Some may be gone where the definitions are being deleted, and what is left of
 * the others waits for us: all of it is on its way out. Throws `StartError` where that is not so.
 */
export async function kindsGone(kube: KubernetesApi): Promise<ReadonlySet<Kind>> {
  const missing = await missingKinds(kube, keysOf(kinds));
  if (missing.length > 0 && !(await isLeaving(kube, missing))) throw notInstalled(missing);
  return new Set(missing);
}

async function missingKinds(kube: KubernetesApi, asked: readonly Kind[]): Promise<readonly Kind[]> {
  const known = await Promise.all(asked.map((kind) => knows(kube, kind)));
  return asked.filter((_kind, place) => known[place] === false);
}

async function knows(kube: KubernetesApi, kind: Kind): Promise<boolean> {
  try {
    await kube.list(resourceType(kind), { limit: 1 });
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw unreachable(error);
    return !isMissingKind(error);
  }
}

/** Whether groups or nodes are left, and each of them is being deleted. */
async function isLeaving(kube: KubernetesApi, missing: readonly Kind[]): Promise<boolean> {
  const left = (["NodeGroup", "StreamNode"] as const).filter((kind) => !missing.includes(kind));
  const lists = await Promise.all(left.map((kind) => kube.list(resourceType(kind), {})));
  const objects = lists.flatMap(({ items }) => items);
  return objects.length > 0 && objects.every(({ metadata }) => metadata.deletionTimestamp !== undefined);
}

function notInstalled(missing: readonly Kind[]): StartError {
  const names = missing.map((kind) => plurals[kind]).join(", ");
  return new StartError(`the cluster does not know ${names}: install the definitions with: kubectl apply -f crds/`);
}

const plurals: Readonly<Record<Kind, string>> = {
  NodeGroup: "NodeGroups",
  ScalePolicy: "ScalePolicies",
  LaunchConfig: "LaunchConfigs",
  LaunchBatch: "LaunchBatches",
  StreamNode: "StreamNodes",
};

function unreachable(cause: unknown): StartError {
  const why = messageOf(cause).split("\n")[0] ?? "";
  return new StartError(
    `cannot reach the Kubernetes API (${why}): look at the kubeconfig, and whether the server runs`,
    { cause },
  );
}
