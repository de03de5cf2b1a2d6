/** Starts and stops the parts of a process in the right order. */
import type { Clock } from "../domain/ports.ts";
import { type Deadline, DeadlineError, startDeadline } from "./deadline.ts";
import type { LeadershipListener } from "./leader-election.ts";
import type { Logger } from "./logger.ts";
import { messageOf } from "./thrown.ts";

/** Something that must have seen the whole cluster before anybody decides: an informer. */
export interface Source {
  readonly name: string;
  readonly lastError: unknown;
  start(): void;
  stop(): Promise<void>;
  whenSynced(): Promise<void>;
}

/** Something that runs only while this process leads: a controller. Starts and stops may alternate. */
export interface LeaderTask {
  readonly name: string;
  start(): void;
  /** Resolves when all work has ended; `abort` asks it to hurry. */
  stop(abort?: AbortSignal): Promise<void>;
}

/** What the manager needs of a LeaderElection. */
export interface Election {
  start(): void;
  stop(options: { readonly release: boolean }): Promise<void>;
  onChange(listener: LeadershipListener): () => void;
}

export interface ManagerOptions {
  readonly sources: readonly Source[];
  readonly tasks: readonly LeaderTask[];
  /** Absent: this process always leads. */
  readonly election?: Election;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the first complete lists may take; 60 s when absent. */
  readonly syncTimeoutMs?: number;
  /** How long running work may take to end at `stop` before it is interrupted; 20 s when absent. */
  readonly graceMs?: number;
  /** How long interrupted work is waited for; 5 s when absent. */
  readonly interruptMs?: number;
}

/** The process could not start; the message is one line. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly isForPeople = true;
}

/** Sources first, then leadership, then tasks in order; everything in reverse at the end. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #stopping = new AbortController();
  #running: readonly LeaderTask[] = [];
  /** Starts and stops of tasks, one after the other. */
  #transition: Promise<unknown> = Promise.resolve();
  #forget: () => void = () => undefined;

  constructor(options: ManagerOptions) {
    this.#options = options;
  }

  /** Resolves once all sources are complete and this process leads or is a candidate. Throws `StartError`. */
  async start(): Promise<void> {
    const { sources, election, logger } = this.#options;
    for (const source of sources) source.start();
    await this.#syncAll();
    if (election === undefined) {
      this.#startTasks();
      return;
    }
    this.#forget = election.onChange({
      started: () => this.#enqueue(() => this.#startTasks()),
      lost: () => this.#enqueue(() => this.#stopTasks(AbortSignal.abort(new Error("leadership was lost")))),
    });
    election.start();
    logger.debug("became a candidate");
  }

  /**
   * Stops tasks, then leadership, then sources. Work that does not end in time is interrupted, and in the end left behind:
   * then the lease is not released but runs out.
   */
  async stop(): Promise<void> {
    const { sources, election, logger } = this.#options;
    this.#stopping.abort();
    this.#forget();
    const ended = await this.#endTasks();
    await election?.stop({ release: ended });
    await Promise.all(sources.toReversed().map((source) => source.stop()));
    logger.info("stopped");
  }

  async #syncAll(): Promise<void> {
    const { sources, clock, syncTimeoutMs = 60_000 } = this.#options;
    const deadline = startDeadline(clock, syncTimeoutMs, "the first list", this.#stopping.signal);
    const waiting = new Set(sources);
    const synced = sources.map((source) => source.whenSynced().then(() => waiting.delete(source)));
    const complete = await Promise.race([Promise.all(synced).then(() => true), aborted(deadline.signal)]);
    deadline.clear();
    if (complete) return;
    await Promise.all(sources.map((source) => source.stop()));
    throw new StartError(startMessage(deadline, [...waiting], syncTimeoutMs));
  }

  #startTasks(): void {
    const { tasks, logger } = this.#options;
    if (this.#stopping.signal.aborted) return;
    for (const task of tasks) {
      task.start();
      this.#running = [...this.#running, task];
    }
    logger.info("started controllers", { controllers: tasks.map((task) => task.name) });
  }

  async #stopTasks(abort: AbortSignal): Promise<void> {
    const running = this.#running;
    await Promise.all(running.toReversed().map((task) => task.stop(abort)));
    this.#running = [];
  }

  /** Whether all tasks have ended within the bound. */
  async #endTasks(): Promise<boolean> {
    const { clock, logger, graceMs = 20_000, interruptMs = 5_000 } = this.#options;
    const grace = startDeadline(clock, graceMs, "the end of running work");
    const bound = startDeadline(clock, graceMs + interruptMs, "the end of interrupted work");
    this.#enqueue(() => this.#stopTasks(grace.signal));
    const ended = await Promise.race([this.#transition.then(() => true), aborted(bound.signal)]);
    grace.clear();
    bound.clear();
    if (!ended) logger.error("left running work behind", { controllers: this.#running.map((task) => task.name) });
    return ended;
  }

  #enqueue(step: () => Promise<void> | void): void {
    this.#transition = this.#transition.then(step);
  }
}

/** Resolves to false when the signal aborts. */
function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener("abort", () => resolve(false), { once: true });
  });
}

function startMessage(deadline: Deadline, waiting: readonly Source[], timeoutMs: number): string {
  if (!(deadline.signal.reason instanceof DeadlineError)) return "stopped before the start was complete";
  const names = waiting.map((source) => source.name).join(", ");
  const error = waiting.map((source) => source.lastError).find((last) => last !== undefined);
  const because = error === undefined ? "" : `: ${messageOf(error)}`;
  return `could not list ${names} within ${timeoutMs / 1_000} s${because}`;
}
