/** An abort signal that also fires when time is up. */
import type { Clock } from "../domain/ports.ts";

/** Time was up: the reason of the signal of a `Deadline`. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

export interface Deadline {
  /** Aborts with a `DeadlineError` when time is up, or with the parent's reason when the parent aborts. */
  readonly signal: AbortSignal;
  /** Starts the time anew: for deadlines on silence. */
  extend(): void;
  /** Aborts now. */
  abort(reason?: unknown): void;
  /** Lets go of the timer and of the parent. */
  clear(): void;
}

/** Starts a deadline of `ms` from now. Call `clear` when the work has ended, or its timer and listener remain. */
export function startDeadline(clock: Clock, ms: number, what: string, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  const expire = (): void => controller.abort(new DeadlineError(`${what} took longer than ${ms} ms`));
  const follow = (): void => controller.abort(parent?.reason);
  let cancel = clock.after(ms, expire);
  if (parent?.aborted === true) follow();
  parent?.addEventListener("abort", follow);
  return {
    signal: controller.signal,
    extend: () => {
      cancel();
      cancel = clock.after(ms, expire);
    },
    abort: (reason) => controller.abort(reason),
    clear: () => {
      cancel();
      parent?.removeEventListener("abort", follow);
    },
  };
}
