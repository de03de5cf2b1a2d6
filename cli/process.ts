/** What a process owns: what it has begun and must end, the signals that end it, its exit code. */
import { fitted } from "../local/wrap.ts";
import { sleep, systemClock } from "../runtime/clock.ts";
import { ConfigError } from "../runtime/config.ts";

/**
 * Writes an error to the terminal and says with which exit code to end: 2 where the environment has to be changed, else 1. One whose
 * message was written for people, which it says itself (`isForPeople`), is that line; any other is a defect, with its stack.
 */
export function fail(error: unknown): number {
  const plain = error instanceof Error && "isForPeople" in error && error.isForPeople === true;
  const text = plain ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  for (const line of text.split("\n")) console.error(fitted(`streamfleet: ${line}`, process.stderr));
  return error instanceof ConfigError ? 2 : 1;
}

/** What must be done at the end, in reverse order of what was begun. One that fails does not keep the others from it. */
export class Stops {
  readonly #steps: (() => unknown)[] = [];
  #ran = false;

  /** What is begun while, or after, the others end is ended at once. */
  add(step: () => unknown): void {
    if (this.#ran) void this.#end(step);
    else this.#steps.push(step);
  }

  async run(): Promise<void> {
    this.#ran = true;
    for (const step of this.#steps.splice(0).reverse()) await this.#end(step);
  }

  async #end(step: () => unknown): Promise<void> {
    try {
      await step();
    } catch (error) {
      fail(error);
    }
  }
}

/** How long (ms) what was begun has to end, where the process is told to stop before it is up. */
const startEndsMs = 1_500;

/**
 * Starts, and stops at SIGINT or SIGTERM. A start that hangs on a server which does not answer is not waited for: nothing was
 * begun by it that must end well, and who stops us does not wait for long.
 */
export async function untilStopped(start: (stops: Stops, interrupted: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = untilInterrupted();
  const stops = new Stops();
  const starting = start(stops, interrupted.signal);
  try {
    const isUp = await Promise.race([starting.then(() => true), interrupted.promise.then(() => false)]);
    if (isUp) await interrupted.promise;
    else {
      starting.catch(() => undefined);
      await Promise.race([stops.run(), sleep(systemClock(), startEndsMs, new AbortController().signal)]);
      process.exit(0);
    }
  } finally {
    await stops.run();
  }
}

/** Resolves at SIGINT or SIGTERM; the second one ends the process at once. */
export function untilInterrupted(): { readonly promise: Promise<void>; readonly signal: AbortSignal } {
  const controllerOfEnd = new AbortController();
  const promise = new Promise<void>((resolve) => {
    const end = (): void => {
      if (controllerOfEnd.signal.aborted) process.exit(130);
      controllerOfEnd.abort();
      resolve();
    };
    process.on("SIGINT", end);
    process.on("SIGTERM", end);
  });
  return { promise, signal: controllerOfEnd.signal };
}

/** Whoever reads what we print may leave early, as `head` does: there is nobody left to print for. */
export function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}
