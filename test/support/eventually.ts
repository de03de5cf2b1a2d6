/** Waiting for a condition of the real world, where no fake clock reaches: other processes, sockets, files. */
import { setTimeout as pause } from "node:timers/promises";

export interface Patience {
  /** How long to go on trying; default 30,000. */
  readonly withinMs?: number;
  /** Time between two tries; default 50. */
  readonly everyMs?: number;
  /** Ends the waiting; the promise then rejects. */
  readonly signal?: AbortSignal;
}

/**
 * Tries until `attempt` does not throw, and gives its answer. When time is up it throws what the last try threw, so that
 * an `expect` inside says what it was still waiting for.
 */
export async function eventually<T>(attempt: () => Promise<T> | T, patience: Patience = {}): Promise<T> {
  const { withinMs = 30_000, everyMs = 50, signal } = patience;
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (performance.now() >= deadline) throw overdue(withinMs, cause);
    }
    await pause(everyMs, undefined, signal === undefined ? {} : { signal });
  }
}

/** Looks every 2 ms, for 10 s, until the condition holds; throws that it waited in vain until `what`. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const look = (): void => {
    if (!holds()) throw new Error(`waited in vain until ${what}`);
  };
  await eventually(look, { withinMs: 10_000, everyMs: 2 });
}

function overdue(withinMs: number, cause: unknown): Error {
  return new Error(`not within ${withinMs} ms: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
