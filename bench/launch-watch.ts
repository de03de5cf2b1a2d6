/** A cloud that is watched: when each group's launch call begins. */
import type { Machine } from "../domain/node/machine.ts";
import { fromTags } from "../domain/node/ownership.ts";
import type { CloudPlatform, LaunchRequest, MachineQuery, PlatformResult } from "../platforms/platform.ts";
import { sharedMs } from "./measure.ts";

export class LaunchWatch implements CloudPlatform {
  readonly name: CloudPlatform["name"];
  readonly visibilityLagMs: number;
  readonly listIntervalMs: number;
  readonly #platform: CloudPlatform;
  readonly #waiting = new Map<string, (ms: number) => void>();
  #launches = 0;

  constructor(platform: CloudPlatform) {
    this.#platform = platform;
    this.name = platform.name;
    this.visibilityLagMs = platform.visibilityLagMs;
    this.listIntervalMs = platform.listIntervalMs;
  }

  /** Launch calls so far. */
  get launches(): number {
    return this.#launches;
  }

  /** Resolves with the time (`sharedMs`) at which the next launch call for the group begins. */
  next(group: string): Promise<number> {
    return new Promise((resolve) => this.#waiting.set(group, resolve));
  }

  launch(request: LaunchRequest, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    this.#tell(request, sharedMs());
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

  list(query: MachineQuery, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    return this.#platform.list(query, signal);
  }

  updateTags(
    region: string,
    providerId: string,
    tags: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): PlatformResult<void> {
    return this.#platform.updateTags(region, providerId, tags, signal);
  }

  #tell({ tags }: LaunchRequest, ms: number): void {
    this.#launches += 1;
    const group = fromTags(tags)?.group ?? "";
    this.#waiting.get(group)?.(ms);
    this.#waiting.delete(group);
  }
}
