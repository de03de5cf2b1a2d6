/** The simulated cloud, where the state of one machine at a time cannot be read. */
import type { Machine } from "../domain/machine.ts";
import { ok } from "../domain/result.ts";
import type { CloudPlatform, LaunchRequest, MachineQuery, PlatformResult } from "../platforms/platform.ts";
import { SimulatedPlatform } from "../platforms/simulated/simulated-platform.ts";
import type { RestingFleet } from "./resting-fleet.ts";

/** Listed when the benchmark asks, not before. */
const listIntervalMs = 3_600_000;

export class ChangingPlatform implements CloudPlatform {
  readonly name = "simulated";
  readonly visibilityLagMs: number;
  readonly listIntervalMs = listIntervalMs;
  readonly #platform: SimulatedPlatform;
  #obscured: string | undefined;

  constructor({ cloud, clock }: Pick<RestingFleet, "cloud" | "clock">) {
    this.#platform = new SimulatedPlatform({ cloud, clock, listIntervalMs });
    this.visibilityLagMs = this.#platform.visibilityLagMs;
  }

  /** From now on the state of this machine is `Unknown`, and of no other. */
  obscure(providerId: string | undefined): void {
    this.#obscured = providerId;
  }

  launch(request: LaunchRequest, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    return this.#platform.launch(request, signal);
  }

  terminate(region: string, providerIds: readonly string[], signal: AbortSignal): PlatformResult<void> {
    return this.#platform.terminate(region, providerIds, signal);
  }

  read(region: string, providerId: string, signal: AbortSignal): PlatformResult<Machine> {
    return this.#platform.read(region, providerId, signal);
  }

  readMany(
    region: string,
    providerIds: readonly string[],
    signal: AbortSignal,
  ): PlatformResult<ReadonlyMap<string, Machine>> {
    return this.#platform.readMany(region, providerIds, signal);
  }

  async list(query: MachineQuery, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    const listed = await this.#platform.list(query, signal);
    if (!listed.ok) return listed;
    return ok(listed.value.map((machine) => this.#shown(machine)));
  }

  updateTags(
    region: string,
    providerId: string,
    tags: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): PlatformResult<void> {
    return this.#platform.updateTags(region, providerId, tags, signal);
  }

  #shown(machine: Machine): Machine {
    return machine.providerId === this.#obscured ? { ...machine, state: "Unknown" } : machine;
  }
}
