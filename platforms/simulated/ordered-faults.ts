/** Failures that a test or a person has ordered of the way to the simulated cloud. */
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import type { PlatformMethod } from "../../domain/launch/platform-call.ts";

export interface FaultOrder {
  /** How many calls fail; 1 unless told. */
  readonly times?: number;
  /** How many calls pass before; 0 unless told. A listing makes one call for each of its pages. */
  readonly after?: number;
}

interface PendingFault {
  readonly error: PlatformError;
  remaining: number;
  passing: number;
}

const outageError: PlatformError = { kind: "Unavailable", message: "the simulated cloud is down" };

/** Faults by method, each used up by the calls that it hits. */
export class OrderedFaults {
  readonly #failures = new Map<PlatformMethod, PendingFault[]>();
  readonly #lostAnswers = new Map<PlatformMethod, number>();
  #outage = false;

  failNext(method: PlatformMethod, error: PlatformError, order: FaultOrder = {}): void {
    const queue = this.#failures.get(method) ?? [];
    queue.push({ error, remaining: order.times ?? 1, passing: order.after ?? 0 });
    this.#failures.set(method, queue);
  }

  outage(on: boolean): void {
    this.#outage = on;
  }

  loseAnswer(method: PlatformMethod, times: number): void {
    this.#lostAnswers.set(method, (this.#lostAnswers.get(method) ?? 0) + times);
  }

  /** The error that this call is to fail with before it reaches the cloud; asking uses it up. */
  takeFailure(method: PlatformMethod): PlatformError | undefined {
    if (this.#outage) return outageError;
    const queue = this.#failures.get(method) ?? [];
    const first = queue[0];
    if (first === undefined) return undefined;
    if (first.passing > 0) {
      first.passing -= 1;
      return undefined;
    }
    first.remaining -= 1;
    if (first.remaining <= 0) queue.shift();
    return first.error;
  }

  /** The error instead of an answer that is to be lost on its way back; asking uses it up. */
  takeLoss(method: PlatformMethod): PlatformError | undefined {
    const left = this.#lostAnswers.get(method) ?? 0;
    if (left <= 0) return undefined;
    this.#lostAnswers.set(method, left - 1);
    return { kind: "Unavailable", message: `the answer to ${method} was lost; it may have been carried out` };
  }
}
