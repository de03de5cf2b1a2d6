/** One attempt of a batch: committed, sent, and closed with its answer. Only this file calls the cloud to launch. */
import type { LaunchAttempt, LaunchBatch } from "../../crds/launch-batch.ts";
import { apiVersion } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { isDefinite, keepNewest } from "../../domain/launch.ts";
import type { Machine } from "../../domain/machine.ts";
import type { PlatformError } from "../../domain/platform-error.ts";
import { addMs, type Clock, type Instant, toRfc3339 } from "../../domain/time.ts";
import type { EventRecorder } from "../../runtime/events.ts";
import type { KeyRing } from "../../runtime/key-ring.ts";
import { type ReconcileResult, requeueAfter, type Turn } from "../../runtime/reconciler.ts";
import type { Clouds } from "../clouds.ts";
import { assertLeading, type Leadership } from "../leadership.ts";
import { type BatchReport, incomplete, type Members } from "./batch-report.ts";
import { attemptToken, launchRequest, type LaunchSettings } from "./request.ts";
import type { SlotNodes } from "./slot-nodes.ts";

export interface AttemptsDeps {
  readonly clouds: Clouds;
  readonly leadership: Leadership;
  readonly keys: Pick<KeyRing, "current" | "find">;
  readonly settings: LaunchSettings;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "record">;
}

/** A batch with the group that decided it. */
export interface Launching {
  readonly batch: LaunchBatch;
  readonly group: NodeGroup;
}

const mostAttempts = 16;
/** How soon (ms) a call whose outcome is not known is sent again. */
const sendAgainMs = 5_000;
const noPlatformMs = 60_000;

export class Attempts {
  readonly #deps: AttemptsDeps;
  readonly #nodes: SlotNodes;
  readonly #report: BatchReport;
  /** When a call without an answer may be sent again, by token. Forgotten by a restart, which sends it at once. */
  readonly #sendAgainAt = new Map<string, Instant>();

  constructor(deps: AttemptsDeps, nodes: SlotNodes, report: BatchReport) {
    this.#deps = deps;
    this.#nodes = nodes;
    this.#report = report;
  }

  sendAgainAt({ status }: LaunchBatch): Instant | undefined {
    return this.#sendAgainAt.get(status?.attempts?.at(-1)?.token ?? "");
  }

  /** Commits the call before it is sent: of two leaders only one can write this attempt. */
  async commit(
    { batch }: Launching,
    { number, slots }: Pick<LaunchAttempt, "number"> & { readonly slots: readonly number[] },
    turn: Turn,
  ): Promise<ReconcileResult> {
    const { clock, keys, leadership, settings } = this.#deps;
    assertLeading(leadership);
    const attempt: LaunchAttempt = {
      number,
      token: attemptToken(batch.metadata.uid, number),
      slots: [...slots],
      keyId: keys.current.id,
      clusterId: settings.clusterId,
      apiUrl: settings.apiUrl,
      startedAt: toRfc3339(clock.now()),
      outcome: "Pending",
    };
    const attempts = keepNewest([...(batch.status?.attempts ?? []), attempt], mostAttempts);
    const condition = incomplete("Launching", `attempt ${number} asks for ${slots.length} machines`);
    return this.#report.write(batch, { attempts }, condition, turn);
  }

  async send(launching: Launching, attempt: LaunchAttempt, turn: Turn): Promise<ReconcileResult> {
    const { batch } = launching;
    const { clouds, keys, leadership } = this.#deps;
    const { platform: name } = batch.spec.launch;
    const cloud = clouds.get(name);
    if (cloud === undefined) {
      return this.#report.wait(batch, `platform ${name} is not available in this operator`, noPlatformMs, turn);
    }
    const key = keys.find(attempt.keyId);
    // The call would be another with another key, so it is closed as refused and sent anew under the current one.
    if (key === undefined) return this.#refused(launching, attempt, keyExpired, turn);
    assertLeading(leadership);
    const answer = await cloud.platform.launch(launchRequest(batch, attempt, key), turn.signal);
    if (!answer.ok && !isDefinite(answer.error.kind)) {
      return this.#unanswered(launching, attempt, answer.error, turn);
    }
    this.#sendAgainAt.delete(attempt.token);
    if (!answer.ok) return this.#refused(launching, attempt, answer.error, turn);
    cloud.inventory.observe(answer.value);
    return this.#launched(launching, attempt, answer.value, turn);
  }

  /** Gives each machine to its slot, the node first: what is recorded as launched has its node. */
  async #launched(
    { batch, group }: Launching,
    attempt: LaunchAttempt,
    machines: readonly Machine[],
    turn: Turn,
  ): Promise<ReconcileResult> {
    const members: Members = [];
    for (const { providerId, launchIndex } of machines) {
      const slot = attempt.slots[launchIndex];
      if (slot === undefined) {
        throw new Error(`machine ${providerId} has launch index ${launchIndex} of ${attempt.slots.length}`);
      }
      await this.#nodes.give(batch, group, { slot, providerId }, turn.signal);
      members.push({ slot, providerId, outcome: "Launched" });
    }
    const { clock } = this.#deps;
    const fields = { batch: batch.metadata.name, attempt: attempt.number, machines: machines.length };
    turn.logger.info("launched machines", fields);
    const ended = answered(attempt, machines.length, toRfc3339(clock.now()));
    return this.#report.settle(batch, members, turn, withAttempt(batch, ended));
  }

  async #refused(
    { batch, group }: Launching,
    attempt: LaunchAttempt,
    error: PlatformError,
    turn: Turn,
  ): Promise<ReconcileResult> {
    const { clock } = this.#deps;
    const { kind, message: reply } = error;
    turn.logger.error("launch was refused", { batch: batch.metadata.name, attempt: attempt.number, kind, reply });
    const message = reply.slice(0, 1_000);
    const endedAt = toRfc3339(clock.now());
    const ended: LaunchAttempt = { ...attempt, outcome: "Failed", error: kind, message, endedAt };
    const condition = incomplete("AwaitingRetry", `attempt ${attempt.number} failed with ${kind}: ${message}`);
    await this.#report.write(batch, { attempts: withAttempt(batch, ended) }, condition, turn);
    this.#note(group, `${batch.metadata.name}: ${kind}: ${message}`);
    return requeueAfter(0, "the attempt has ended");
  }

  /** Nobody knows what came of the call: the same call is sent again, later. */
  async #unanswered(
    { batch, group }: Launching,
    attempt: LaunchAttempt,
    error: PlatformError,
    turn: Turn,
  ): Promise<ReconcileResult> {
    const { kind } = error;
    const message = error.message.slice(0, 1_000);
    const waitMs = error.kind === "Throttled" ? (error.retryAfterMs ?? sendAgainMs) : sendAgainMs;
    this.#sendAgainAt.set(attempt.token, addMs(this.#deps.clock.now(), waitMs));
    if (attempt.error !== kind) {
      const words = `attempt ${attempt.number} is sent again after ${kind}: ${message}`;
      const attempts = withAttempt(batch, { ...attempt, error: kind, message });
      await this.#report.write(batch, { attempts }, incomplete("AwaitingRetry", words), turn);
      this.#note(group, `${batch.metadata.name}: ${kind}: ${message}`);
    }
    return requeueAfter(waitMs, `the outcome of the launch is not known: ${kind}`);
  }

  #note({ metadata }: NodeGroup, message: string): void {
    const subject = { apiVersion, kind: "NodeGroup", metadata };
    this.#deps.events.record(subject, { type: "Warning", reason: "LaunchFailed", message });
  }
}

const keyExpired: PlatformError = { kind: "InvalidRequest", message: "its key is no longer valid" };

function withAttempt(batch: LaunchBatch, attempt: LaunchAttempt): readonly LaunchAttempt[] {
  return (batch.status?.attempts ?? []).map((known) => (known.number === attempt.number ? attempt : known));
}

/** The attempt with its answer; what came of it in the end counts, not the tries in between. */
function answered(attempt: LaunchAttempt, launched: number, endedAt: string): LaunchAttempt {
  const { number, token, slots, keyId, clusterId, apiUrl, startedAt } = attempt;
  return { number, token, slots, keyId, clusterId, apiUrl, startedAt, outcome: "Launched", launched, endedAt };
}
