/** Which node of a (role, region) harms least by going. That one goes, and how many, is decided elsewhere. */
import type { Instant } from "../time.ts";

/** A node that could go. Counts are from its last report, and absent where none is known: unknown is not zero. */
export interface Victim {
  readonly name: string;
  readonly uid: string;
  readonly inService: boolean;
  /** It has called back: people may be on it. */
  readonly registered: boolean;
  readonly publishers?: number | undefined;
  readonly streams?: number | undefined;
  readonly connections?: number | undefined;
  readonly zone?: string | undefined;
  readonly createdAt: Instant;
  /** An edge would be left without a parent: it does not go. */
  readonly lastParent: boolean;
}

/**
 * The nodes that may go, least harm first: none with publishers while another will do; unready; fewest streams, then
 * connections; from the fullest zone; youngest; by name. The node that was asked for goes first.
 */
export function rankVictims<V extends Victim>(candidates: readonly V[], requested?: string): readonly V[] {
  const zones = nodesByZone(candidates);
  return candidates
    .filter(({ lastParent }) => !lastParent)
    .map((victim) => ({ victim, harm: harmOf(victim, { requested, zones }) }))
    .sort((a, b) => compare(a.harm, b.harm) || (a.victim.name < b.victim.name ? -1 : 1))
    .map(({ victim }) => victim);
}

interface Surroundings {
  readonly requested: string | undefined;
  readonly zones: ReadonlyMap<string, number>;
}

/** Compared from the first to the last; lower goes earlier. */
function harmOf(victim: Victim, { requested, zones }: Surroundings): readonly number[] {
  const { name, streams, connections, zone, createdAt } = victim;
  return [
    name === requested ? 0 : 1,
    kindOfHarm(victim),
    streams ?? Infinity,
    connections ?? Infinity,
    0 - (zone === undefined ? 0 : (zones.get(zone) ?? 0)),
    0 - createdAt,
  ];
}

/** A node in service of which nothing is known may serve more than any other. */
function kindOfHarm({ inService, registered, publishers }: Victim): number {
  if (!registered) return 0;
  if (!inService) return (publishers ?? 0) > 0 ? 3 : 1;
  if (publishers === undefined) return 5;
  return publishers > 0 ? 4 : 2;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, position) => value !== b[position]);
  return at === -1 ? 0 : (a[at] ?? 0) < (b[at] ?? 0) ? -1 : 1;
}

/** Those that may not go count as well: zones are to be even. */
function nodesByZone(candidates: readonly Victim[]): ReadonlyMap<string, number> {
  const zones = new Map<string, number>();
  for (const { zone } of candidates) if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + 1);
  return zones;
}
