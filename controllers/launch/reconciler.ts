/** LaunchBatch: one machine for each of its slots, by calls that are committed before they are sent, the first by the batch. */
import type { LaunchAttempt, LaunchBatch } from "../../crds/launch-batch.ts";
import { apiVersion, labels } from "../../crds/names.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { isOfGroup, isSettled, openSlots } from "../../domain/launch/batch.ts";
import { groupUidOf } from "../../domain/node/claim.ts";
import {
  type AbandonReason,
  type FoundMachine,
  type LaunchStep,
  type LaunchView,
  nextLaunchStep,
  pendingStep,
} from "../../domain/launch/launch-step.ts";
import { formatSlots } from "../../domain/names.ts";
import { assertNever } from "../../domain/result.ts";
import { FirstSeen } from "../../domain/first-seen.ts";
import { fromRfc3339, type Instant, toRfc3339 } from "../../domain/time.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { groupTextOf } from "../../domain/group/place.ts";
import { index, scalePolicyKeyOf } from "../../fleet/indexes.ts";
import { type BatchHandoff, longestCreationMs } from "../../fleet/batch-handoff.ts";
import { Attempts, type AttemptsDeps } from "./apply.ts";
import { BatchReport, incomplete, isOver, type Members } from "./report.ts";
import { type Launching, SlotNodes } from "./slot-nodes.ts";
import { type BatchSurroundings, viewBatch, viewPending } from "./observe.ts";

export interface LaunchDeps extends AttemptsDeps {
  readonly cluster: Cluster;
  /** Batches that this process has just created. */
  readonly handoff: Pick<BatchHandoff, "isUnderWay" | "take">;
  readonly revisionOf: BatchSurroundings["revisionOf"];
  /** What the wall clock says, for what people set; absent: as `clock` does. */
  readonly wall?: () => Instant;
}

/** What the maximum and the nodes leave room for is seen in these. */
interface Neighbours {
  readonly nodes: readonly StreamNode[];
  readonly scalePolicy: ScalePolicy | undefined;
}

export class LaunchReconciler implements Reconciler {
  readonly name = "launch";
  readonly #deps: LaunchDeps;
  readonly #nodes: SlotNodes;
  readonly #report: BatchReport;
  readonly #attempts: Attempts;
  readonly #seen = new FirstSeen();

  constructor(deps: LaunchDeps) {
    this.#deps = deps;
    this.#nodes = new SlotNodes(deps);
    this.#report = new BatchReport(deps);
    this.#attempts = new Attempts(deps, this.#nodes, this.#report);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    if (this.#deps.handoff.isUnderWay(key)) return requeueAfter(longestCreationMs, "this process is creating it");
    const { cache, client } = this.#deps.cluster.launchBatches;
    const known = cache.get(keyText(key));
    const fresh = this.#fresh(key, known);
    if (fresh !== undefined) return this.#advance(fresh, context);
    if (known !== undefined && isOver(known)) return done;
    // The cluster's own word: an old copy could fill slots again that were settled and freed long ago.
    const batch = await client.get(key, context.signal);
    if (batch === undefined || isOver(batch)) return done;
    if (isSettled(batch)) return this.#report.release(batch, context);
    const { namespace } = batch.metadata;
    const group = await this.#deps.cluster.nodeGroups.client.get({ namespace, name: batch.spec.group }, context.signal);
    if (group === undefined) return this.#report.release(batch, context);
    return isOfGroup(batch, group) ? this.#advance({ batch, group }, context) : this.#giveUp({ batch, group }, context);
  }

  /** It is no decision of this group: it was restored or copied, and whatever came of its original is adopted by its tags. */
  #giveUp({ batch, group }: Launching, context: ReconcileContext): Promise<ReconcileResult> {
    this.#tellAbandoned({ batch, group }, { slots: openSlots(batch), reason: "NotOfGroup" }, context);
    return this.#report.disown(batch, context);
  }

  /** A committed call is sent before anything else is read or written. */
  async #advance(launching: Launching, context: ReconcileContext): Promise<ReconcileResult> {
    const { batch, group } = launching;
    const now = this.#deps.clock.now();
    const sendAgainAt = this.#attempts.sendAgainAt(batch);
    const pending = pendingStep(viewPending({ batch, group, sendAgainAt, wall: this.#wall() }), now);
    if (pending !== undefined) return this.#apply(launching, pending, context);
    const taken = await this.#ensureNodes(launching, context);
    if (taken.length > 0) return this.#report.settle(batch, membersOf(taken, "Taken"), context);
    return this.#apply(launching, await this.#decide(launching, context), context);
  }

  /** A batch that this process has just created is as it was created, unless the local copy knows more already. */
  #fresh(key: ObjectKey, known: LaunchBatch | undefined): Launching | undefined {
    const batch = this.#deps.handoff.take(key);
    if (batch === undefined) return undefined;
    if (known !== undefined && known.metadata.resourceVersion !== batch.metadata.resourceVersion) return undefined;
    const group = this.#deps.cluster.nodeGroups.cache.get(groupTextOf(batch));
    // This process has created it for the group, whatever its clock says.
    return group === undefined || group.metadata.uid !== groupUidOf(batch) ? undefined : { batch, group };
  }

  /** The slots that others hold. Nothing is made for a batch or a group that is about to go. */
  async #ensureNodes(launching: Launching, context: ReconcileContext): Promise<readonly number[]> {
    const { batch, group } = launching;
    if (group.metadata.deletionTimestamp !== undefined || batch.metadata.deletionTimestamp !== undefined) return [];
    return this.#nodes.ensure(launching, openSlots(batch), context.signal);
  }

  /** A local copy that is late may suggest a launch; that is decided anew on the cluster's own word. */
  async #decide(launching: Launching, context: ReconcileContext): Promise<LaunchStep> {
    const { clock } = this.#deps;
    const step = nextLaunchStep(this.#view(launching, this.#known(launching)), clock.now());
    if (step.kind !== "Start") return step;
    return nextLaunchStep(this.#view(launching, await this.#confirmed(launching, context)), clock.now());
  }

  #known({ batch, group }: Launching): Neighbours {
    const { streamNodes, scalePolicies } = this.#deps.cluster;
    return {
      nodes: streamNodes.cache.byIndex(index.nodeGroup, groupTextOf(batch)),
      scalePolicy: scalePolicies.cache.get(scalePolicyKeyOf(group)),
    };
  }

  async #confirmed({ batch, group }: Launching, context: ReconcileContext): Promise<Neighbours> {
    const { streamNodes, scalePolicies } = this.#deps.cluster;
    const { namespace } = batch.metadata;
    const labelSelector = `${labels.group}=${batch.spec.group}`;
    return {
      nodes: await streamNodes.client.list({ namespace, labelSelector }, context.signal),
      scalePolicy: await scalePolicies.client.get({ namespace, name: group.spec.scalePolicyRef.name }, context.signal),
    };
  }

  #view({ batch, group }: Launching, neighbours: Neighbours): LaunchView {
    const { cluster, revisionOf } = this.#deps;
    const { namespace } = batch.metadata;
    const view = viewBatch({
      batch,
      group,
      ...neighbours,
      launchConfig: cluster.launchConfigs.cache.get(keyText({ namespace, name: batch.spec.launch.launchConfig })),
      sendAgainAt: this.#attempts.sendAgainAt(batch),
      revisionOf,
      wall: this.#wall(),
    });
    return { ...view, attempts: view.attempts.map((attempt) => this.#dated(attempt)) };
  }

  #wall(): Instant {
    const { clock, wall = () => clock.now() } = this.#deps;
    return wall();
  }

  /** The wait after a refusal begins no later than the refusal is known. */
  #dated(attempt: LaunchAttempt): LaunchAttempt {
    const endedAt = fromRfc3339(attempt.endedAt ?? "");
    if (endedAt === undefined) return attempt;
    return { ...attempt, endedAt: toRfc3339(this.#seen.notAfter(attempt.token, endedAt, this.#deps.clock.now())) };
  }

  #apply(launching: Launching, step: LaunchStep, context: ReconcileContext): Promise<ReconcileResult> {
    const { batch } = launching;
    switch (step.kind) {
      case "Send":
        return this.#attempts.send(launching, step.attempt, context);
      case "Start":
        return this.#attempts.commit(launching, step, context);
      case "Found":
        return this.#report.settle(batch, step.machines.map(launchedMember), context);
      case "Abandon":
        return this.#abandon(launching, step, context);
      case "AwaitAnswer":
        return Promise.resolve(requeueAfter(Math.max(1, step.until - this.#deps.clock.now()), "it was sent lately"));
      case "Wait":
        return this.#wait(batch, step, context);
      case "Held":
        return this.#report.write(batch, {}, incomplete("Paused", "the group is paused: nothing is launched"), context);
      case "Complete":
        return this.#report.settle(batch, [], context);
      default:
        return assertNever(step);
    }
  }

  #wait(
    batch: LaunchBatch,
    { until, lastError }: Extract<LaunchStep, { kind: "Wait" }>,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const ms = until - this.#deps.clock.now();
    return this.#report.wait(batch, `waits until ${toRfc3339(until)} after ${lastError}`, ms, context);
  }

  #abandon(
    launching: Launching,
    step: Extract<LaunchStep, { kind: "Abandon" }>,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    this.#tellAbandoned(launching, step, context);
    return this.#report.settle(launching.batch, membersOf(step.slots, "Abandoned"), context);
  }

  #tellAbandoned(
    { batch, group }: Launching,
    { slots, reason }: { readonly slots: readonly number[]; readonly reason: AbandonReason | "NotOfGroup" },
    context: ReconcileContext,
  ): void {
    const { events } = this.#deps;
    const { name } = batch.metadata;
    context.logger.info("abandoned slots", { batch: name, slots: formatSlots(slots), reason });
    if (reason !== "Deleting") {
      const message = `${name}: slots ${formatSlots(slots)}: ${inWords[reason]}`;
      const subject = { apiVersion, kind: "NodeGroup", metadata: group.metadata };
      events.record(subject, { type: "Warning", reason: "LaunchAbandoned", message });
    }
  }
}

const inWords: Readonly<Record<AbandonReason | "NotOfGroup", string>> = {
  NotOfGroup: "it was copied or restored, and is no decision of this group: its machines are adopted by their tags",
  Deleting: "the group is being deleted",
  BatchDeleted: "the batch was deleted",
  NodeDeleted: "the node was deleted before its machine was launched",
  LaunchConfigChanged: "the launch config has changed since; the next batch takes the new one",
  MaximumReached: "the maximum leaves no room for them",
};

function launchedMember({ slot, providerId }: FoundMachine): Members[number] {
  return { slot, providerId, outcome: "Launched" };
}

function membersOf(slots: readonly number[], outcome: "Taken" | "Abandoned"): Members {
  return slots.map((slot) => ({ slot, outcome }));
}
