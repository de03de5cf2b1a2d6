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
   * all or not at all, and durable once this returns; a `load` within sees it. What `act` throws, this throws, and nothing
   * is kept. Within `act` it is refused.
   */
  exclusively<T>(act: () => T): T;
  /** Whether somebody else has written since the last `load`. */
  changedElsewhere(): boolean;
  load(): SimulatedCloudState;
  /** Only within `exclusively`: refused elsewhere. Records with a known key are replaced. */
  save(change: SimulatedCloudChange): void;
  /** Only within `exclusively`: refused elsewhere. Keys that are not known are passed over. */
  remove(forgotten: ForgottenRecords): void;
}

/** Forgets with the process, and belongs to one cloud. */
export class MemoryCloudStore implements SimulatedCloudStore {
  readonly #machines = new Map<string, MachineRecord>();
  readonly #launches = new Map<string, LaunchRecord>();
  #lastOrdinal = 0;
  /** What would take back the transaction, step by step; undefined outside of one. */
  #undo: (() => void)[] | undefined;

  exclusively<T>(act: () => T): T {
    if (this.#undo !== undefined) throw new CloudStoreError("a transaction is under way");
    const undo: (() => void)[] = (this.#undo = []);
    try {
      return act();
    } catch (cause) {
      for (const step of undo.reverse()) step();
      throw cause;
    } finally {
      this.#undo = undefined;
    }
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

  save({ machines = [], launches = [], lastOrdinal = this.#lastOrdinal }: SimulatedCloudChange): void {
    const before = this.#lastOrdinal;
    this.#transaction().push(() => (this.#lastOrdinal = before));
    this.#lastOrdinal = lastOrdinal;
    for (const machine of machines) this.#put(this.#machines, machine.providerId, machine);
    for (const launch of launches) this.#put(this.#launches, launch.token, launch);
  }

  remove({ providerIds, tokens }: ForgottenRecords): void {
    this.#transaction();
    for (const providerId of providerIds) this.#put(this.#machines, providerId, undefined);
    for (const token of tokens) this.#put(this.#launches, token, undefined);
  }

  #put<V>(records: Map<string, V>, key: string, record: V | undefined): void {
    const before = records.get(key);
    this.#transaction().push(() => assign(records, key, before));
    assign(records, key, record);
  }

  #transaction(): (() => void)[] {
    if (this.#undo === undefined) throw new CloudStoreError("there is no transaction to write in");
    return this.#undo;
  }
}

function assign<V>(records: Map<string, V>, key: string, record: V | undefined): void {
  if (record === undefined) records.delete(key);
  else records.set(key, record);
}
