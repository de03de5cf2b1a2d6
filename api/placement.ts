/** Which node gets the next client. Pure. */

/** A node that serves and takes new clients, as it stands now. */
export interface Candidate {
  readonly name: string;
  /** Clients that it can serve. */
  readonly capacity: number;
  /** Clients that it last reported. */
  readonly connections: number;
  /** Slots that are kept for clients who were sent there and may not have arrived. */
  readonly reserved: number;
  /** Whether its report is recent enough to count. */
  readonly fresh: boolean;
}

/**
 * The least loaded candidate with a free slot, or undefined where none has one. One whose report is stale comes after all
 * others; of equals the one with fewer reservations, then the first by name.
 */
export function leastLoaded<C extends Candidate>(candidates: readonly C[]): C | undefined {
  let best: C | undefined;
  for (const candidate of candidates) {
    if (hasRoom(candidate) && (best === undefined || comesBefore(candidate, best))) best = candidate;
  }
  return best;
}

function hasRoom(candidate: Candidate): boolean {
  return taken(candidate) < candidate.capacity;
}

function comesBefore(a: Candidate, b: Candidate): boolean {
  if (a.fresh !== b.fresh) return a.fresh;
  // Multiplied out, so that equal shares are equal: taken / capacity would round.
  const difference = taken(a) * b.capacity - taken(b) * a.capacity;
  if (difference !== 0) return difference < 0;
  return a.reserved === b.reserved ? a.name < b.name : a.reserved < b.reserved;
}

function taken({ connections, reserved }: Candidate): number {
  return connections + reserved;
}
