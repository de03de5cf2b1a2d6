/** What the complete listings of one region say of each machine, and how much that proves. */
import type { Machine } from "../domain/machine.ts";
import type { Instant } from "../domain/time.ts";
import type { Listing, Moment } from "./listing.ts";

/**
 * `absences` counts the complete listings in a row that lack the machine although they began late enough to show it:
 * at least the visibility lag after it was first known of, and after it last proved to exist. 0 proves nothing at all.
 * `firstAbsentAt` is the start of the first of them.
 */
export type Sighting =
  /** The newest complete listing, begun at `at`, shows it; gone for good all the same if it is `Terminated`. */
  | { readonly kind: "Seen"; readonly machine: Machine; readonly at: Instant }
  /** A listing begun at `lastSeenAt` showed it; the newest does not. */
  | {
      readonly kind: "Missing";
      readonly machine: Machine;
      readonly lastSeenAt: Instant;
      readonly absences: number;
      readonly firstAbsentAt?: Instant;
    }
  /** No listing has shown it as far as is remembered; `machine` is what another call answered. */
  | {
      readonly kind: "NeverListed";
      readonly machine?: Machine;
      readonly absences: number;
      readonly firstAbsentAt?: Instant;
    };

export interface SightingBookOptions {
  readonly visibilityLagMs: number;
  /** For how long (ms) a machine that no answer shows is remembered. */
  readonly memoryMs: number;
}

interface Entry {
  /** When it was first known of: it was launched before. Monotonic, as are all the others. */
  readonly knownSinceMs: number;
  /** When an answer last proved that it exists. */
  provedMs: number;
  listed?: { readonly machine: Machine; readonly moment: Moment };
  observed?: { readonly machine: Machine; readonly moment: Moment };
  absences: number;
  firstAbsentAt?: Instant;
}

export class SightingBook {
  readonly #options: SightingBookOptions;
  readonly #entries = new Map<string, Entry>();
  #newestMs: number | undefined;

  constructor(options: SightingBookOptions) {
    this.#options = options;
  }

  /** Takes in a complete listing that ended at `endedMs` (monotonic). */
  record(listing: Listing, endedMs: number): void {
    this.#newestMs = listing.startedMonotonicMs;
    const moment = { at: listing.startedAt, monotonicMs: listing.startedMonotonicMs };
    for (const machine of listing.machines.values()) {
      // A machine may be launched while the listing runs: it is certain to be older only than the listing's end.
      const entry = this.#entry(machine.providerId, endedMs);
      entry.listed = { machine, moment };
      prove(entry, moment.monotonicMs);
    }
    for (const [providerId, entry] of this.#entries) {
      if (!listing.machines.has(providerId)) this.#missed(providerId, entry, moment);
    }
  }

  /** Takes in a machine that another call has just answered. */
  observe(machine: Machine, moment: Moment): void {
    const entry = this.#entry(machine.providerId, moment.monotonicMs);
    entry.observed = { machine, moment };
    if (machine.state !== "Terminated") prove(entry, moment.monotonicMs);
  }

  sighting(providerId: string, now: Moment): Sighting {
    const entry = this.#entry(providerId, now.monotonicMs);
    const { listed, observed, absences, firstAbsentAt } = entry;
    const absence = { absences, ...(firstAbsentAt === undefined ? {} : { firstAbsentAt }) };
    if (listed === undefined) {
      return { kind: "NeverListed", ...(observed === undefined ? {} : { machine: observed.machine }), ...absence };
    }
    const { machine, moment } = listed;
    if (moment.monotonicMs === this.#newestMs) return { kind: "Seen", machine, at: moment.at };
    return { kind: "Missing", machine, lastSeenAt: moment.at, ...absence };
  }

  everSeen(providerId: string): boolean {
    return this.#entries.get(providerId)?.listed !== undefined;
  }

  /** The machine as it was answered last. */
  machine(providerId: string): Machine | undefined {
    const { listed, observed } = this.#entries.get(providerId) ?? {};
    if (listed === undefined || observed === undefined) return (listed ?? observed)?.machine;
    return observed.moment.monotonicMs > listed.moment.monotonicMs ? observed.machine : listed.machine;
  }

  #entry(providerId: string, knownSinceMs: number): Entry {
    const known = this.#entries.get(providerId);
    if (known !== undefined) return known;
    const entry: Entry = { knownSinceMs, provedMs: knownSinceMs, absences: 0 };
    this.#entries.set(providerId, entry);
    return entry;
  }

  #missed(providerId: string, entry: Entry, started: Moment): void {
    if (started.monotonicMs - entry.provedMs > this.#options.memoryMs) {
      this.#entries.delete(providerId);
      return;
    }
    if (started.monotonicMs < Math.max(entry.knownSinceMs + this.#options.visibilityLagMs, entry.provedMs)) return;
    entry.absences += 1;
    entry.firstAbsentAt ??= started.at;
  }
}

function prove(entry: Entry, atMs: number): void {
  entry.provedMs = Math.max(entry.provedMs, atMs);
  entry.absences = 0;
  delete entry.firstAbsentAt;
}
