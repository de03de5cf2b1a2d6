/** The zones of simulated regions, and how a launch spreads over them. */
import { spreadOver } from "../../domain/launch/zones.ts";
import type { LaunchRequest } from "../platform.ts";

export interface Zone {
  readonly name: string;
  /** Machines that fit in it, those that are stopped included. */
  readonly capacity: number;
}

/** Which zones a region has; a region that is not named has three ample ones, as long as none is named at all. */
export type ZonesByRegion = Readonly<Record<string, readonly Zone[]>>;

const ampleCapacity = 10_000;
const regionPattern = /^[a-z0-9-]{1,63}$/;

/** The zones of a region, or undefined where the cloud has no such region. */
export function zonesOf(region: string, configured: ZonesByRegion | undefined): readonly Zone[] | undefined {
  if (!regionPattern.test(region)) return undefined;
  if (configured !== undefined) return Object.hasOwn(configured, region) ? configured[region] : undefined;
  return ["a", "b", "c"].map((letter) => ({ name: `${region}${letter}`, capacity: ampleCapacity }));
}

/** Zones for up to `count` machines. `usage` says how many machines of any kind the zones hold: of two alike the emptier is first. */
export function spread(
  { count, nodesByZone }: Pick<LaunchRequest, "count" | "nodesByZone">,
  zones: readonly Zone[],
  usage: ReadonlyMap<string, number>,
): readonly string[] {
  const used = (zone: string): number => usage.get(zone) ?? 0;
  const rooms = zones.map(({ name, capacity }) => ({ name, room: capacity - used(name) }));
  rooms.sort((a, b) => used(a.name) - used(b.name));
  return spreadOver(count, rooms, nodesByZone ?? Object.fromEntries(usage));
}
