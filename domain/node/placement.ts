/** Which node gets the next client. Pure. */
import type { Instant } from "../time.ts";

/** A node as it stands now. */
export interface Candidate {
  readonly name: string;
  /** Whether it serves and takes new clients. */
  readonly open: boolean;
  /** Clients that it can serve. */
  readonly capacity: number;
  /** Clients that it last reported. */
  readonly connections: number;
  /** Slots that are kept for clients who were sent there and may not have arrived. */
  readonly reserved: number;
  /** When its newest report was taken; undefined: it has none, so nobody knows what it has left. */
  readonly reportedAt: Instant | undefined;
}

/**
 * The least loaded open candidate with a free slot, or undefined where none has one. One whose report was taken before
 * `freshSince` comes after all others; of equals the one with fewer reservations, then the first by name.
 */
export function leastLoaded<C extends Candidate>(candidates: Iterable<C>, freshSince: Instant): C | undefined {
  let best: C | undefined;
  for (const candidate of candidates) {
    if (!hasRoom(candidate)) continue;
    if (best === undefined || comesBefore(candidate, best, freshSince)) best = candidate;
  }
  return best;
}

/** Whether it may be given to clients, full or not. */
export function isGivable({ open, reportedAt }: Candidate): boolean {
  return open && reportedAt !== undefined;
}

function hasRoom(candidate: Candidate): boolean {
  return isGivable(candidate) && taken(candidate) < candidate.capacity;
}

function comesBefore(a: Candidate, b: Candidate, freshSince: Instant): boolean {
  const fresh = isFresh(a, freshSince);
  if (fresh !== isFresh(b, freshSince)) return fresh;
  // Multiplied out, so that equal shares are equal: taken / capacity would round.
  const difference = taken(a) * b.capacity - taken(b) * a.capacity;
  if (difference !== 0) return difference < 0;
  return a.reserved === b.reserved ? a.name < b.name : a.reserved < b.reserved;
}

function isFresh({ reportedAt }: Candidate, freshSince: Instant): boolean {
  return reportedAt !== undefined && reportedAt >= freshSince;
}

function taken({ connections, reserved }: Candidate): number {
  return connections + reserved;
}
