/** The clouds of this process: a driver and an inventory of machines for each platform that is there. */
import type { PlatformName } from "../crds/names.ts";
import type { Sighting } from "../domain/node/evidence.ts";
import type { Machine } from "../domain/node/machine.ts";
import type { MachineInventory } from "../platforms/inventory.ts";
import type { CloudPlatform } from "../platforms/platform.ts";
import { type MachineSighting, suggestsGone } from "../platforms/sighting-history.ts";

export interface Cloud {
  readonly platform: CloudPlatform;
  readonly inventory: MachineInventory;
}

export type Clouds = ReadonlyMap<PlatformName, Cloud>;

/**
 * What is known of a machine. Where listings lack it for longer than the cloud's lag, the cloud is asked for it by id:
 * only its NotFound on top of that counts as gone.
 */
export async function sightingOf(
  { platform, inventory }: Cloud,
  machine: { readonly region: string; readonly providerId: string },
): Promise<Sighting> {
  const { region, providerId } = machine;
  const seen = inventory.sighting(region, providerId);
  const newest = inventory.machine(region, providerId);
  if (seen.kind === "Seen") return { kind: "Seen", machine: newest ?? seen.machine };
  if (!suggestsGone(seen, platform.visibilityLagMs))
    return withoutProof(seen, newest, inventory.latest(region) !== undefined);
  const answer = await inventory.read(region, providerId);
  if (!answer.ok) return { kind: "Missing", confirmed: answer.error.kind === "NotFound" };
  return { kind: "Seen", machine: answer.value };
}

function withoutProof(
  { kind, absence }: Exclude<MachineSighting, { kind: "Seen" }>,
  newest: Machine | undefined,
  listed: boolean,
): Sighting {
  if (kind === "NeverListed" && newest !== undefined) return { kind: "Seen", machine: newest };
  // It may be too young to be listed: that it is not says nothing yet.
  if (kind === "NeverListed" && absence.listings === 0) return { kind: "NotListed" };
  return listed ? { kind: "Missing", confirmed: false } : { kind: "NotListed" };
}
