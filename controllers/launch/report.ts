/** What a LaunchBatch's status says: its attempts, its settled slots, and what it has come to. */
import type { LaunchAttempt, LaunchBatch, LaunchBatchStatus } from "../../crds/launch-batch.ts";
import { finalizers } from "../../crds/names.ts";
import { isSettled, openSlots } from "../../domain/launch/batch.ts";
import { type ConditionUpdate, withCondition } from "../../domain/conditions.ts";
import { formatSlots } from "../../domain/names.ts";
import type { Clock } from "../../domain/ports.ts";
import { done, type ReconcileResult, requeueAfter, type ReconcileContext } from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { changedMs, writeStatus } from "../../fleet/status-writer.ts";

export interface BatchReportDeps {
  readonly cluster: Pick<Cluster, "launchBatches">;
  readonly clock: Clock;
}

export type Members = NonNullable<LaunchBatchStatus["members"]>;

/** What else a status is to say. Whatever is written makes the batch ours, unless `claimedUid` says otherwise. */
interface StatusChanges {
  readonly members?: Members;
  readonly attempts?: readonly LaunchAttempt[];
  readonly claimedUid?: string | null;
}

const lookAgainMs = 2_000;

/** Every method answers when the batch is to be looked at again. */
export class BatchReport {
  readonly #deps: BatchReportDeps;

  constructor(deps: BatchReportDeps) {
    this.#deps = deps;
  }

  /** Adds settled slots and says what the batch has come to. */
  settle(
    batch: LaunchBatch,
    members: Members,
    context: ReconcileContext,
    attempts?: readonly LaunchAttempt[],
  ): Promise<ReconcileResult> {
    const known = (batch.status?.members ?? []).filter(({ slot }) => !members.some((member) => member.slot === slot));
    const all = [...known, ...members].sort((a, b) => a.slot - b.slot);
    const status = { members: all, ...(attempts !== undefined && { attempts }) };
    return this.write(batch, status, completion(batch, all), context);
  }

  /** Gives up every open slot of a batch that is no decision of ours, and does not make it ours by that. */
  disown(batch: LaunchBatch, context: ReconcileContext): Promise<ReconcileResult> {
    const given = openSlots(batch).map((slot) => ({ slot, outcome: "Abandoned" as const }));
    const members = [...(batch.status?.members ?? []), ...given].sort((a, b) => a.slot - b.slot);
    const changes = { members, claimedUid: batch.status?.claimedUid ?? null };
    return this.write(batch, changes, completion(batch, members), context);
  }

  /** Says what it waits for, and looks again in `ms`. */
  async wait(batch: LaunchBatch, message: string, ms: number, context: ReconcileContext): Promise<ReconcileResult> {
    const written = await this.write(batch, {}, incomplete("AwaitingRetry", message), context);
    return written.kind === "Done" ? written : requeueAfter(Math.max(1, ms), message);
  }

  async write(
    batch: LaunchBatch,
    changes: StatusChanges,
    condition: ConditionUpdate,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { cluster, clock } = this.#deps;
    const members = changes.members ?? batch.status?.members ?? [];
    const status = {
      observedGeneration: batch.metadata.generation ?? 0,
      claimedUid: batch.metadata.uid,
      slots: formatSlots(batch.spec.slots),
      launched: members.filter(({ outcome }) => outcome === "Launched").length,
      ...changes,
      conditions: withCondition(batch.status?.conditions ?? [], condition, clock.now()),
    };
    const written = await writeStatus(cluster.launchBatches.client, batch, status, context.signal);
    if (written.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    if (written.kind === "NotFound") return done;
    if (condition.status === "True") return this.release(written.object, context);
    return requeueAfter(condition.reason === "Launching" ? 0 : lookAgainMs, condition.message);
  }

  /** No machine that is not known can come of it any more: it may be deleted. */
  async release(batch: LaunchBatch, context: ReconcileContext): Promise<ReconcileResult> {
    const released = await this.#deps.cluster.launchBatches.client.removeFinalizer(
      batch,
      finalizers.launch,
      context.signal,
    );
    return released.kind === "Conflict" ? requeueAfter(changedMs, "it has changed meanwhile") : done;
  }
}

/** Settled, and nothing holds it. */
export function isOver(batch: LaunchBatch): boolean {
  return isSettled(batch) && !(batch.metadata.finalizers ?? []).includes(finalizers.launch);
}

export function incomplete(reason: string, message: string): ConditionUpdate {
  return { type: "Complete", status: "False", reason, message };
}

function completion({ spec }: LaunchBatch, members: Members): ConditionUpdate {
  const launched = members.filter(({ outcome }) => outcome === "Launched").length;
  const message = `${launched} of ${spec.slots.length} machines launched`;
  if (members.length < spec.slots.length) return incomplete("Launching", message);
  const reason = launched === spec.slots.length ? "AllLaunched" : launched > 0 ? "PartlyLaunched" : "NoneLaunched";
  return { type: "Complete", status: "True", reason, message };
}
