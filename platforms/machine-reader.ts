/** Reads machines by id. Those who ask while a call is under way share the next one: a thousand nodes are not a thousand calls. */
import type { Machine } from "../domain/node/machine.ts";
import type { PlatformError } from "../domain/launch/platform-error.ts";
import { failed, ok, type Result } from "../domain/result.ts";
import type { Clock } from "../domain/ports.ts";
import { type CloudPlatform, mostReadAtOnce } from "./platform.ts";

export type ReadResult = Result<Machine, PlatformError>;

export interface MachineReaderOptions {
  readonly platform: Pick<CloudPlatform, "read" | "readMany">;
  readonly clock: Pick<Clock, "after">;
  /** A call that has not ended after this (ms) is aborted, and answers `Unavailable`. */
  readonly timeoutMs: number;
}

interface Asked {
  readonly providerId: string;
  readonly answer: (result: ReadResult) => void;
}

/** One region's reads, one call at a time. */
export class MachineReader {
  readonly #options: MachineReaderOptions;
  readonly #region: string;
  #asked: Asked[] = [];
  #running = false;

  constructor(region: string, options: MachineReaderOptions) {
    this.#region = region;
    this.#options = options;
  }

  /** The machine as the cloud has it after this call, or why not. Never throws. */
  read(providerId: string): Promise<ReadResult> {
    return new Promise((resolve) => {
      this.#asked.push({ providerId, answer: resolve });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#asked.length > 0) {
      const now = this.#asked.splice(0, mostReadAtOnce);
      const results = await this.#call([...new Set(now.map(({ providerId }) => providerId))]);
      for (const { providerId, answer } of now) answer(results(providerId));
    }
    this.#running = false;
  }

  async #call(providerIds: readonly string[]): Promise<(providerId: string) => ReadResult> {
    const deadline = new AbortController();
    const { promise: late, resolve } = Promise.withResolvers<Result<never, PlatformError>>();
    const cancel = this.#options.clock.after(this.#options.timeoutMs, () => {
      deadline.abort();
      resolve(unavailable(`the machines were not read within ${this.#options.timeoutMs} ms`));
    });
    try {
      const answer = await Promise.race([this.#answer(providerIds, deadline.signal), late]);
      if (!answer.ok) return () => answer;
      return (id) => {
        const machine = answer.value.get(id);
        return machine === undefined ? failed(unknown(id)) : ok(machine);
      };
    } catch (cause) {
      return () => unavailable(`reading machines failed unexpectedly: ${String(cause)}`);
    } finally {
      cancel();
    }
  }

  async #answer(
    providerIds: readonly string[],
    signal: AbortSignal,
  ): Promise<Result<ReadonlyMap<string, Machine>, PlatformError>> {
    const { platform } = this.#options;
    const [only] = providerIds;
    if (only === undefined || providerIds.length > 1) return platform.readMany(this.#region, providerIds, signal);
    const answer = await platform.read(this.#region, only, signal);
    if (answer.ok) return ok(new Map([[only, answer.value]]));
    return answer.error.kind === "NotFound" ? ok(new Map()) : answer;
  }
}

function unknown(providerId: string): PlatformError {
  return { kind: "NotFound", message: `the cloud does not know machine ${providerId}` };
}

function unavailable(message: string): Result<never, PlatformError> {
  return failed({ kind: "Unavailable", message });
}
