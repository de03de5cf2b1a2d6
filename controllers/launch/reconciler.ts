/** LaunchBatch: one machine for each of its slots, by calls that are committed before they are sent. */
import type { LaunchAttempt, LaunchBatch, LaunchBatchStatus } from "../../crds/launch-batch.ts";
import { apiVersion } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { NodeLaunch, StreamNode } from "../../crds/stream-node.ts";
import { type UpdateOf, withCondition } from "../../domain/conditions.ts";
import { type AbandonReason, isDefinite, keepNewest, type LaunchStep, nextLaunchStep } from "../../domain/launch.ts";
import type { Machine } from "../../domain/machine.ts";
import { formatSlots, slotName } from "../../domain/names.ts";
import type { PlatformError } from "../../domain/platform-error.ts";
import { assertNever } from "../../domain/result.ts";
import { type Clock, toRfc3339 } from "../../domain/time.ts";
import type { EventRecorder } from "../../runtime/events.ts";
import type { KeyRing } from "../../runtime/key-ring.ts";
import type { Logger } from "../../runtime/logger.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
} from "../../runtime/reconciler.ts";
import type { Clouds } from "../clouds.ts";
import type { Cluster } from "../cluster.ts";
import { assertLeading, type Leadership } from "../leadership.ts";
import { writeStatus } from "../status-writer.ts";
import { streamNodeDraft } from "../stream-node-draft.ts";
import { attemptToken, launchRequest, type LaunchSettings } from "./request.ts";
import { viewBatch } from "./view.ts";

export interface LaunchDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly leadership: Leadership;
  readonly keys: Pick<KeyRing, "current" | "find">;
  readonly settings: LaunchSettings;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "record">;
  readonly logger: Logger;
  readonly revisionOf: (config: Parameters<typeof viewBatch>[0]["launchConfig"] & object) => string;
}

type Update = UpdateOf<"LaunchBatch">;
type Members = NonNullable<LaunchBatchStatus["members"]>;

const mostAttempts = 16;
/** How soon (ms) a call whose outcome is not known is sent again. */
const sendAgainMs = 5_000;
const lookAgainMs = 2_000;

export class LaunchReconciler implements Reconciler {
  readonly name = "launch";
  readonly #deps: LaunchDeps;

  constructor(deps: LaunchDeps) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<ReconcileResult> {
    const { cluster, clock } = this.#deps;
    if (isSettled(cluster.launchBatches.cache.get(keyText(key)))) return done;
    // The cluster's own word: an old copy could fill slots again that were settled and freed long ago.
    const batch = await cluster.launchBatches.client.get(key, signal);
    if (batch === undefined || isSettled(batch)) return done;
    const group = await this.#groupOf(batch, signal);
    if (group === undefined) return done;
    const conflicts = await this.#ensureNodes(batch, group, signal);
    if (conflicts.length > 0)
      return this.#settle(
        batch,
        conflicts.map((slot) => ({ slot, outcome: "Taken" })),
        signal,
      );
    const step = nextLaunchStep(this.#view(batch, group), clock.now());
    return this.#apply(batch, group, step, signal);
  }

  #view(batch: LaunchBatch, group: NodeGroup) {
    const { cluster, clock, revisionOf } = this.#deps;
    const { namespace } = batch.metadata;
    return viewBatch({
      batch,
      group,
      nodes: cluster.streamNodes.cache.byIndex("nodeGroup", `${namespace}/${batch.spec.group}`),
      launchConfig: cluster.launchConfigs.cache.get(`${namespace}/${batch.spec.launch.launchConfig}`),
      scalePolicy: cluster.scalePolicies.cache.get(`${namespace}/${group.spec.scalePolicyRef.name}`),
      revisionOf,
      now: clock.now(),
    });
  }

  /** The group that decided it; a group of the same name made later is another. */
  async #groupOf(batch: LaunchBatch, signal: AbortSignal): Promise<NodeGroup | undefined> {
    const { namespace } = batch.metadata;
    const group = await this.#deps.cluster.nodeGroups.client.get({ namespace, name: batch.spec.group }, signal);
    const owner = batch.metadata.ownerReferences?.find(({ kind }) => kind === "NodeGroup");
    return group?.metadata.uid === owner?.uid ? group : undefined;
  }

  /** Creates the StreamNodes of open slots and answers the slots that another node holds. */
  async #ensureNodes(batch: LaunchBatch, group: NodeGroup, signal: AbortSignal): Promise<readonly number[]> {
    if (group.metadata.deletionTimestamp !== undefined) return [];
    const { cluster, leadership } = this.#deps;
    const taken: number[] = [];
    for (const slot of openSlotsOf(batch)) {
      const key = keyText({
        namespace: batch.metadata.namespace,
        name: slotName(batch.spec.group, batch.spec.role, slot),
      });
      if (isOfBatch(cluster.streamNodes.cache.get(key), batch)) continue;
      assertLeading(leadership);
      const created = await cluster.streamNodes.client.create(draftOf(batch, group, slot), signal);
      if (created.kind === "AlreadyExists" && !isOfBatch(await this.#node(batch, slot, signal), batch))
        taken.push(slot);
    }
    return taken;
  }

  #node(batch: LaunchBatch, slot: number, signal: AbortSignal): Promise<StreamNode | undefined> {
    const name = slotName(batch.spec.group, batch.spec.role, slot);
    return this.#deps.cluster.streamNodes.client.get({ namespace: batch.metadata.namespace, name }, signal);
  }

  #apply(batch: LaunchBatch, group: NodeGroup, step: LaunchStep, signal: AbortSignal): Promise<ReconcileResult> {
    switch (step.kind) {
      case "Send":
        return this.#send(batch, group, step.attempt, signal);
      case "Start":
        return this.#commit(batch, step.number, step.slots, signal);
      case "Abandon":
        return this.#abandon(batch, group, step, signal);
      case "Wait":
        return this.#wait(
          batch,
          `waits until ${toRfc3339(step.until)} after ${step.lastError}`,
          step.until - this.#deps.clock.now(),
          signal,
        );
      case "Held":
        return this.#report(batch, {}, incomplete("Paused", "the group is paused: nothing is launched"), signal);
      case "Complete":
        return this.#settle(batch, [], signal);
      default:
        return assertNever(step);
    }
  }

  /** Commits the call before it is sent: of two leaders only one can write this attempt. */
  async #commit(
    batch: LaunchBatch,
    number: number,
    slots: readonly number[],
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { clock, keys, leadership } = this.#deps;
    assertLeading(leadership);
    const attempt: LaunchAttempt = {
      number,
      token: attemptToken(batch.metadata.uid, number),
      slots: [...slots],
      keyId: keys.current.id,
      startedAt: toRfc3339(clock.now()),
      outcome: "Pending",
    };
    const attempts = keepNewest([...(batch.status?.attempts ?? []), attempt], mostAttempts);
    const condition = incomplete("Launching", `attempt ${number} asks for ${slots.length} machines`);
    await this.#report(batch, { attempts }, condition, signal);
    return requeueAfter(0, "the attempt is committed");
  }

  async #send(
    batch: LaunchBatch,
    group: NodeGroup,
    attempt: LaunchAttempt,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { clouds, keys, leadership, settings } = this.#deps;
    const { platform: name } = batch.spec.launch;
    const cloud = clouds.get(name);
    if (cloud === undefined)
      return this.#wait(batch, `platform ${name} is not available in this operator`, 60_000, signal);
    const key = keys.find(attempt.keyId);
    // The call would be another with another key, so it is closed as refused and sent anew under the current one.
    if (key === undefined)
      return this.#refused(
        batch,
        group,
        attempt,
        { kind: "InvalidRequest", message: "its key is no longer valid" },
        signal,
      );
    assertLeading(leadership);
    const answer = await cloud.platform.launch(launchRequest(settings, batch, attempt, key), signal);
    if (answer.ok) {
      cloud.inventory.observe(answer.value);
      return this.#launched(batch, group, attempt, answer.value, signal);
    }
    if (isDefinite(answer.error.kind)) return this.#refused(batch, group, attempt, answer.error, signal);
    return this.#sendAgain(batch, group, attempt, answer.error, signal);
  }

  /** Gives each machine to its slot, the node first: what is recorded as launched has its node. */
  async #launched(
    batch: LaunchBatch,
    group: NodeGroup,
    attempt: LaunchAttempt,
    machines: readonly Machine[],
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const members: Members = [];
    for (const machine of machines) {
      const slot = attempt.slots[machine.launchIndex];
      if (slot === undefined)
        throw new Error(
          `machine ${machine.providerId} has launch index ${machine.launchIndex} of ${attempt.slots.length}`,
        );
      await this.#give(batch, group, slot, machine.providerId, signal);
      members.push({ slot, providerId: machine.providerId, outcome: "Launched" });
    }
    this.#deps.logger.info("launched machines", {
      batch: batch.metadata.name,
      attempt: attempt.number,
      machines: machines.length,
    });
    const ended = answered(attempt, machines.length, toRfc3339(this.#deps.clock.now()));
    return this.#settle(batch, members, signal, replaceAttempt(batch, ended));
  }

  async #give(
    batch: LaunchBatch,
    group: NodeGroup,
    slot: number,
    providerId: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client } = this.#deps.cluster.streamNodes;
    const node = await this.#node(batch, slot, signal);
    if (node === undefined) {
      // Its finalizer was removed by force; the machine exists and must have a node that can end it.
      await client.create(draftOf(batch, group, slot, providerId), signal);
      return;
    }
    if (node.spec.providerId === providerId) return;
    const given = await client.patch(node, { spec: { providerId } }, signal);
    if (given.kind === "Conflict") return this.#give(batch, group, slot, providerId, signal);
  }

  async #refused(
    batch: LaunchBatch,
    group: NodeGroup,
    attempt: LaunchAttempt,
    error: PlatformError,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { logger, clock } = this.#deps;
    logger.error("launch was refused", {
      batch: batch.metadata.name,
      attempt: attempt.number,
      kind: error.kind,
      reply: error.message,
    });
    const message = error.message.slice(0, 1_000);
    const ended = {
      ...attempt,
      outcome: "Failed",
      error: error.kind,
      message,
      endedAt: toRfc3339(clock.now()),
    } as const;
    const condition = incomplete("AwaitingRetry", `attempt ${attempt.number} failed with ${error.kind}: ${message}`);
    await this.#report(batch, { attempts: replaceAttempt(batch, ended) }, condition, signal);
    this.#note(group, "LaunchFailed", `${batch.metadata.name}: ${error.kind}: ${message}`);
    return requeueAfter(0, "the attempt has ended");
  }

  async #sendAgain(
    batch: LaunchBatch,
    group: NodeGroup,
    attempt: LaunchAttempt,
    error: PlatformError,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const message = error.message.slice(0, 1_000);
    const pending = { ...attempt, error: error.kind, message };
    const condition = incomplete(
      "AwaitingRetry",
      `attempt ${attempt.number} is sent again after ${error.kind}: ${message}`,
    );
    if (attempt.error !== error.kind) {
      await this.#report(batch, { attempts: replaceAttempt(batch, pending) }, condition, signal);
      this.#note(group, "LaunchFailed", `${batch.metadata.name}: ${error.kind}: ${message}`);
    }
    const waitMs = error.kind === "Throttled" ? (error.retryAfterMs ?? sendAgainMs) : sendAgainMs;
    return requeueAfter(waitMs, `the outcome of the launch is not known: ${error.kind}`);
  }

  async #abandon(
    batch: LaunchBatch,
    group: NodeGroup,
    step: Extract<LaunchStep, { kind: "Abandon" }>,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { logger } = this.#deps;
    logger.info("abandoned slots", { batch: batch.metadata.name, slots: formatSlots(step.slots), reason: step.reason });
    if (step.reason !== "Deleting")
      this.#note(
        group,
        "LaunchAbandoned",
        `${batch.metadata.name}: slots ${formatSlots(step.slots)}: ${inWords[step.reason]}`,
      );
    return this.#settle(
      batch,
      step.slots.map((slot) => ({ slot, outcome: "Abandoned" })),
      signal,
    );
  }

  /** Adds settled slots and says what the batch has come to. */
  async #settle(
    batch: LaunchBatch,
    members: Members,
    signal: AbortSignal,
    attempts?: readonly LaunchAttempt[],
  ): Promise<ReconcileResult> {
    const known = (batch.status?.members ?? []).filter(({ slot }) => !members.some((member) => member.slot === slot));
    const all = [...known, ...members].sort((a, b) => a.slot - b.slot);
    const status = { members: all, ...(attempts !== undefined && { attempts }) };
    return this.#report(batch, status, completion(batch, all), signal);
  }

  async #wait(batch: LaunchBatch, message: string, ms: number, signal: AbortSignal): Promise<ReconcileResult> {
    await this.#report(batch, {}, incomplete("AwaitingRetry", message), signal);
    return requeueAfter(Math.max(0, ms), message);
  }

  async #report(
    batch: LaunchBatch,
    changes: Readonly<Record<string, unknown>>,
    condition: Update,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const { cluster, clock } = this.#deps;
    const members = (changes["members"] as Members | undefined) ?? batch.status?.members ?? [];
    const status = {
      observedGeneration: batch.metadata.generation ?? 0,
      slots: formatSlots(batch.spec.slots),
      launched: members.filter(({ outcome }) => outcome === "Launched").length,
      ...changes,
      conditions: withCondition(batch.status?.conditions ?? [], condition, clock.now()),
    };
    const written = await writeStatus(cluster.launchBatches.client, batch, status, signal);
    if (written.kind === "Conflict") return requeueAfter(20, "it has changed meanwhile");
    if (written.kind === "NotFound" || condition.status === "True") return done;
    return requeueAfter(condition.reason === "Launching" ? 0 : lookAgainMs, condition.message);
  }

  #note(group: NodeGroup, reason: string, message: string): void {
    this.#deps.events.record(
      { apiVersion, kind: "NodeGroup", metadata: group.metadata },
      { type: "Warning", reason, message },
    );
  }
}

const inWords: Readonly<Record<AbandonReason, string>> = {
  Deleting: "the group is being deleted",
  NodeDeleted: "the node was deleted before its machine was launched",
  LaunchConfigChanged: "the launch config has changed since; the next batch takes the new one",
  MaximumReached: "the maximum leaves no room for them",
};

function isSettled(batch: LaunchBatch | undefined): boolean {
  return batch?.status?.conditions?.some(({ type, status }) => type === "Complete" && status === "True") === true;
}

function openSlotsOf({ spec, status }: LaunchBatch): readonly number[] {
  return spec.slots.filter((slot) => !status?.members?.some((member) => member.slot === slot));
}

function isOfBatch(node: StreamNode | undefined, batch: LaunchBatch): boolean {
  return node !== undefined && node.spec.batchUid === batch.metadata.uid;
}

function draftOf(batch: LaunchBatch, group: NodeGroup, slot: number, providerId?: string) {
  const { role, region, slots } = batch.spec;
  return streamNodeDraft({
    group,
    role,
    slot,
    region,
    batch: batch.metadata.name,
    batchUid: batch.metadata.uid,
    index: slots.indexOf(slot),
    launch: nodeLaunch(batch),
    ...(providerId !== undefined && { providerId }),
  });
}

function nodeLaunch({ spec }: LaunchBatch): NodeLaunch {
  const { launchConfig, revision, platform, image, instanceType, connectionCapacity, registrationTimeoutSeconds } =
    spec.launch;
  return { launchConfig, revision, platform, image, instanceType, connectionCapacity, registrationTimeoutSeconds };
}

function replaceAttempt(batch: LaunchBatch, attempt: LaunchAttempt): readonly LaunchAttempt[] {
  return (batch.status?.attempts ?? []).map((known) => (known.number === attempt.number ? attempt : known));
}

/** The attempt with its answer; what came of it in the end counts, not the tries in between. */
function answered(attempt: LaunchAttempt, launched: number, endedAt: string): LaunchAttempt {
  const { number, token, slots, keyId, startedAt } = attempt;
  return { number, token, slots, keyId, startedAt, outcome: "Launched", launched, endedAt };
}

function incomplete(reason: Update["reason"], message: string): Update {
  return { type: "Complete", status: "False", reason, message };
}

function completion({ spec }: LaunchBatch, members: Members): Update {
  const launched = members.filter(({ outcome }) => outcome === "Launched").length;
  const message = `${launched} of ${spec.slots.length} machines launched`;
  if (members.length < spec.slots.length) return incomplete("Launching", message);
  const reason = launched === spec.slots.length ? "AllLaunched" : launched > 0 ? "PartlyLaunched" : "NoneLaunched";
  return { type: "Complete", status: "True", reason, message };
}
