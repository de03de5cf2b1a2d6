/** Tells of every change of a simulated machine's state, also of those that come by the mere passing of time. */
import { tellAll } from "../../domain/listeners.ts";
import type { Machine, MachineState } from "../../domain/node/machine.ts";
import type { Clock } from "../../domain/ports.ts";
import { nextChangeAt, toMachine, type MachineRecord } from "./machine-record.ts";

export interface MachineStateChange {
  readonly machine: Machine;
  /** The state before; undefined for a machine that was just launched. */
  readonly before?: MachineState;
}

export type MachineStateListener = (change: MachineStateChange) => void;

interface Watched {
  readonly state: MachineState;
  readonly cancel: () => void;
}

/** One timer for each machine whose state will change by itself. */
export class StateWatch {
  readonly #clock: Clock;
  readonly #listeners = new Set<MachineStateListener>();
  readonly #watched = new Map<string, Watched>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  subscribe(listener: MachineStateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes a record that is new or has changed; its next change of state is told when it is due. */
  track(record: MachineRecord): void {
    const now = this.#clock.now();
    const machine = toMachine(record, now);
    const watched = this.#watched.get(record.providerId);
    watched?.cancel();
    const due = nextChangeAt(record, now);
    const cancel =
      due === undefined ? () => undefined : this.#clock.after(Math.max(1, due - now), () => this.track(record));
    this.#watched.set(record.providerId, { state: machine.state, cancel });
    if (watched?.state !== machine.state) this.#tell(machine, watched?.state);
  }

  forget(providerId: string): void {
    this.#watched.get(providerId)?.cancel();
    this.#watched.delete(providerId);
  }

  close(): void {
    for (const { cancel } of this.#watched.values()) cancel();
    this.#listeners.clear();
  }

  #tell(machine: Machine, before: MachineState | undefined): void {
    const change = { machine, ...(before === undefined ? {} : { before }) };
    tellAll(this.#listeners, change);
  }
}
