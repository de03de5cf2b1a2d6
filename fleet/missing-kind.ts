/** The cluster does not know a kind: its CustomResourceDefinition has been deleted, as at the end of an uninstallation. */
import type { NodeGroup } from "../crds/node-group.ts";
import { ApiError, type ListOptions } from "../runtime/kubernetes-api.ts";
import type { Resource, ResourceClient } from "../runtime/resource-client.ts";

/** Whether a list failed because the kind does not exist; a kind without objects is answered with an empty list. */
export function isMissingKind(error: unknown): boolean {
  return error instanceof ApiError && error.code === 404;
}

/**
 * Objects of a kind, for a group. Where the group goes, a kind that the cluster does not know has no objects, so that the deletion
 * of all definitions comes to its end; else nothing follows from it, and the list fails.
 */
export async function listFor<T extends Resource>(
  group: Pick<NodeGroup, "metadata">,
  client: Pick<ResourceClient<T>, "list">,
  query: Pick<ListOptions, "namespace" | "labelSelector">,
  signal: AbortSignal,
): Promise<readonly T[]> {
  try {
    return await client.list(query, signal);
  } catch (error) {
    if (group.metadata.deletionTimestamp !== undefined && isMissingKind(error)) return [];
    throw error;
  }
}
