/** In which zones new machines are started: where there are fewest, so that later launches repair an imbalance. */

export interface ZoneRoom {
  readonly name: string;
  /** Machines that still fit in it. */
  readonly room: number;
}

/**
 * Zones for up to `count` machines, one after the other to the zone with the fewest nodes of those that have room; of two
 * alike the first. Fewer where there is no room for more.
 */
export function spreadOver(
  count: number,
  zones: readonly ZoneRoom[],
  nodesByZone: Readonly<Record<string, number>>,
): readonly string[] {
  const spread = zones.map(({ name, room }) => ({ name, room, nodes: countIn(nodesByZone, name) }));
  const placed: string[] = [];
  while (placed.length < count) {
    const [first, ...others] = spread.filter(({ room }) => room > 0);
    if (first === undefined) break;
    const emptiest = others.reduce((best, zone) => (zone.nodes < best.nodes ? zone : best), first);
    emptiest.nodes += 1;
    emptiest.room -= 1;
    placed.push(emptiest.name);
  }
  return placed;
}

function countIn(nodesByZone: Readonly<Record<string, number>>, zone: string): number {
  return Object.hasOwn(nodesByZone, zone) ? (nodesByZone[zone] ?? 0) : 0;
}
