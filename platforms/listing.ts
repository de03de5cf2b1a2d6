/** One complete listing of a region's machines, and how two of them differ. Pure. */
import type { Machine } from "../domain/node/machine.ts";
import { tokenTag } from "../domain/node/ownership.ts";
import type { Instant } from "../domain/time.ts";

/** A moment on both clocks: the wall's for people and records, the monotonic one (ms) for deciding. */
export interface Moment {
  readonly at: Instant;
  readonly monotonicMs: number;
}

/** Every machine of ours that the cloud showed, read to the end. It says nothing of what happened after its start. */
export interface Listing {
  readonly region: string;
  readonly startedAt: Instant;
  readonly startedMonotonicMs: number;
  /** By provider id. */
  readonly machines: ReadonlyMap<string, Machine>;
  /** By token of the launch call, each in order of launch index; machines without the tag are left out. */
  readonly byToken: ReadonlyMap<string, readonly Machine[]>;
}

/** A machine that appeared (no `before`), changed, or is in the listing no more (no `after`). */
export interface MachineChange {
  readonly providerId: string;
  readonly before?: Machine;
  readonly after?: Machine;
}

/**
 * The listing of a region that began at `started` and showed these machines. One that the earlier listing showed alike
 * stays the same object, so that what was worked out of it can be kept with it.
 */
export function toListing(
  machines: readonly Machine[],
  region: string,
  started: Moment,
  earlier?: Pick<Listing, "machines">,
): Listing {
  const kept = machines.map((machine) => {
    const before = earlier?.machines.get(machine.providerId);
    return before !== undefined && sameMachine(before, machine) ? before : machine;
  });
  return {
    region,
    startedAt: started.at,
    startedMonotonicMs: started.monotonicMs,
    machines: new Map(kept.map((machine) => [machine.providerId, machine])),
    byToken: groupedByToken(kept),
  };
}

/** What the later listing shows otherwise; without an earlier one, everything has appeared. */
export function changesBetween(earlier: Listing | undefined, later: Listing): readonly MachineChange[] {
  const changes: MachineChange[] = [];
  for (const [providerId, after] of later.machines) {
    const before = earlier?.machines.get(providerId);
    if (before === undefined) changes.push({ providerId, after });
    else if (!sameMachine(before, after)) changes.push({ providerId, before, after });
  }
  for (const [providerId, before] of earlier?.machines ?? []) {
    if (!later.machines.has(providerId)) changes.push({ providerId, before });
  }
  return changes;
}

function groupedByToken(machines: readonly Machine[]): ReadonlyMap<string, readonly Machine[]> {
  const groups = new Map<string, Machine[]>();
  for (const machine of machines) {
    const token = machine.tags[tokenTag];
    if (token === undefined) continue;
    const group = groups.get(token);
    if (group === undefined) groups.set(token, [machine]);
    else group.push(machine);
  }
  for (const group of groups.values()) group.sort((a, b) => a.launchIndex - b.launchIndex);
  return groups;
}

/** Equal in what can change during a machine's life. */
function sameMachine(a: Machine, b: Machine): boolean {
  if (a === b) return true;
  return (
    a.state === b.state &&
    a.privateAddress === b.privateAddress &&
    a.publicAddress === b.publicAddress &&
    sameTags(a.tags, b.tags)
  );
}

function sameTags(a: Machine["tags"], b: Machine["tags"]): boolean {
  if (a === b) return true;
  const entries = Object.entries(a);
  return entries.length === Object.keys(b).length && entries.every(([key, value]) => b[key] === value);
}
