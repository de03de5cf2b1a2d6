/** The simulated cloud's records in memory, found by what its calls ask for. */
import type { LaunchRecord, ForgottenRecords, SimulatedCloudChange, SimulatedCloudState } from "./store.ts";
import type { MachineRecord } from "./machine-record.ts";

/** What the store holds, indexed by region. Changes follow the store's, one by one. */
export class CloudState {
  readonly #machines = new Map<string, MachineRecord>();
  readonly #launches = new Map<string, LaunchRecord>();
  readonly #idsByRegion = new Map<string, Set<string>>();
  #lastOrdinal = 0;

  constructor(state: SimulatedCloudState) {
    this.add(state);
  }

  get lastOrdinal(): number {
    return this.#lastOrdinal;
  }

  machine(providerId: string): MachineRecord | undefined {
    return this.#machines.get(providerId);
  }

  machines(): IterableIterator<MachineRecord> {
    return this.#machines.values();
  }

  machinesIn(region: string): readonly MachineRecord[] {
    return this.found([...(this.#idsByRegion.get(region) ?? [])]);
  }

  /** Those of the machines that are still remembered, in the order asked. */
  found(providerIds: readonly string[]): readonly MachineRecord[] {
    return providerIds.flatMap((id) => this.#machines.get(id) ?? []);
  }

  launch(token: string): LaunchRecord | undefined {
    return this.#launches.get(token);
  }

  launches(): IterableIterator<LaunchRecord> {
    return this.#launches.values();
  }

  add(change: SimulatedCloudChange): void {
    for (const machine of change.machines ?? []) {
      this.#machines.set(machine.providerId, machine);
      const ids = this.#idsByRegion.get(machine.region) ?? new Set();
      this.#idsByRegion.set(machine.region, ids.add(machine.providerId));
    }
    for (const launch of change.launches ?? []) this.#launches.set(launch.token, launch);
    this.#lastOrdinal = change.lastOrdinal ?? this.#lastOrdinal;
  }

  forget(forgotten: ForgottenRecords): void {
    for (const token of forgotten.tokens) this.#launches.delete(token);
    for (const machine of this.found(forgotten.providerIds)) {
      this.#machines.delete(machine.providerId);
      this.#idsByRegion.get(machine.region)?.delete(machine.providerId);
    }
  }
}
