/** Batches that were created a moment ago, handed on within the process: their launch need not read them again. */
import type { LaunchBatch } from "../crds/launch-batch.ts";
import type { Clock } from "../domain/ports.ts";
import { keyText, type ObjectKey } from "../runtime/reconciler.ts";

interface HandedBatch {
  readonly batch: LaunchBatch;
  readonly putAtMs: number;
}

/** What came of creating one. */
type Created = { readonly kind: "Created"; readonly object: LaunchBatch } | { readonly kind: "AlreadyExists" };

/** For how long (ms) a batch is as it was created: far less than a term of leadership needs to pass to another. */
const freshMs = 2_000;

/** How long (ms) a creation is waited for: longer than a call to the cluster may take. */
export const longestCreationMs = 60_000;

/** A hand-over and no store: what is not taken soon is forgotten, and read from the cluster instead. */
export class BatchHandoff {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #batches = new Map<string, HandedBatch>();
  /** Batches that are being created, and since when (ms). */
  readonly #underWay = new Map<string, number>();
  #listener: (key: string) => void = () => undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /**
   * Creates a batch and takes it in. Until that is answered, whoever is to launch it waits: the cluster tells of a batch before it
   * answers who created it, and reading the batch again would be slower.
   */
  async creating<T extends Created>(key: ObjectKey, create: () => Promise<T>): Promise<T> {
    const text = keyText(key);
    this.#underWay.set(text, this.#clock.monotonicMs());
    try {
      const created = await create();
      if (created.kind === "Created") this.#keep(text, created.object);
      return created;
    } finally {
      this.#underWay.delete(text);
      this.#listener(text);
    }
  }

  /**
   * Whether this process is creating it; the listener is told when that has ended, however it did. A creation without an answer
   * holds nobody up for ever: whoever looks after `longestCreationMs` reads the cluster instead.
   */
  isUnderWay(key: ObjectKey): boolean {
    const sinceMs = this.#underWay.get(keyText(key));
    return sinceMs !== undefined && this.#clock.monotonicMs() - sinceMs < longestCreationMs;
  }

  /** The batch, once, if it was created a moment ago. */
  take(key: ObjectKey): LaunchBatch | undefined {
    this.#forgetOld();
    const text = keyText(key);
    const fresh = this.#batches.get(text);
    this.#batches.delete(text);
    return fresh?.batch;
  }

  /** Calls the listener with `namespace/name` of each batch whose creation has ended, in place of the one before. */
  onHandedOver(listener: (key: string) => void): void {
    this.#listener = listener;
  }

  #keep(key: string, batch: LaunchBatch): void {
    this.#forgetOld();
    this.#batches.set(key, { batch, putAtMs: this.#clock.monotonicMs() });
  }

  #forgetOld(): void {
    const now = this.#clock.monotonicMs();
    for (const [key, { putAtMs }] of this.#batches) if (now - putAtMs > freshMs) this.#batches.delete(key);
  }
}
