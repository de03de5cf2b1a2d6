/** The zones of simulated regions, and how a launch spreads over them. */

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

/** Zones for up to `count` machines, one after the other to the zone with the fewest of those that have room. */
export function spread(count: number, zones: readonly Zone[], usage: ReadonlyMap<string, number>): readonly string[] {
  const used = new Map(zones.map((zone) => [zone.name, usage.get(zone.name) ?? 0]));
  const placed: string[] = [];
  while (placed.length < count) {
    const zone = emptiest(zones, used);
    if (zone === undefined) break;
    used.set(zone, (used.get(zone) ?? 0) + 1);
    placed.push(zone);
  }
  return placed;
}

function emptiest(zones: readonly Zone[], used: ReadonlyMap<string, number>): string | undefined {
  let best: { readonly name: string; readonly machines: number } | undefined;
  for (const { name, capacity } of zones) {
    const machines = used.get(name) ?? 0;
    if (machines < capacity && (best === undefined || machines < best.machines)) best = { name, machines };
  }
  return best?.name;
}
