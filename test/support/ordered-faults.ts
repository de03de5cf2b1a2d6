/** Faults of an embedded API that a test orders while the API runs, and what it was asked for. */
import type { ApiCall, Faults, Verb } from "../../local/kube/embedded-api.ts";

const none: Faults = () => undefined;

export class OrderedFaults {
  /** Runs before each verb: may throw, or wait. */
  before: Faults = none;
  /** Runs after each verb, before its answer: what it throws is an answer that was lost. */
  after: Faults = none;
  readonly calls: Verb[] = [];

  /** For the `faults` of the API. */
  readonly around: Faults = (call: ApiCall) => {
    if (call.moment === "After") return this.after(call);
    this.calls.push(call.verb);
    return this.before(call);
  };

  /** From now on every verb is refused with this error. */
  refuseAll(error: Error): void {
    this.before = () => Promise.reject(error);
  }

  /** From now on nothing is held up or refused. */
  end(): void {
    this.before = none;
    this.after = none;
  }
}
