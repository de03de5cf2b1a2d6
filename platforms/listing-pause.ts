/** How long to wait before a region is listed again. Pure. */
import type { PlatformError } from "../domain/launch/platform-error.ts";

const longestBackOffMs = 60_000;

export interface PauseInput {
  /** The platform's interval between listings. */
  readonly intervalMs: number;
  /** Why the last listing failed, if it did. */
  readonly error?: PlatformError;
  /** Failures in a row, that one included. */
  readonly failures: number;
  /** From 0 up to 1, drawn anew each time. */
  readonly draw: number;
}

/**
 * Milliseconds from the end of a listing to the start of the next: the interval, 10 % more or less; after failures it
 * doubles up to a minute, up to 20 % more, and is never shorter than a throttling cloud has asked for.
 */
export function listingPauseMs({ intervalMs, error, failures, draw }: PauseInput): number {
  if (error === undefined) return intervalMs * (0.9 + 0.2 * draw);
  const backOffMs = Math.max(intervalMs, Math.min(longestBackOffMs, intervalMs * 2 ** Math.min(failures, 30)));
  const askedMs = error.kind === "Throttled" ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(backOffMs, askedMs) * (1 + 0.2 * draw);
}
