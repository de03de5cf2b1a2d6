/** Whether this process may act now: looked at before each call that changes the world. */

/** The lease is no longer held; whatever was decided is the next leader's to decide anew. */
export class NotLeadingError extends Error {
  override readonly name = "NotLeadingError";
}

export interface Leadership {
  /** Right at this moment, by the monotonic clock. */
  isLeader(): boolean;
}

/** Throws `NotLeadingError` unless this process leads. */
export function assertLeading(leadership: Leadership): void {
  if (!leadership.isLeader()) throw new NotLeadingError("this process does not lead");
}
