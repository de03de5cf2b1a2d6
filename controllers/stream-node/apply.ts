/** Carries out the next step of a StreamNode, at most one call to the cloud, and says when to look again. */
import { finalizers } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { UpdateOf } from "../../domain/conditions.ts";
import { type NodeStep, type NodeView, wakeAt } from "../../domain/node/lifecycle.ts";
import type { Cloud, Clouds } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { assertLeading, type Leadership } from "../../fleet/leadership.ts";
import { changedMs } from "../../fleet/status-writer.ts";
import type { ReadResult } from "../../platforms/machine-reader.ts";
import { type BackOff, backOffMs } from "../../runtime/back-off.ts";
import { done, keyText, type ReconcileContext, type ReconcileResult, requeueAfter } from "../../runtime/reconciler.ts";
import type { Claims } from "./claims.ts";
import type { NodeMemory } from "./memory.ts";
import type { LifeEnd, LifeReport, LifeReportDeps } from "./report.ts";

export interface NodeApplyDeps extends LifeReportDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly leadership: Leadership;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** A report older than this (ms) is not fresh: a few report intervals. */
  readonly freshMs: number;
}

/** How soon (ms) to look again while the cloud has the next word. */
const lookAgainMs = 2_000;
const callFailedMs = 5_000;
const noPlatformMs = 60_000;
/** Waits (ms) while the cloud does not show the machine: thousands of nodes are not to ask for theirs every two seconds. */
const unseenBackOff: BackOff = { baseMs: lookAgainMs, capMs: 30_000 };

export class NodeApply {
  readonly #deps: NodeApplyDeps;
  readonly #claims: Claims;
  readonly #memory: NodeMemory;
  readonly #life: LifeReport;

  constructor(
    deps: NodeApplyDeps,
    { claims, memory, life }: { readonly claims: Claims; readonly memory: NodeMemory; readonly life: LifeReport },
  ) {
    this.#deps = deps;
    this.#claims = claims;
    this.#memory = memory;
    this.#life = life;
  }

  async step(node: StreamNode, view: NodeView, step: NodeStep, context: ReconcileContext): Promise<ReconcileResult> {
    switch (step.kind) {
      case "Terminate":
        return this.#terminate(node, view, step, context);
      case "Retire":
        return this.#retire(node, step, context);
      case "Remove":
        return this.#remove(node, view, step, context);
      case "Release":
        return this.#release(node, "MachineGone", context);
      case "LetGo":
        return this.#letGo(node, view, step, context);
      default:
        await this.#life.write(node, { view, step, termination: terminationOf(step) }, context);
        return this.#lookAgain(node, step, view);
    }
  }

  /** Makes the group the owner of its node again. */
  async takeBack(node: StreamNode, group: NodeGroup, context: ReconcileContext): Promise<ReconcileResult> {
    assertLeading(this.#deps.leadership);
    if (await this.#claims.takeBack(node, group, context.signal))
      context.logger.info("made the group the node's owner again");
    return requeueAfter(changedMs, "its owner has changed");
  }

  #lookAgain(node: StreamNode, step: NodeStep, view: NodeView): ReconcileResult {
    const { sighting } = view;
    const at = wakeAt(step);
    const readable = sighting.kind === "Seen" && sighting.machine.state !== "Unknown";
    if (!readable && step.kind !== "AwaitLaunch") return this.#lookLater(node, "the cloud has the next word");
    this.#memory.seen(node);
    if (isPolled(step)) return requeueAfter(lookAgainMs, step.kind);
    // Each report brings the key back; without one, what the last has said of the drain is soon old.
    if (view.drain !== undefined && view.report?.fresh === true) {
      return requeueAfter(this.#deps.freshMs, "the report of a draining node grows old");
    }
    return at === undefined ? done : requeueAfter(Math.max(1, at - this.#deps.clock.now()), step.kind);
  }

  /** Later each time, until the cloud shows the machine. */
  #lookLater(node: StreamNode, why: string): ReconcileResult {
    return requeueAfter(backOffMs(this.#memory.notSeen(node), this.#deps.random, unseenBackOff), why);
  }

  /**
   * Asks the cloud to terminate the machine, if its tags, read now, prove it to be this node's. The deletion timestamp is the
   * committed mark it follows from.
   */
  async #terminate(
    node: StreamNode,
    view: NodeView,
    step: Extract<NodeStep, { kind: "Terminate" }>,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { platform: name } = node.spec.launch;
    const cloud = this.#deps.clouds.get(name);
    if (cloud === undefined) {
      const termination = callFailed(`platform ${name} is not available in this operator`);
      await this.#life.write(node, { view, step, termination }, context);
      return requeueAfter(noPlatformMs, "the platform is not there");
    }
    const read = await cloud.inventory.read(node.spec.region, step.providerId);
    const title = await this.#claims.title(node, read.ok ? read.value : undefined, context.signal);
    if (title.kind === "LetGo") {
      const { reason, message } = title;
      return this.#letGo(node, { ...view, standing: title }, { kind: "LetGo", reason, message }, context);
    }
    if (title.kind === "Unread") {
      await this.#life.write(node, { view, step, termination: awaitingTags(read) }, context);
      return this.#lookLater(node, "the machine's tags cannot be read now");
    }
    return this.#callToTerminate(cloud, node, { view, step }, context);
  }

  async #callToTerminate(
    { platform }: Cloud,
    node: StreamNode,
    { view, step }: { readonly view: NodeView; readonly step: Extract<NodeStep, { kind: "Terminate" }> },
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { providerId } = step;
    assertLeading(this.#deps.leadership);
    const answer = await platform.terminate(node.spec.region, [providerId], context.signal);
    if (!answer.ok) {
      const { kind, message } = answer.error;
      context.logger.error("termination was refused", { machine: providerId, kind, reply: message });
      await this.#life.write(node, { view, step, termination: callFailed(`${kind}: ${message}`) }, context);
      return requeueAfter(callFailedMs, "the cloud refused the termination");
    }
    this.#memory.askedToTerminate(node, this.#deps.clock.now());
    context.logger.info("asked to terminate machine", { machine: providerId });
    await this.#life.write(node, { view, step, termination: terminationOf(step) }, context);
    return requeueAfter(lookAgainMs, "the machine is being terminated");
  }

  /**
   * Commits the end of a drained node: from its deletion on its machine is terminated. A registration or an undrain since
   * it was read makes a conflict, and all is looked at anew.
   */
  async #retire(
    node: StreamNode,
    step: Extract<NodeStep, { kind: "Retire" }>,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { cluster, leadership } = this.#deps;
    assertLeading(leadership);
    const deleted = await cluster.streamNodes.client.deleteUnchanged(node, context.signal);
    if (deleted.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    if (deleted.kind === "NotFound") return done;
    context.logger.info("retired node", { reason: step.reason, machine: node.spec.providerId });
    this.#life.drained(node, step.reason);
    return done;
  }

  /** The machine is gone, or will never be: the object follows it. */
  async #remove(
    node: StreamNode,
    view: NodeView,
    step: Extract<NodeStep, { kind: "Remove" }>,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { cluster, leadership } = this.#deps;
    assertLeading(leadership);
    if (step.reason === "MachineStopped") await this.#life.write(node, { view, step, termination: undefined }, context);
    // There is no machine to wait for: without its finalizer the object goes at once, and its slot is free again.
    else if ((await this.#release(node, step.reason, context)).kind !== "Done")
      return requeueAfter(changedMs, "it has changed meanwhile");
    const deleted = await cluster.streamNodes.client.delete(node, context.signal);
    if (deleted.kind !== "Deleted") return done;
    context.logger.info("removed node", { reason: step.reason, machine: node.spec.providerId });
    if (step.reason !== "LaunchAbandoned") this.#life.lost(node, step.reason);
    return done;
  }

  /** The StreamNode goes, and its machine is left as it is: whoever it belongs to will know it, or nobody ends it. */
  async #letGo(
    node: StreamNode,
    view: NodeView,
    step: Extract<NodeStep, { kind: "LetGo" }>,
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const { cluster, leadership } = this.#deps;
    assertLeading(leadership);
    const shown = await this.#life.write(node, { view, step, termination: undefined }, context);
    if (shown === undefined) return requeueAfter(changedMs, "it has changed meanwhile");
    context.logger.info("let node go", { reason: step.reason, machine: node.spec.providerId });
    const released = await this.#release(shown, "LetGo", context);
    if (released.kind === "Done" && node.metadata.deletionTimestamp === undefined)
      await cluster.streamNodes.client.delete(shown, context.signal);
    return released;
  }

  /** There is nothing to end for it any more: history is closed and the object may go. */
  async #release(node: StreamNode, reason: LifeEnd, context: ReconcileContext): Promise<ReconcileResult> {
    const { cluster } = this.#deps;
    const released = await cluster.streamNodes.client.removeFinalizer(node, finalizers.machine, context.signal);
    if (released.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    this.#life.closed(node, reason);
    this.#memory.forget(keyText(node.metadata));
    context.logger.info("released node", { reason, machine: node.spec.providerId });
    return done;
  }
}

/** What ends without an event: the cloud's work, a batch's, and a pause that runs out. */
function isPolled({ kind }: NodeStep): boolean {
  return kind === "AwaitTermination" || kind === "AwaitBatch" || kind === "HoldTermination";
}

function terminationOf(step: NodeStep): UpdateOf<"StreamNode"> | undefined {
  const type = "Terminated";
  switch (step.kind) {
    case "Terminate":
    case "AwaitTermination":
      return {
        type,
        status: "False",
        reason: "AwaitingCloud",
        message: "the cloud has been asked to terminate the machine",
      };
    case "AwaitBatch":
      return {
        type,
        status: "False",
        reason: "AwaitingBatch",
        message: "the launch is settled first, so that no machine is left behind",
      };
    case "HoldTermination":
      return { type, status: "False", reason: "Paused", message: "the group is paused: nothing is terminated" };
    default:
      return undefined;
  }
}

function awaitingTags(read: ReadResult): UpdateOf<"StreamNode"> {
  const why = read.ok ? "" : `: ${read.error.kind}: ${read.error.message.slice(0, 1_000)}`;
  const message = `the machine is not terminated before its tags have been read${why}`;
  return { type: "Terminated", status: "False", reason: "AwaitingTags", message };
}

function callFailed(message: string): UpdateOf<"StreamNode"> {
  return { type: "Terminated", status: "False", reason: "CallFailed", message: message.slice(0, 1_000) };
}
