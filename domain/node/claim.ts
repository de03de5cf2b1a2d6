/**
 * Whose a StreamNode is, and whether its machine may be terminated for it. This is the only place that decides it: objects can
 * be copied, restored, orphaned and written by hand, so that a deletion alone is no order to end a machine.
 */
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { findCondition, isTrue } from "../conditions.ts";
import type { Machine } from "./machine.ts";
import { slotName } from "../names.ts";
import { fromTags } from "./ownership.ts";

/** Why nothing is done for a StreamNode, and its machine is left alone. */
export type ReleaseReason =
  /** No NodeGroup has its group's name. */
  | "NoGroup"
  /** The NodeGroup of that name is another than the one that it was made for. */
  | "OtherGroup"
  /** Its name is not that of its slot. */
  | "OtherName"
  /** Its owner reference was taken away: by `--cascade=orphan`, or by hand. */
  | "LostOwner"
  /** It was deleted before the operator had made it its own. */
  | "NotAdopted"
  /** The machine's tags name another. */
  | "TagsDiffer"
  /** Another StreamNode that the tags fit has the machine. */
  | "HeldByAnother";

export interface LetGo {
  readonly kind: "LetGo";
  readonly reason: ReleaseReason;
  /** For people. */
  readonly message: string;
  /** It stays as it is until somebody deletes it, for it stands in nobody's way. */
  readonly stays: boolean;
}

/** `Unclaimed`: nothing speaks against it, but its machine's tags have not been seen yet. */
export type Standing = { readonly kind: "Claimed" } | { readonly kind: "Unclaimed" } | LetGo;

/** `Unread`: the tags cannot be read now, which says nothing: wait. */
export type Title = { readonly kind: "Proved" } | { readonly kind: "Unread" } | LetGo;

type OwnedObject = Pick<StreamNode, "metadata"> & { readonly spec: { readonly groupUid?: string | undefined } };

/** UID of the group that the object was made for; objects of a version before the field have it in their owner reference. */
export function groupUidOf({ metadata, spec }: OwnedObject): string | undefined {
  return spec.groupUid ?? metadata.ownerReferences?.find(({ kind }) => kind === "NodeGroup")?.uid;
}

/** Whether the operator has made this very object its own. What a copy's status says is of another UID. */
export function isClaimed({ metadata, status }: Pick<StreamNode, "metadata" | "status">): boolean {
  return status?.claimedUid === metadata.uid;
}

/** Whether the cloud was told to terminate the node's machine, as the operator's own status of this very object says. */
export function wasToldToEnd(node: Pick<StreamNode, "metadata" | "status">): boolean {
  const conditions = node.status?.conditions;
  const reason = findCondition(conditions, "Terminated")?.reason;
  return isClaimed(node) && !isTrue(conditions, "Released") && (reason === "AwaitingCloud" || reason === "Confirmed");
}

/** Whether the object still names the group as its owner. */
export function isOwnedBy({ metadata }: Pick<StreamNode, "metadata">, group: NodeGroup): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === group.metadata.uid) === true;
}

export interface StandingFacts {
  /** Of the node's namespace and group name, as the cluster itself has it where it speaks against the node. */
  readonly group: NodeGroup | undefined;
  /** As it was last seen; undefined: not seen, or not known. */
  readonly machine: Machine | undefined;
  /** Other StreamNodes with the same machine. */
  readonly rivals: readonly StreamNode[];
  readonly clusterId: string;
}

/** What the node is to us, whether it is being deleted or not. */
export function standingOf(node: StreamNode, { group, machine, rivals, clusterId }: StandingFacts): Standing {
  return (
    againstObject(node, group) ??
    againstMachine(node, { machine, rivals, clusterId }) ?? {
      kind: isClaimed(node) || node.spec.providerId === undefined || machine !== undefined ? "Claimed" : "Unclaimed",
    }
  );
}

/**
 * Whether the machine may be terminated for the node, whose standing is `Claimed`. `machine` as the cloud has just answered it,
 * with its tags; undefined where it did not.
 */
export function titleTo(
  node: StreamNode,
  { machine, rivals, clusterId }: Pick<StandingFacts, "machine" | "rivals" | "clusterId">,
): Title {
  if (machine === undefined) return { kind: "Unread" };
  const differing = tagsAgainst(node, machine, clusterId);
  if (differing !== undefined) return differing;
  const rival = rivals.find((other) => isRival(node, other, machine, clusterId));
  return rival === undefined ? { kind: "Proved" } : heldBy(rival);
}

/** What the objects alone say against it. */
function againstObject(node: StreamNode, group: NodeGroup | undefined): LetGo | undefined {
  const { metadata, spec } = node;
  const deleting = metadata.deletionTimestamp !== undefined;
  if (group === undefined)
    return letGo("NoGroup", `there is no NodeGroup ${spec.group} in namespace ${metadata.namespace}`, true);
  const name = slotName(spec.group, spec.role, spec.slot);
  if (name !== metadata.name) return letGo("OtherName", `the StreamNode of its slot is ${name}`);
  const made = groupUidOf(node);
  if (made !== group.metadata.uid) {
    return letGo("OtherGroup", `it was made for a NodeGroup with UID ${made ?? "unknown"}, not ${group.metadata.uid}`);
  }
  // A group that stays takes it back, as long as it is not being deleted itself.
  if (!isOwnedBy(node, group) && (deleting || group.metadata.deletionTimestamp !== undefined))
    return letGo("LostOwner", `NodeGroup ${spec.group} is no longer its owner`, true);
  if (deleting && !isClaimed(node)) return letGo("NotAdopted", "it was deleted before the operator had adopted it");
  return undefined;
}

/** What its machine says against it. One that was claimed keeps its machine until that is to be terminated. */
function againstMachine(
  node: StreamNode,
  { machine, rivals, clusterId }: Pick<StandingFacts, "machine" | "rivals" | "clusterId">,
): LetGo | undefined {
  if (machine === undefined) return undefined;
  const claimed = isClaimed(node);
  const differing = claimed ? undefined : tagsAgainst(node, machine, clusterId);
  if (differing !== undefined) return differing;
  const stronger = rivals.find(
    (other) => isRival(node, other, machine, clusterId) && goesBefore(other, node) && (!claimed || isClaimed(other)),
  );
  return stronger === undefined ? undefined : heldBy(stronger);
}

/** A claimed node goes before others, and of two alike the one that was there first. */
function goesBefore(other: StreamNode, node: StreamNode): boolean {
  if (isClaimed(other) !== isClaimed(node)) return isClaimed(other);
  const [a, b] = [other, node].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.uid}`);
  return (a ?? "") < (b ?? "");
}

/** Whether the other is as much the machine's node as this one is. */
function isRival(node: StreamNode, other: StreamNode, machine: Machine, clusterId: string): boolean {
  return (
    other.metadata.uid !== node.metadata.uid &&
    groupUidOf(other) === groupUidOf(node) &&
    tagsAgainst(other, machine, clusterId) === undefined
  );
}

function tagsAgainst(
  { metadata, spec }: StreamNode,
  { providerId, tags }: Machine,
  clusterId: string,
): LetGo | undefined {
  const owner = fromTags(tags);
  if (owner === undefined) return letGo("TagsDiffer", `the tags of machine ${providerId} cannot be read as ours`);
  const named = [owner.clusterId, owner.namespace, owner.group, owner.role].join("/");
  const wanted = [clusterId, metadata.namespace, spec.group, spec.role].join("/");
  if (named === wanted) return undefined;
  return letGo("TagsDiffer", `the tags of machine ${providerId} name ${named}, not ${wanted}`);
}

function heldBy({ metadata }: StreamNode): LetGo {
  return letGo("HeldByAnother", `StreamNode ${metadata.name} has its machine`);
}

function letGo(reason: ReleaseReason, message: string, stays = false): LetGo {
  return { kind: "LetGo", reason, message, stays };
}
