/** The simulated cloud, where the state of one machine at a time cannot be read. */
import type { Machine } from "../domain/node/machine.ts";
import { ok } from "../domain/result.ts";
import type { MachineQuery, PlatformResult } from "../platforms/platform.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import type { RestingFleet } from "./resting-fleet.ts";

/** Listed when the benchmark asks, not before. */
const listIntervalMs = 3_600_000;

export class ChangingPlatform extends SimulatedPlatform {
  #obscured: string | undefined;

  constructor({ cloud, clock }: Pick<RestingFleet, "cloud" | "clock">) {
    super({ cloud, clock, listIntervalMs });
  }

  /** From now on the state of this machine is `Unknown`, and of no other. */
  obscure(providerId: string | undefined): void {
    this.#obscured = providerId;
  }

  override async list(query: MachineQuery, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    const listed = await super.list(query, signal);
    if (!listed.ok) return listed;
    return ok(listed.value.map((machine) => this.#shown(machine)));
  }

  #shown(machine: Machine): Machine {
    return machine.providerId === this.#obscured ? { ...machine, state: "Unknown" } : machine;
  }
}
