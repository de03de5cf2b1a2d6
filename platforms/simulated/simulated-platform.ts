/** The driver of the simulated cloud: calls that take their way, can fail on it, and can be aborted. */
import type { Machine } from "../../domain/node/machine.ts";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { failed, ok, type Result } from "../../domain/result.ts";
import type { Clock } from "../../domain/ports.ts";
import type { PlatformMethod } from "../../domain/launch/platform-call.ts";
import type { CloudPlatform, LaunchRequest, MachineQuery, PlatformResult } from "../platform.ts";
import { OrderedFaults, type FaultOrder } from "./ordered-faults.ts";
import type { SimulatedCloud } from "./simulated-cloud.ts";
import { CloudStoreError } from "./store.ts";

export interface SimulatedPlatformOptions {
  /** Several drivers may share one, as two processes share a cloud: each has its own failures. */
  readonly cloud: SimulatedCloud;
  readonly clock: Clock;
  /** 1000 unless given. */
  readonly listIntervalMs?: number;
  /** Machines on one page of a listing; 1000 unless given. */
  readonly pageSize?: number;
  /** How long a call takes: half before the cloud acts, half after; 0 unless given. */
  readonly callMs?: number;
}

/** A way to a simulated cloud. Calls cost no time and never fail unless it is told otherwise. */
export class SimulatedPlatform implements CloudPlatform {
  readonly name = "simulated";
  readonly visibilityLagMs: number;
  readonly listIntervalMs: number;
  readonly cloud: SimulatedCloud;
  readonly #clock: Clock;
  readonly #pageSize: number;
  readonly #callMs: number;
  readonly #faults = new OrderedFaults();

  constructor({ cloud, clock, listIntervalMs = 1_000, pageSize = 1_000, callMs = 0 }: SimulatedPlatformOptions) {
    this.cloud = cloud;
    this.visibilityLagMs = cloud.visibilityLagMs;
    this.listIntervalMs = listIntervalMs;
    this.#clock = clock;
    this.#pageSize = pageSize;
    this.#callMs = callMs;
  }

  launch(request: LaunchRequest, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    return this.#call("launch", signal, () => this.cloud.launch(request));
  }

  terminate(region: string, providerIds: readonly string[], signal: AbortSignal): PlatformResult<void> {
    return this.#call("terminate", signal, () => this.cloud.terminate(region, providerIds));
  }

  read(region: string, providerId: string, signal: AbortSignal): PlatformResult<Machine> {
    return this.#call("read", signal, () => this.cloud.read(region, providerId));
  }

  readMany(
    region: string,
    providerIds: readonly string[],
    signal: AbortSignal,
  ): PlatformResult<ReadonlyMap<string, Machine>> {
    return this.#call("readMany", signal, () => {
      const found = new Map<string, Machine>();
      for (const id of providerIds) {
        const answer = this.cloud.read(region, id);
        if (answer.ok) found.set(id, answer.value);
        else if (answer.error.kind !== "NotFound") return answer;
      }
      return ok(found);
    });
  }

  async list({ region, tags }: MachineQuery, signal: AbortSignal): PlatformResult<readonly Machine[]> {
    const machines: Machine[] = [];
    let rest: readonly string[] | undefined;
    do {
      const from: readonly string[] | undefined = rest;
      const page = await this.#call("list", signal, () => {
        const ids = from === undefined ? this.cloud.idsIn(region) : ok(from);
        if (!ids.ok) return ids;
        const found = this.cloud.listed(region, ids.value.slice(0, this.#pageSize), tags);
        return ok({ found, rest: ids.value.slice(this.#pageSize) });
      });
      if (!page.ok) return page;
      machines.push(...page.value.found);
      rest = page.value.rest;
    } while (rest.length > 0);
    return ok(machines);
  }

  updateTags(
    region: string,
    providerId: string,
    tags: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): PlatformResult<void> {
    return this.#call("updateTags", signal, () => this.cloud.updateTags(region, providerId, tags));
  }

  /** Orders the next calls of a method to fail without reaching the cloud. Several orders are served one by one. */
  failNext(method: PlatformMethod, error: PlatformError, order?: FaultOrder): void {
    this.#faults.failNext(method, error, order);
  }

  /** While on, every call is `Unavailable` and none reaches the cloud. */
  outage(on: boolean): void {
    this.#faults.outage(on);
  }

  /** The next calls of a method are carried out and yet answer `Unavailable`: the nastiest failure. */
  loseAnswer(method: PlatformMethod, times = 1): void {
    this.#faults.loseAnswer(method, times);
  }

  async #call<T>(
    method: PlatformMethod,
    signal: AbortSignal,
    act: () => Result<T, PlatformError>,
  ): Promise<Result<T, PlatformError>> {
    if (!(await this.#travel(signal))) return aborted(method);
    const failure = this.#faults.takeFailure(method);
    if (failure !== undefined) return failed(failure);
    const result = carriedOut(act);
    const loss = this.#faults.takeLoss(method);
    if (loss !== undefined) return failed(loss);
    return (await this.#travel(signal)) ? result : aborted(method);
  }

  /** Half of a call's way; false where the signal aborted before its end. */
  #travel(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.#callMs === 0) return Promise.resolve(!signal.aborted);
    return new Promise((resolve) => {
      const arrive = (): void => {
        signal.removeEventListener("abort", abort);
        resolve(true);
      };
      const abort = (): void => {
        cancel();
        resolve(false);
      };
      const cancel = this.#clock.after(this.#callMs / 2, arrive);
      signal.addEventListener("abort", abort, { once: true });
    });
  }
}

/** A cloud whose disk fails is a cloud that cannot be reached: worth a retry, and no defect of the driver. */
function carriedOut<T>(act: () => Result<T, PlatformError>): Result<T, PlatformError> {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof CloudStoreError) return failed({ kind: "Unavailable", message: cause.message });
    throw cause;
  }
}

function aborted(method: PlatformMethod): Result<never, PlatformError> {
  return failed({ kind: "Unavailable", message: `${method} was aborted; it may have been carried out` });
}
