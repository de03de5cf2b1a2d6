/** What we create, as it is created: LaunchBatches of decisions, and StreamNodes of batches and of machines that were found. */
import { apiVersion, finalizers, labels, type Role } from "../crds/names.ts";
import type { NodeGroup } from "../crds/node-group.ts";
import type { NodeLaunch } from "../crds/stream-node.ts";
import type { PlannedBatch } from "../domain/launch/batch-plan.ts";
import { slotName } from "../domain/names.ts";
import type { OwnerReference } from "../runtime/kubernetes-api.ts";
import type { Draft } from "../runtime/resource-client.ts";

export interface NodeOrigin {
  readonly group: NodeGroup;
  readonly role: Role;
  readonly slot: number;
  readonly region: string;
  readonly batch: string;
  /** Absent when the node was adopted. */
  readonly batchUid?: string;
  /** Place of the slot in the batch. */
  readonly index: number;
  readonly providerId?: string;
  readonly launch: NodeLaunch;
}

/** Makes the group the owner of an object. The garbage collector removes the reference again at `--cascade=orphan`. */
export function ownerReferenceTo({ metadata: { name, uid } }: NodeGroup): OwnerReference {
  return { apiVersion, kind: "NodeGroup", name, uid, controller: true, blockOwnerDeletion: true };
}

export function streamNodeDraft(origin: NodeOrigin): Draft {
  const { group, role, slot, region, batch, batchUid, index, providerId, launch } = origin;
  const { name, namespace, uid } = group.metadata;
  return {
    metadata: {
      name: slotName(name, role, slot),
      namespace,
      labels: { ...groupLabels(name, role, region), [labels.batch]: batch },
      finalizers: [finalizers.machine],
      ownerReferences: [ownerReferenceTo(group)],
    },
    spec: {
      group: name,
      groupUid: uid,
      role,
      slot,
      region,
      batch,
      ...(batchUid !== undefined && { batchUid }),
      index,
      ...(providerId !== undefined && { providerId }),
      launch,
    },
  };
}

/** The LaunchBatch that commits what was planned for a group. */
export function launchBatchDraft(group: NodeGroup, { name, spec }: PlannedBatch): Draft {
  return {
    metadata: {
      name,
      namespace: group.metadata.namespace,
      labels: groupLabels(spec.group, spec.role, spec.region),
      finalizers: [finalizers.launch],
      ownerReferences: [ownerReferenceTo(group)],
    },
    spec,
  };
}

/** Labels by which people and quorum lists find what belongs to a group. */
function groupLabels(group: string, role: Role, region: string): Record<string, string> {
  return {
    [labels.group]: group,
    [labels.role]: role,
    [labels.region]: region,
  };
}
