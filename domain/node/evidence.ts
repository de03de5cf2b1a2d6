/** What is known of a machine, and how much it proves. Absence of evidence never terminates a machine. */
import type { Machine } from "./machine.ts";

/**
 * - `Seen`: the cloud showed it, last in a complete listing or in its own answer.
 * - `Missing`: complete listings no longer show it. That alone proves nothing; `confirmed` says that it was known longer
 *   ago than the cloud's lag, that two listings apart by more than the lag lack it, and that a direct read said NotFound.
 * - `NotListed`: no complete listing has been read yet that should show it.
 */
export type Sighting =
  | { readonly kind: "Seen"; readonly machine: Machine }
  | { readonly kind: "Missing"; readonly confirmed: boolean }
  | { readonly kind: "NotListed" };

/** The cloud's positive word that the machine is gone for good. */
export function isGone(sighting: Sighting): boolean {
  if (sighting.kind === "Missing") return sighting.confirmed;
  return sighting.kind === "Seen" && sighting.machine.state === "Terminated";
}
