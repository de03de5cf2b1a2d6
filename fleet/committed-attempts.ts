/** The launch calls that a batch has committed: those in its status, and the first, which its creation commits. */
import { createHash } from "node:crypto";
import type { LaunchAttempt, LaunchBatch } from "../crds/launch-batch.ts";

/** Idempotency token of an attempt: another batch, or another attempt, has another. */
export function attemptToken(batch: Pick<LaunchBatch, "metadata" | "spec">, attempt: number): string {
  return createHash("sha256")
    .update(`${identityOf(batch, attempt)}/${attempt}`)
    .digest("hex")
    .slice(0, 32);
}

/**
 * The first call is that of the decision, so that a batch that is restored repeats it to the letter. Those that follow are the
 * object's own.
 */
function identityOf({ metadata, spec }: Pick<LaunchBatch, "metadata" | "spec">, attempt: number): string {
  const { groupUid, decidedAt } = spec;
  if (attempt > 1 || groupUid === undefined || decidedAt === undefined) return metadata.uid;
  return `${groupUid}/${metadata.name}/${decidedAt}`;
}

/**
 * The attempts, oldest first. A batch that was created with its call and has none in its status has the first one
 * pending: whether it was sent, nobody knows.
 */
export function attemptsOf(batch: LaunchBatch): readonly LaunchAttempt[] {
  const { metadata, spec, status } = batch;
  const recorded = status?.attempts ?? [];
  if (recorded.length > 0 || spec.call === undefined) return recorded;
  const { keyId, clusterId, apiUrl } = spec.call;
  const first: LaunchAttempt = {
    number: 1,
    token: attemptToken(batch, 1),
    slots: spec.slots,
    keyId,
    clusterId,
    apiUrl,
    startedAt: metadata.creationTimestamp,
    outcome: "Pending",
  };
  return [first];
}
