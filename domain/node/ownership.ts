/** The tags by which a machine is known as ours, and as whose; enough to rebuild its StreamNode when all objects are lost. */
import type { Role } from "../../crds/names.ts";
import { formatSlots, parseSlots } from "../names.ts";
import type { OwnershipTags } from "./machine.ts";

/** Every machine of one installation carries this tag with the installation's cluster id. */
export const clusterTag = "streamfleet.dev/cluster";
/** Unique to one attempt of one batch: machines with the same value were started by the same call. */
export const tokenTag = "streamfleet.dev/token";

const tagNames = {
  clusterId: clusterTag,
  token: tokenTag,
  namespace: "streamfleet.dev/namespace",
  group: "streamfleet.dev/group",
  role: "streamfleet.dev/role",
  batch: "streamfleet.dev/batch",
  slots: "streamfleet.dev/slots",
  connectionCapacity: "streamfleet.dev/capacity",
} as const satisfies Record<keyof OwnershipTags, string>;

const knownRoles: Readonly<Record<Role, true>> = { origin: true, edge: true, relay: true, transcoder: true };

/** The tags of a launch. Tags of the user's own come first, so that ours win. */
export function toTags(owner: OwnershipTags, metadata: Readonly<Record<string, string>>): Record<string, string> {
  return {
    ...metadata,
    [tagNames.clusterId]: owner.clusterId,
    [tagNames.namespace]: owner.namespace,
    [tagNames.group]: owner.group,
    [tagNames.role]: owner.role,
    [tagNames.batch]: owner.batch,
    [tagNames.token]: owner.token,
    [tagNames.slots]: slotsText(owner.slots),
    [tagNames.connectionCapacity]: String(owner.connectionCapacity),
  };
}

/** What the tags say, or undefined when one of them is missing or makes no sense. */
export function fromTags(tags: Readonly<Record<string, string>>): OwnershipTags | undefined {
  const clusterId = tags[tagNames.clusterId];
  const namespace = tags[tagNames.namespace];
  const group = tags[tagNames.group];
  const role = tags[tagNames.role];
  const batch = tags[tagNames.batch];
  const token = tags[tagNames.token];
  const slots = slotsOf(tags[tagNames.slots] ?? "");
  const connectionCapacity = capacityOf(tags[tagNames.connectionCapacity] ?? "");
  if (clusterId === undefined || !isName(namespace) || !isName(group) || !isRole(role)) return undefined;
  if (!isName(batch) || token === undefined || slots === undefined || connectionCapacity === undefined)
    return undefined;
  return { clusterId, namespace, group, role, batch, token, slots, connectionCapacity };
}

/** Longest value of a tag that every cloud takes. */
const longestValue = 256;
/** Stands before slots in base 36. */
const shortMark = "z";

/** The slots as people read them, or shorter where that would be too long for a tag. */
function slotsText(slots: readonly number[]): string {
  const text = formatSlots(slots);
  return text.length <= longestValue ? text : `${shortMark}${formatSlots(slots, 36)}`;
}

function slotsOf(text: string): readonly number[] | undefined {
  return text.startsWith(shortMark) ? parseSlots(text.slice(shortMark.length), 36) : parseSlots(text);
}

function capacityOf(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** Whether it can name an object and stand in a label, as all our names do. A tag that was edited by hand may not. */
function isName(text: string | undefined): text is string {
  return text !== undefined && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

function isRole(text: string | undefined): text is Role {
  return text !== undefined && Object.hasOwn(knownRoles, text);
}
