/** What the deletion of a group does next: its nodes go, then its batches are settled, then the cloud confirms that nothing is left. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { isSettled, openSlots } from "../launch/batch.ts";
import { groupUidOf, isClaimed, isOwnedBy } from "../node/claim.ts";

/** What is known of a group that is being deleted. */
export interface DeletionFacts {
  readonly group: NodeGroup;
  /** The deletion leaves the nodes, and their machines. */
  readonly orphaning: boolean;
  readonly nodes: readonly StreamNode[];
  readonly batches: readonly LaunchBatch[];
  /** Asked last, when nothing else is left; undefined where nobody knows which cloud to ask. */
  readonly cloud: () => CloudListings | undefined;
}

export interface CloudListings {
  /** Listings that began before (monotonic, ms) tell nothing: the deletion was not known yet. */
  readonly sinceMs: number;
  /** When the newest complete listing of a region began, and how many machines of the group it showed that are not terminated. */
  listed(region: string): { readonly listedMs: number; readonly machines: number } | undefined;
}

export type DeletionStep =
  | { readonly kind: "DeleteNodes"; readonly nodes: readonly StreamNode[] }
  | { readonly kind: "Wait"; readonly message: string }
  | { readonly kind: "Release" };

export function deletionStep(facts: DeletionFacts): DeletionStep {
  const { group, nodes, batches } = facts;
  if (facts.orphaning) return { kind: "Release" };
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
  const left = machinesLeft(facts);
  return left === undefined ? { kind: "Release" } : { kind: "Wait", message: left };
}

/**
 * What the cloud still has to say: a complete listing, read since the deletion began, that shows no machine of the group but those of
 * nodes that stay.
 */
function machinesLeft({ group, nodes, cloud }: DeletionFacts): string | undefined {
  const listings = cloud();
  if (listings === undefined) return undefined;
  const open = group.spec.regions.find((region) => {
    const listed = listings.listed(region);
    const staying = nodes.filter(({ spec }) => spec.region === region && spec.providerId !== undefined).length;
    return listed === undefined || listed.listedMs < listings.sinceMs || listed.machines > staying;
  });
  return open === undefined ? undefined : `the cloud has not confirmed yet that no machine is left in ${open}`;
}
