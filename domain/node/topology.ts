/** Who is linked to whom: an edge to every in-service origin of its group; without one it waits. */
import type { Phase, Role } from "../../crds/names.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { servedAddresses } from "./address.ts";
import { keysOf } from "../keys.ts";

export interface TopologyNode {
  readonly name: string;
  readonly role: Role;
  readonly phase: Phase | undefined;
  /** It drains, is about to go, or has said goodbye: nobody is to be linked to it any more. */
  readonly leaving: boolean;
  readonly address: string | undefined;
  readonly privateAddress: string | undefined;
}

/** A StreamNode as the topology sees it. */
export function topologyNode({ metadata, spec, status }: StreamNode): TopologyNode {
  const saidGoodbye = status?.registration?.goodbyeAt !== undefined;
  return {
    name: metadata.name,
    role: spec.role,
    phase: status?.phase,
    leaving: spec.drain !== undefined || metadata.deletionTimestamp !== undefined || saidGoodbye,
    ...servedAddresses({ metadata, spec, status }),
  };
}

export interface Parent {
  readonly name: string;
  readonly address: string;
  readonly privateAddress?: string;
}

/** Roles that the nodes of a role are linked to. */
const parentRoles: Readonly<Record<Role, readonly Role[]>> = {
  origin: [],
  edge: ["origin"],
  relay: ["origin"],
  transcoder: [],
};

/** Whether a node of this role serves only through a parent. */
export function needsParent(role: Role): boolean {
  return parentRoles[role].length > 0;
}

/** Whether others may be linked to nodes of this role. */
export function mayHaveChildren(role: Role): boolean {
  return Object.values(parentRoles).some((parents) => parents.includes(role));
}

/** The parents of a node of this role among the nodes of its group, by name: in service, not about to go. */
export function parentsOf(role: Role, group: readonly TopologyNode[]): readonly Parent[] {
  return group
    .filter((node) => parentRoles[role].includes(node.role) && isServing(node))
    .flatMap(toParent)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The roles whose nodes this node is a parent of: those for which `parentsOf` answers it. */
export function childRolesOf(node: TopologyNode): readonly Role[] {
  if (!isServing(node) || node.address === undefined) return [];
  return keysOf(parentRoles).filter((role) => parentRoles[role].includes(node.role));
}

function isServing({ phase, leaving }: TopologyNode): boolean {
  return phase === "InService" && !leaving;
}

function toParent({ name, address, privateAddress }: TopologyNode): Parent[] {
  if (address === undefined) return [];
  return [{ name, address, ...(privateAddress !== undefined && { privateAddress }) }];
}
