/** Reading the database, which may be down or slow, for somebody who waits. */
import type { Clock } from "../domain/ports.ts";
import { Problem } from "./problems.ts";

/** How long (ms) the database may take. */
const longestReadMs = 10_000;

/** Who waits, and who knows what a failure of the database means. */
export interface SlowReads {
  readonly clock: Clock;
  /** One line that says what to do. */
  readonly diagnose: (error: unknown) => string;
}

/** What the database answers in time; throws `Problem` when it fails or does not. */
export async function readInTime<T>({ clock, diagnose }: SlowReads, read: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(longestReadMs, () =>
    late.reject(new Error(`the database did not answer within ${longestReadMs} ms`)),
  );
  try {
    return await Promise.race([read, late.promise]);
  } catch (cause) {
    const detail = `the database cannot be read now: ${diagnose(cause)}`;
    throw new Problem("HistoryUnavailable", detail, { retryAfterSeconds: 5, cause });
  } finally {
    cancel();
  }
}
