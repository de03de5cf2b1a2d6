/** One attempt of a batch: committed, sent, and closed with its answer. Only this file calls the cloud to launch. */
import type { LaunchAttempt, LaunchBatch } from "../../crds/launch-batch.ts";
import { apiVersion } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { isDefinite, keepNewest } from "../../domain/launch/launch-step.ts";
import type { Machine } from "../../domain/node/machine.ts";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { addMs, type Instant, toRfc3339 } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import { sleep } from "../../runtime/clock.ts";
import type { EventRecorder } from "../../runtime/events.ts";
import type { KeyRing } from "../../runtime/key-ring.ts";
import { type ReconcileResult, requeueAfter, type ReconcileContext } from "../../runtime/reconciler.ts";
import type { PlatformResult } from "../../platforms/platform.ts";
import type { Clouds } from "../../fleet/clouds.ts";
import { attemptsOf, attemptToken } from "../../fleet/committed-attempts.ts";
import { assertLeading, type Leadership } from "../../fleet/leadership.ts";
import { type BatchReport, incomplete, type Members } from "./report.ts";
import { launchRequest, type LaunchSettings } from "./request.ts";
import type { Launching, Placement, SlotHolders, SlotNodes } from "./slot-nodes.ts";

export interface AttemptsDeps {
  readonly clouds: Clouds;
  readonly leadership: Leadership;
  readonly keys: Pick<KeyRing, "current" | "find">;
  readonly settings: LaunchSettings;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "record">;
}

const mostAttempts = 16;
/** How soon (ms) a call whose outcome is not known is sent again. */
const sendAgainMs = 5_000;
const noPlatformMs = 60_000;
/** How long (ms) a call has to leave, or to be answered, before nodes are made beside it. */
const headStartMs = 10;

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

  sendAgainAt(batch: LaunchBatch): Instant | undefined {
    return this.#sendAgainAt.get(attemptsOf(batch).at(-1)?.token ?? "");
  }

  /** Commits a later attempt (the first is created with its batch) before it is sent: of two leaders only one can write it. */
  async commit(
    { batch }: Launching,
    { number, slots }: Pick<LaunchAttempt, "number"> & { readonly slots: readonly number[] },
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { clock, keys, leadership, settings } = this.#deps;
    assertLeading(leadership);
    const attempt: LaunchAttempt = {
      number,
      token: attemptToken(batch, number),
      slots: [...slots],
      keyId: keys.current.id,
      clusterId: settings.clusterId,
      apiUrl: settings.apiUrl,
      startedAt: toRfc3339(clock.now()),
      outcome: "Pending",
    };
    const attempts = keepNewest([...attemptsOf(batch), attempt], mostAttempts);
    const condition = incomplete("Launching", `attempt ${number} asks for ${slots.length} machines`);
    return this.#report.write(batch, { attempts }, condition, context);
  }

  async send(launching: Launching, attempt: LaunchAttempt, context: ReconcileContext): Promise<ReconcileResult> {
    const { batch } = launching;
    const { clouds, keys, leadership } = this.#deps;
    const { platform: name } = batch.spec.launch;
    const cloud = clouds.get(name);
    if (cloud === undefined) {
      return this.#report.wait(batch, `platform ${name} is not available in this operator`, noPlatformMs, context);
    }
    const key = keys.find(attempt.keyId);
    // The call would be another with another key, so it is closed as refused and sent anew under the current one.
    if (key === undefined) return this.#refused(launching, attempt, keyExpired, context);
    assertLeading(leadership);
    const call = cloud.platform.launch(launchRequest(batch, attempt, key), context.signal);
    const { answer, holders } = await this.#makeNodesDuring(call, launching, attempt, context);
    if (!answer.ok && !isDefinite(answer.error.kind)) {
      return this.#unanswered(launching, attempt, answer.error, context);
    }
    this.#sendAgainAt.delete(attempt.token);
    if (!answer.ok) return this.#refused(launching, attempt, answer.error, context);
    cloud.inventory.observe(answer.value);
    return this.#launched(launching, attempt, { machines: answer.value, holders }, context);
  }

  /** Waits for the answer. The nodes of the slots are made meanwhile: the call is under way, and making them does not hold it up. */
  async #makeNodesDuring(
    call: PlatformResult<readonly Machine[]>,
    launching: Launching,
    attempt: LaunchAttempt,
    context: ReconcileContext,
  ): Promise<Called> {
    const machines = new Map<number | undefined, string>();
    const answering = call.then((answer) => {
      for (const { launchIndex, providerId } of answer.ok ? answer.value : [])
        machines.set(attempt.slots[launchIndex], providerId);
      return answer;
    });
    const making = this.#makeNodes(
      launching,
      attempt,
      { answered: answering, machineOf: (slot) => machines.get(slot) },
      context,
    );
    const [answer, made] = await Promise.allSettled([answering, making]);
    if (answer.status === "rejected") throw answer.reason;
    // What could not be made is made when it is given its machine, or fails there once more.
    return { answer: answer.value, holders: made.status === "fulfilled" ? made.value : new Map() };
  }

  /** Nothing is made for a batch or a group that is about to go. */
  async #makeNodes(
    launching: Launching,
    { slots }: LaunchAttempt,
    { answered, machineOf }: CallUnderWay,
    context: ReconcileContext,
  ): Promise<SlotHolders> {
    const { batch, group } = launching;
    if (group.metadata.deletionTimestamp !== undefined || batch.metadata.deletionTimestamp !== undefined)
      return new Map();
    await headStart(this.#deps.clock, answered);
    return this.#nodes.make(launching, slots, machineOf, context.signal);
  }

  /** Gives each machine to its slot, the node first: what is recorded as launched has its node. */
  async #launched(
    launching: Launching,
    attempt: LaunchAttempt,
    { machines, holders }: { readonly machines: readonly Machine[]; readonly holders: SlotHolders },
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { batch } = launching;
    const placements = machines.map((machine) => placementOf(machine, attempt));
    const givings = await this.#nodes.giveAll(launching, placements, holders, context.signal);
    const members: Members = placements.map(({ slot }, place) => {
      const giving = givings[place];
      return giving?.kind === "Given"
        ? { slot, providerId: giving.providerId, outcome: "Launched" }
        : { slot, outcome: "Taken" };
    });
    const { clock } = this.#deps;
    const fields = { batch: batch.metadata.name, attempt: attempt.number, machines: machines.length };
    context.logger.info("launched machines", fields);
    const ended = answered(attempt, machines.length, toRfc3339(clock.now()));
    return this.#report.settle(batch, members, context, withAttempt(batch, ended));
  }

  async #refused(
    { batch, group }: Launching,
    attempt: LaunchAttempt,
    error: PlatformError,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { clock } = this.#deps;
    const { kind, message: reply } = error;
    context.logger.error("launch was refused", { batch: batch.metadata.name, attempt: attempt.number, kind, reply });
    const message = reply.slice(0, 1_000);
    const endedAt = toRfc3339(clock.now());
    const ended: LaunchAttempt = { ...attempt, outcome: "Failed", error: kind, message, endedAt };
    const condition = incomplete("AwaitingRetry", `attempt ${attempt.number} failed with ${kind}: ${message}`);
    await this.#report.write(batch, { attempts: withAttempt(batch, ended) }, condition, context);
    this.#note(group, `${batch.metadata.name}: ${kind}: ${message}`);
    return requeueAfter(0, "the attempt has ended");
  }

  /** Nobody knows what came of the call: the same call is sent again, later. */
  async #unanswered(
    { batch, group }: Launching,
    attempt: LaunchAttempt,
    error: PlatformError,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { kind } = error;
    const message = error.message.slice(0, 1_000);
    const waitMs = error.kind === "Throttled" ? (error.retryAfterMs ?? sendAgainMs) : sendAgainMs;
    this.#sendAgainAt.set(attempt.token, addMs(this.#deps.clock.now(), waitMs));
    if (attempt.error !== kind) {
      const words = `attempt ${attempt.number} is sent again after ${kind}: ${message}`;
      const attempts = withAttempt(batch, { ...attempt, error: kind, message });
      await this.#report.write(batch, { attempts }, incomplete("AwaitingRetry", words), context);
      this.#note(group, `${batch.metadata.name}: ${kind}: ${message}`);
    }
    return requeueAfter(waitMs, `the outcome of the launch is not known: ${kind}`);
  }

  #note({ metadata }: NodeGroup, message: string): void {
    const subject = { apiVersion, kind: "NodeGroup", metadata };
    this.#deps.events.record(subject, { type: "Warning", reason: "LaunchFailed", message });
  }
}

/** What a call has come to, and the nodes that were made meanwhile. */
interface Called {
  readonly answer: Awaited<PlatformResult<readonly Machine[]>>;
  readonly holders: SlotHolders;
}

interface CallUnderWay {
  readonly answered: PlatformResult<readonly Machine[]>;
  /** The machine of a slot, once it has been answered. */
  readonly machineOf: (slot: number) => string | undefined;
}

/**
 * Resolves once the call has ended, or has had time to leave the process. After a quick answer each node is made with its
 * machine, in one write.
 */
async function headStart(clock: Clock, call: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  call.then(end, end);
  await sleep(clock, headStartMs, ended.signal);
}

function placementOf({ providerId, launchIndex }: Machine, { slots }: LaunchAttempt): Placement {
  const slot = slots[launchIndex];
  if (slot === undefined) throw new Error(`machine ${providerId} has launch index ${launchIndex} of ${slots.length}`);
  return { slot, providerId };
}

const keyExpired: PlatformError = { kind: "InvalidRequest", message: "its key is no longer valid" };

function withAttempt(batch: LaunchBatch, attempt: LaunchAttempt): readonly LaunchAttempt[] {
  return attemptsOf(batch).map((known) => (known.number === attempt.number ? attempt : known));
}

/** The attempt with its answer; what came of it in the end counts, not the tries in between. */
function answered(attempt: LaunchAttempt, launched: number, endedAt: string): LaunchAttempt {
  const { number, token, slots, keyId, clusterId, apiUrl, startedAt } = attempt;
  return { number, token, slots, keyId, clusterId, apiUrl, startedAt, outcome: "Launched", launched, endedAt };
}
