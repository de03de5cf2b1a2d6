/** What limits, load, alarms and decisions belong to: a group, named by its key, or a place (role and region) in it. */
import type { Role } from "../../crds/names.ts";

/** Names a NodeGroup. */
export interface GroupKey {
  readonly namespace: string;
  readonly group: string;
}

/** `namespace/group`: as queues, indexes and maps have it. */
export function groupText({ namespace, group }: GroupKey): string {
  return `${namespace}/${group}`;
}

/** What belongs to a group says so in its spec. */
interface OfGroup {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly group: string };
}

/** `namespace/group` of the group that an object belongs to. */
export function groupTextOf({ metadata, spec }: OfGroup): string {
  return groupText({ namespace: metadata.namespace, group: spec.group });
}

/** A (role, region) of a group. */
export interface Place {
  readonly role: Role;
  readonly region: string;
}

/** `role/region`. */
export function placeText({ role, region }: Place): string {
  return `${role}/${region}`;
}
