/** What the complete listings of one region say of each machine, and how much that proves. */
import type { Machine } from "../domain/node/machine.ts";
import type { Instant } from "../domain/time.ts";
import type { Listing, Moment } from "./listing.ts";

/**
 * How long the complete listings lack a machine that they should show: only those count that began more than
 * the visibility lag after it was first known of, and after it last proved to exist. `listings: 0` proves nothing at all.
 */
export interface Absence {
  /** Complete listings in a row that lack it. */
  readonly listings: number;
  /** Start of the first of them. */
  readonly since?: Instant;
  /** Milliseconds from the start of the first to the start of the newest of them. */
  readonly spanMs: number;
}

/** What the listings alone say; whether a machine is gone is for the domain to decide. */
export type MachineSighting =
  /** The newest complete listing, begun at `at`, shows it; gone for good all the same if it is `Terminated`. */
  | { readonly kind: "Seen"; readonly machine: Machine; readonly at: Instant }
  /** A listing begun at `lastSeenAt` showed it like this; the newest does not. */
  | { readonly kind: "Missing"; readonly machine: Machine; readonly lastSeenAt: Instant; readonly absence: Absence }
  /** No listing has shown it as far as is remembered; `machine` is what another call answered. */
  | { readonly kind: "NeverListed"; readonly machine?: Machine; readonly absence: Absence };

/**
 * Whether two listings further apart than the lag lack a machine that they should show. A direct read has to agree
 * before it is gone.
 */
export function suggestsGone(sighting: MachineSighting, visibilityLagMs: number): boolean {
  if (sighting.kind === "Seen") return false;
  return sighting.absence.listings >= 2 && sighting.absence.spanMs > visibilityLagMs;
}

export interface SightingHistoryOptions {
  readonly visibilityLagMs: number;
  /** For how long (ms) a machine that no answer shows is remembered. */
  readonly memoryMs: number;
}

interface Entry {
  /** When it was first known of: it was launched before. Monotonic, as are all the others. */
  readonly knownSinceMs: number;
  /** When an answer last proved that it exists. */
  provedMs: number;
  listed?: { readonly machine: Machine; readonly moment: Moment; readonly sequence: number };
  observed?: { readonly machine: Machine; readonly moment: Moment };
  absences: number;
  /** Starts of the first and of the newest of the listings that count as absences. */
  firstAbsence?: Moment;
  lastAbsence?: Moment;
}

/** The listings and answers of one region, by machine. Decides nothing. */
export class SightingHistory {
  readonly #options: SightingHistoryOptions;
  readonly #entries = new Map<string, Entry>();
  /** Complete listings so far. */
  #sequence = 0;

  constructor(options: SightingHistoryOptions) {
    this.#options = options;
  }

  /** Takes in a complete listing that ended at `endedMs` (monotonic). */
  record(listing: Listing, endedMs: number): void {
    this.#sequence += 1;
    const moment = { at: listing.startedAt, monotonicMs: listing.startedMonotonicMs };
    for (const machine of listing.machines.values()) {
      // A machine may be launched while the listing runs: it is certain to be older only than the listing's end.
      const entry = this.#entry(machine.providerId, endedMs);
      entry.listed = { machine, moment, sequence: this.#sequence };
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

  sighting(providerId: string, now: Moment): MachineSighting {
    const entry = this.#entry(providerId, now.monotonicMs);
    const { listed, observed } = entry;
    if (listed === undefined) {
      const answered = observed === undefined ? {} : { machine: observed.machine };
      return { kind: "NeverListed", ...answered, absence: absenceOf(entry) };
    }
    const { machine, moment, sequence } = listed;
    if (sequence === this.#sequence) return { kind: "Seen", machine, at: moment.at };
    return { kind: "Missing", machine, lastSeenAt: moment.at, absence: absenceOf(entry) };
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
    // In the same millisecond the machine may have come after the listing began.
    if (started.monotonicMs <= Math.max(entry.knownSinceMs + this.#options.visibilityLagMs, entry.provedMs)) return;
    entry.absences += 1;
    entry.firstAbsence ??= started;
    entry.lastAbsence = started;
  }
}

function prove(entry: Entry, atMs: number): void {
  entry.provedMs = Math.max(entry.provedMs, atMs);
  entry.absences = 0;
  delete entry.firstAbsence;
  delete entry.lastAbsence;
}

function absenceOf({ absences, firstAbsence, lastAbsence }: Entry): Absence {
  if (firstAbsence === undefined || lastAbsence === undefined) return { listings: 0, spanMs: 0 };
  const spanMs = lastAbsence.monotonicMs - firstAbsence.monotonicMs;
  return { listings: absences, since: firstAbsence.at, spanMs };
}
