/** What the deletion of a group does next: its nodes go, then its batches are settled, then the cloud confirms that nothing is left. */
import { orphanFinalizer } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { isSettled, openSlots } from "../launch/batch.ts";
import { groupUidOf, isClaimed, isOwnedBy } from "../node/claim.ts";
import { isTrue } from "../conditions.ts";
import type { Clock } from "../ports.ts";
import type { GroupObjects, GroupObservation, ObservationDeps } from "../../controllers/node-group/observation.ts";

export interface DeletionDeps extends Pick<ObservationDeps, "gate"> {
  readonly clock: Pick<Clock, "monotonicMs">;
}

export type DeletionStep =
  | { readonly kind: "DeleteNodes"; readonly nodes: readonly StreamNode[] }
  | { readonly kind: "Wait"; readonly message: string }
  | { readonly kind: "Release" };

/**
 * Whether the deletion leaves the nodes. The finalizer that says so goes as soon as the garbage collector has taken the owner
 * references away; what was seen of it stays in the status.
 */
export function isOrphaning({ metadata, status }: NodeGroup): boolean {
  return metadata.finalizers?.includes(orphanFinalizer) === true || isTrue(status?.conditions, "Orphaned");
}

export function deletionStep(deps: DeletionDeps, observation: GroupObservation & GroupObjects): DeletionStep {
  const { group, nodes, batches } = observation;
  if (isOrphaning(group)) return { kind: "Release" };
  // Nodes that lost their owner stay; nodes of an earlier group are let go elsewhere.
  const owned = nodes.filter((node) => groupUidOf(node) === group.metadata.uid && isOwnedBy(node, group));
  const staying = owned.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  // One that is not claimed yet would be let go, its machine adopted, and all would begin anew.
  const claimed = staying.filter(isClaimed);
  if (claimed.length > 0) return { kind: "DeleteNodes", nodes: claimed };
  if (staying.length > 0) return { kind: "Wait", message: `${staying.length} nodes are being adopted first` };
  const open = batches.filter((batch) => !isSettled(batch) && openSlots(batch).length > 0);
  if (open.length > 0) return { kind: "Wait", message: `${open.length} launches are not settled yet` };
  if (owned.length > 0) return { kind: "Wait", message: `${owned.length} nodes are being terminated` };
  const left = machinesLeft(deps, observation);
  return left === undefined ? { kind: "Release" } : { kind: "Wait", message: left };
}

/**
 * What the cloud still has to say: a complete listing, read since the deletion began, that shows no machine of the group but those of
 * nodes that stay.
 */
function machinesLeft(
  { gate, clock }: DeletionDeps,
  { group, references, nodes }: GroupObservation & GroupObjects,
): string | undefined {
  if (references.kind !== "Resolved") return undefined;
  const sinceMs = gate.knownSince(`${group.metadata.uid}/deletion`, clock.monotonicMs());
  const { platform } = references;
  const open = group.spec.regions.find((region) => {
    const listed = gate.listed({ groupUid: group.metadata.uid, platform, region });
    const staying = nodes.filter(({ spec }) => spec.region === region && spec.providerId !== undefined).length;
    return listed === undefined || listed.listedMs < sinceMs || listed.machines > staying;
  });
  return open === undefined ? undefined : `the cloud has not confirmed yet that no machine is left in ${open}`;
}
