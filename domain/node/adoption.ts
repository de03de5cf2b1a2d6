/** What a machine that carries our cluster tag is to us: known, being launched, to be adopted, or to be left alone. */
import type { Machine, OwnershipTags } from "./machine.ts";
import { freeSlots } from "../names.ts";
import { fromTags } from "./ownership.ts";
import type { Instant } from "../time.ts";

/** The objects that machines are compared with. */
export interface AdoptionFacts {
  readonly now: Instant;
  /**
   * Whether the StreamNode that its tags name has this machine: `Former` if that was made for an earlier group of the name. Where
   * the tags cannot be read, any will do.
   */
  holding(machine: Machine, owner: OwnershipTags | undefined): "Ours" | "Former" | "None";
  /** Whether a LaunchBatch has an attempt with this token whose slots are not all settled. */
  isBeingLaunched(token: string): boolean;
  groupExists(namespace: string, group: string): boolean;
  /** StreamNodes of a (group, role): slot -> whether it still waits for a machine, of which batch. */
  slotsOf(owner: Pick<OwnershipTags, "namespace" | "group" | "role">): ReadonlyMap<number, HeldSlot>;
}

export interface HeldSlot {
  readonly awaitsMachine: boolean;
  readonly batch: string;
}

export type AdoptionVerdict =
  | { readonly kind: "Known" }
  /** Terminated or on its way: nothing to adopt. */
  | { readonly kind: "Gone" }
  /** Its launch call is not settled; the batch maps it. */
  | { readonly kind: "LaunchPending" }
  /** A StreamNode waits for exactly this machine: it gets the provider id. */
  | { readonly kind: "Map"; readonly owner: OwnershipTags; readonly slot: number }
  /** Its own slot is taken, and it is too young for another: it is looked at again. */
  | { readonly kind: "Young"; readonly owner: OwnershipTags }
  /** The StreamNode of an earlier group has it: that is let go first. */
  | { readonly kind: "Former"; readonly owner: OwnershipTags }
  | { readonly kind: "Adopt"; readonly owner: OwnershipTags; readonly slot: number }
  /** Left alone and shown to people: it is not ours to use, and deleting needs more proof. */
  | { readonly kind: "Quarantine"; readonly reason: "UnreadableTags" | "NoGroup" };

/**
 * For how long (ms) after its launch a machine is adopted into its own slot only. There a second adoption meets the name of
 * the first; into any other slot, a leader that reads an old copy of the objects would adopt it once more.
 */
const youngMs = 120_000;

/** Verdict on one machine. A taken slot does not cost a machine its adoption: it gets the lowest free one, later. */
export function adoptionOf(machine: Machine, facts: AdoptionFacts): AdoptionVerdict {
  const owner = fromTags(machine.tags);
  const holding = facts.holding(machine, owner);
  if (holding === "Ours") return { kind: "Known" };
  if (machine.state === "Terminated" || machine.state === "Stopping") return { kind: "Gone" };
  if (owner === undefined) return { kind: "Quarantine", reason: "UnreadableTags" };
  if (facts.isBeingLaunched(owner.token)) return { kind: "LaunchPending" };
  if (!facts.groupExists(owner.namespace, owner.group)) return { kind: "Quarantine", reason: "NoGroup" };
  if (holding === "Former") return { kind: "Former", owner };
  const held = facts.slotsOf(owner);
  const wanted = owner.slots[machine.launchIndex];
  const holder = wanted === undefined ? undefined : held.get(wanted);
  if (wanted !== undefined && holder?.awaitsMachine === true && holder.batch === owner.batch) {
    return { kind: "Map", owner, slot: wanted };
  }
  if (wanted !== undefined && holder === undefined) return { kind: "Adopt", owner, slot: wanted };
  if (facts.now - machine.launchedAt < youngMs) return { kind: "Young", owner };
  return { kind: "Adopt", owner, slot: lowestFree(held) };
}

function lowestFree(held: ReadonlyMap<number, HeldSlot>): number {
  return freeSlots((slot) => held.has(slot), 1)[0] ?? 0;
}
