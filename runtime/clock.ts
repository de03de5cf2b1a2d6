/** The machine's clocks behind the Clock port. No other file reads a clock or sets a timer. */
import type { Clock } from "../domain/ports.ts";
import { instant } from "../domain/time.ts";

/** Node's timers overflow above this and would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** A Clock on the machine's own wall clock, monotonic clock and timers. */
export function systemClock(): Clock {
  return {
    now: () => instant(Date.now()),
    monotonicMs: () => performance.now(),
    after: (ms, callback) => {
      const timer = setTimeout(callback, Math.min(Math.max(0, ms), longestTimerMs));
      return () => clearTimeout(timer);
    },
  };
}

/** Resolves after `ms`, or at once when the signal aborts: the caller looks at the signal. Never rejects. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.after(ms, wake);
    signal.addEventListener("abort", wake);
  });
}
