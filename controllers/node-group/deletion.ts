/** What the deletion of a group does next: its nodes go, then its batches are settled, then the cloud confirms that nothing is left. */
import type { StreamNode } from "../../crds/stream-node.ts";
import { isSettled, openSlots } from "../../domain/batch.ts";
import { fromRfc3339 } from "../../domain/time.ts";
import type { GroupObjects, GroupObservation, ObservationDeps } from "./observation.ts";

export type DeletionStep =
  | { readonly kind: "DeleteNodes"; readonly nodes: readonly StreamNode[] }
  | { readonly kind: "Wait"; readonly message: string }
  | { readonly kind: "Release" };

export function deletionStep(
  deps: Pick<ObservationDeps, "gate">,
  observation: GroupObservation & GroupObjects,
): DeletionStep {
  const { nodes, batches } = observation;
  const staying = nodes.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (staying.length > 0) return { kind: "DeleteNodes", nodes: staying };
  const open = batches.filter((batch) => !isSettled(batch) && openSlots(batch).length > 0);
  if (open.length > 0) return { kind: "Wait", message: `${open.length} launches are not settled yet` };
  if (nodes.length > 0) return { kind: "Wait", message: `${nodes.length} nodes are being terminated` };
  const left = machinesLeft(deps, observation);
  return left === undefined ? { kind: "Release" } : { kind: "Wait", message: left };
}

/** What the cloud still has to say: a complete listing, read since the deletion began, that shows no machine of the group. */
function machinesLeft(
  { gate }: Pick<ObservationDeps, "gate">,
  { group, references }: GroupObservation,
): string | undefined {
  if (references.kind !== "Resolved") return undefined;
  const since = fromRfc3339(group.metadata.deletionTimestamp ?? "") ?? 0;
  const { platform } = references;
  const open = group.spec.regions.find((region) => {
    const listed = gate.listed({ groupUid: group.metadata.uid, platform, region });
    return listed === undefined || listed.listedAt < since || listed.machines > 0;
  });
  return open === undefined ? undefined : `the cloud has not confirmed yet that no machine is left in ${open}`;
}
