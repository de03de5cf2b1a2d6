/** Runs a reconciler: workers, and the one place that turns its answers and errors into retries. */
import type { Clock } from "../domain/ports.ts";
import { assertNever } from "../domain/result.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { ApiError } from "./kubernetes-api.ts";
import type { Logger } from "./logger.ts";
import type { Metrics, ReconcileOutcome } from "./metrics.ts";
import { parseKey, type Reconciler, type ReconcileResult } from "./reconciler.ts";
import { WorkQueue } from "./work-queue.ts";

/** Keys that are looked at now and then even when no event came. */
export interface Resync {
  readonly everyMs: number;
  readonly keys: () => readonly string[];
}

export interface ControllerOptions {
  readonly reconciler: Reconciler;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Keys worked on at the same time; 4 when absent. */
  readonly workers?: number;
  /** How long one reconcile may take; 120 s when absent. */
  readonly timeoutMs?: number;
  readonly resync?: Resync;
}

/** Wait (ms) after a conflict, which is no failure: the copy that was decided on has to catch up first. */
const conflictMs = 50;

interface Bounds {
  readonly deadline: Deadline;
  readonly work: AbortSignal;
  readonly logger: Logger;
}

type Outcome =
  | { readonly kind: "Returned"; readonly result: ReconcileResult }
  | { readonly kind: "Threw"; readonly error: unknown }
  | { readonly kind: "TimedOut"; readonly running: Promise<unknown> };

/**
 * A queue and its workers. The queue takes keys at any time; they are worked on between `start` and `stop`, which may
 * alternate as leadership comes and goes.
 */
export class Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #running = new Set<Promise<unknown>>();
  #intake = new AbortController();
  #work = new AbortController();
  #cancelResync: () => void = () => undefined;
  #started = false;

  constructor(options: ControllerOptions) {
    const { reconciler, clock, random, metrics } = options;
    this.name = reconciler.name;
    this.#options = options;
    this.queue = new WorkQueue({ clock, random, metrics: metrics.queue(reconciler.name) });
    this.queue.worked(false);
  }

  /** Starts the workers. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.queue.worked(true);
    this.#intake = new AbortController();
    this.#work = new AbortController();
    this.#scheduleResync();
    for (let worker = 0; worker < (this.#options.workers ?? 4); worker++) {
      this.#track(this.#takeKeys(this.#intake.signal, this.#work.signal));
    }
  }

  /**
   * Takes no more keys and resolves once every running reconcile has ended. When `abort` fires, the signals of those
   * reconciles fire too.
   */
  async stop(abort?: AbortSignal): Promise<void> {
    this.#started = false;
    this.#cancelResync();
    this.#intake.abort();
    const work = this.#work;
    const hurry = (): void => work.abort(abort?.reason);
    if (abort?.aborted === true) hurry();
    abort?.addEventListener("abort", hurry);
    while (this.#running.size > 0) await Promise.all(this.#running);
    abort?.removeEventListener("abort", hurry);
    this.queue.endDelays();
    this.queue.worked(false);
  }

  #track(promise: Promise<unknown>): void {
    this.#running.add(promise);
    void promise.finally(() => this.#running.delete(promise));
  }

  #scheduleResync(): void {
    const { resync, clock, random } = this.#options;
    if (resync === undefined) return;
    this.#cancelResync = clock.after(resync.everyMs * (1 - 0.2 * random()), () => {
      for (const key of resync.keys()) this.queue.add(key);
      this.#scheduleResync();
    });
  }

  async #takeKeys(intake: AbortSignal, work: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.queue.take(intake);
      if (key === undefined) return;
      await this.#process(key, work);
    }
  }

  async #process(key: string, work: AbortSignal): Promise<void> {
    const { clock, random, timeoutMs = 120_000 } = this.#options;
    const reconcileId = Math.floor(random() * 2 ** 48).toString(36);
    const logger = this.#options.logger.child({ controller: this.name, ...parseKey(key), reconcileId });
    const startMs = clock.monotonicMs();
    const deadline = startDeadline(clock, timeoutMs, "reconcile", work);
    const outcome = await this.#reconcile(key, { deadline, work, logger });
    deadline.clear();
    if (work.aborted && outcome.kind !== "Returned") {
      logger.debug("interrupted reconcile");
      this.queue.add(key);
    } else {
      const label = this.#answer(key, outcome, logger);
      this.#options.metrics.reconciled(this.name, label, (clock.monotonicMs() - startMs) / 1_000);
    }
    if (outcome.kind === "TimedOut") this.#track(outcome.running.then(() => this.queue.release(key)));
    else this.queue.release(key);
  }

  /** A reconcile that ignores its signal gives its worker back, but keeps its key until it has ended. */
  async #reconcile(key: string, { deadline, work, logger }: Bounds): Promise<Outcome> {
    const { reconciler } = this.#options;
    const running = returned(() => reconciler.reconcile(parseKey(key), { signal: deadline.signal, logger }));
    const timeUp = new Promise<Outcome>((resolve) => {
      const expire = (): void => {
        if (!work.aborted) resolve({ kind: "TimedOut", running });
      };
      deadline.signal.addEventListener("abort", expire, { once: true });
    });
    return Promise.race([running, timeUp]);
  }

  /** The retry table: what follows from each outcome, and its name in the metric. */
  #answer(key: string, outcome: Outcome, logger: Logger): ReconcileOutcome {
    switch (outcome.kind) {
      case "Returned":
        return this.#answerResult(key, outcome.result, logger);
      case "Threw":
        return this.#answerError(key, outcome.error, logger);
      case "TimedOut":
        logger.error("reconcile timed out", { retryMs: this.queue.retry(key) });
        return "timeout";
      default:
        return assertNever(outcome);
    }
  }

  #answerResult(key: string, result: ReconcileResult, logger: Logger): ReconcileOutcome {
    this.queue.forget(key);
    if (result.kind === "Done") return "done";
    this.queue.addAfter(key, result.ms);
    logger.debug("requeued", { ms: result.ms, reason: result.reason });
    return "requeue";
  }

  #answerError(key: string, error: unknown, logger: Logger): ReconcileOutcome {
    if (error instanceof ApiError && error.code === 409) {
      this.queue.addAfter(key, conflictMs);
      logger.debug("reconcile met a conflict", { error });
      return "conflict";
    }
    logger.error("reconcile failed", { error, retryMs: this.queue.retry(key) });
    return "error";
  }
}

async function returned(call: () => Promise<ReconcileResult>): Promise<Outcome> {
  try {
    return { kind: "Returned", result: await call() };
  } catch (error) {
    return { kind: "Threw", error };
  }
}
