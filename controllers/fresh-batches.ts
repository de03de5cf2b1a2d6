/** Batches that were created a moment ago, handed on within the process: their launch need not read them again. */
import type { LaunchBatch } from "../crds/launch-batch.ts";
import type { Clock } from "../domain/time.ts";
import { keyText, type ObjectKey } from "../runtime/reconciler.ts";

interface FreshBatch {
  readonly batch: LaunchBatch;
  readonly putAtMs: number;
}

/** For how long (ms) a batch is as it was created: far less than a term of leadership needs to pass to another. */
const freshMs = 2_000;

/** A hand-over and no store: what is not taken soon is forgotten, and read from the cluster instead. */
export class FreshBatches {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #batches = new Map<string, FreshBatch>();
  #listener: (key: string) => void = () => undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Takes in a batch as the cluster answered its creation, and tells the listener. */
  put(batch: LaunchBatch): void {
    this.#forgetOld();
    const key = keyText(batch.metadata);
    this.#batches.set(key, { batch, putAtMs: this.#clock.monotonicMs() });
    this.#listener(key);
  }

  /** The batch, once, if it was put a moment ago. */
  take(key: ObjectKey): LaunchBatch | undefined {
    this.#forgetOld();
    const text = keyText(key);
    const fresh = this.#batches.get(text);
    this.#batches.delete(text);
    return fresh?.batch;
  }

  /** Calls the listener with `namespace/name` of each batch that is put, in place of the one before. */
  onPut(listener: (key: string) => void): void {
    this.#listener = listener;
  }

  #forgetOld(): void {
    const now = this.#clock.monotonicMs();
    for (const [key, { putAtMs }] of this.#batches) if (now - putAtMs > freshMs) this.#batches.delete(key);
  }
}
