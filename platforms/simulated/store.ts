/** The port to where the simulated cloud keeps its machines, and the implementation that keeps them in memory. */
import type { Instant } from "../../domain/time.ts";
import type { MachineRecord } from "./machine-record.ts";

/** One launch call, remembered so that its repeat is answered alike. */
export interface LaunchRecord {
  readonly token: string;
  /** Digest of the parameters. */
  readonly fingerprint: string;
  readonly launchedAt: Instant;
  /** In order of launch index. */
  readonly providerIds: readonly string[];
}

export interface SimulatedCloudState {
  readonly machines: readonly MachineRecord[];
  readonly launches: readonly LaunchRecord[];
  /** The ordinal given last; 0 at the start. */
  readonly lastOrdinal: number;
}

/** Records to add or to replace. */
export type SimulatedCloudChange = Partial<SimulatedCloudState>;

/** Keys of records to forget. */
export interface ForgottenRecords {
  readonly providerIds: readonly string[];
  readonly tokens: readonly string[];
}

/** The store could not be read or written: nothing of the transaction happened. */
export class CloudStoreError extends Error {
  override readonly name = "CloudStoreError";
}

/** Every method throws `CloudStoreError` where the store fails. */
export interface SimulatedCloudStore {
  /**
   * Runs `act` while nobody else, in this process or another, writes. What it saves and removes is kept
   * all or not at all, and durable once this returns. `act` must not call it again.
   */
  exclusively<T>(act: () => T): T;
  /** Whether somebody else has written since the last `load`. */
  changedElsewhere(): boolean;
  load(): SimulatedCloudState;
  /** Only within `exclusively`. */
  save(change: SimulatedCloudChange): void;
  /** Only within `exclusively`. */
  remove(forgotten: ForgottenRecords): void;
}

/** Forgets with the process, and belongs to one cloud. */
export class MemoryCloudStore implements SimulatedCloudStore {
  readonly #machines = new Map<string, MachineRecord>();
  readonly #launches = new Map<string, LaunchRecord>();
  #lastOrdinal = 0;

  exclusively<T>(act: () => T): T {
    return act();
  }

  changedElsewhere(): boolean {
    return false;
  }

  load(): SimulatedCloudState {
    return {
      machines: [...this.#machines.values()],
      launches: [...this.#launches.values()],
      lastOrdinal: this.#lastOrdinal,
    };
  }

  save(change: SimulatedCloudChange): void {
    for (const machine of change.machines ?? []) this.#machines.set(machine.providerId, machine);
    for (const launch of change.launches ?? []) this.#launches.set(launch.token, launch);
    this.#lastOrdinal = change.lastOrdinal ?? this.#lastOrdinal;
  }

  remove(forgotten: ForgottenRecords): void {
    for (const providerId of forgotten.providerIds) this.#machines.delete(providerId);
    for (const token of forgotten.tokens) this.#launches.delete(token);
  }
}
