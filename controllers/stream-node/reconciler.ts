/** StreamNode: one machine's whole life, from its launch to the cloud's word that it is gone. */
import { finalizers } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { UpdateOf } from "../../domain/conditions.ts";
import type { Sighting } from "../../domain/node/evidence.ts";
import { FirstSeen } from "../../domain/first-seen.ts";
import { nextStep, type NodeStep, type NodeView, wakeAt } from "../../domain/node/lifecycle.ts";
import type { LoadFeed } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { type BackOff, backOffMs } from "../../runtime/back-off.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import type { ReadResult } from "../../platforms/machine-reader.ts";
import { type Clouds, sightingOf } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index, parentsKey } from "../../fleet/indexes.ts";
import { assertLeading, type Leadership } from "../../fleet/leadership.ts";
import type { ReportFaults } from "../../fleet/report-faults.ts";
import { changedMs } from "../../fleet/status-writer.ts";
import { Claims, type ClaimsDeps, isLost } from "./claims.ts";
import { type LifeEnd, LifeReport, type LifeReportDeps } from "./report.ts";
import { type NodeSurroundings, viewNode } from "./observe.ts";

export interface StreamNodeDeps extends LifeReportDeps, ClaimsDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly feed: Pick<LoadFeed, "latest">;
  readonly faults: Pick<ReportFaults, "ofNode">;
  readonly leadership: Leadership;
  /** What the wall clock says, for what people set; absent: as `clock` does. */
  readonly wall?: () => Instant;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** A report older than this (ms) is not fresh: a few report intervals. */
  readonly freshMs: number;
}

/** How soon (ms) to look again while the cloud has the next word. */
const lookAgainMs = 2_000;
const callFailedMs = 5_000;
/** Waits (ms) while the cloud does not show the machine: thousands of nodes are not to ask for theirs every two seconds. */
const unseenBackOff: BackOff = { baseMs: lookAgainMs, capMs: 30_000 };

export class StreamNodeReconciler implements Reconciler {
  readonly name = "stream-node";
  readonly #deps: StreamNodeDeps;
  /** When the cloud was last asked to terminate, by key, and for which UID. Forgotten by a restart, which asks again. */
  readonly #asked = new Map<string, { readonly uid: string; readonly at: Instant }>();
  /** Looks in a row at which the cloud did not show the machine, by key. */
  readonly #unseen = new Map<string, number>();
  readonly #launched = new FirstSeen();
  readonly #life: LifeReport;
  readonly #claims: Claims;

  constructor(deps: StreamNodeDeps) {
    this.#deps = deps;
    this.#claims = new Claims(deps);
    this.#life = new LifeReport(deps);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const { cluster, clock } = this.#deps;
    const node = cluster.streamNodes.cache.get(keyText(key));
    if (node === undefined) {
      this.#unseen.delete(keyText(key));
      this.#asked.delete(keyText(key));
      return done;
    }
    const sighting = await this.#sighting(node);
    const seen = sighting.kind === "Seen" ? sighting.machine : undefined;
    const { group, standing } = await this.#claims.judge(node, seen, context.signal);
    if (standing.kind !== "LetGo" && group !== undefined && isLost(node, group))
      return this.#takeBack(node, group, context);
    const view = await this.#observe(node, { group, standing, sighting }, context);
    const step = nextStep(view, clock.now());
    return this.#apply(node, view, step, context);
  }

  async #observe(
    node: StreamNode,
    { group, standing, sighting }: Pick<NodeSurroundings, "group" | "standing" | "sighting">,
    context: ReconcileContext,
  ): Promise<NodeView> {
    const { cluster, feed, clock, freshMs, wall = () => clock.now() } = this.#deps;
    const { metadata, spec } = node;
    return viewNode({
      node,
      group,
      standing,
      hasParents: cluster.streamNodes.cache.indexHas(
        index.parents,
        parentsKey({ namespace: metadata.namespace, group: spec.group }, spec.role),
      ),
      awaitsBatch: spec.providerId === undefined && (await this.#awaitsBatch(node, context)),
      sighting,
      report: feed.latest(metadata.uid),
      reportFaults: this.#deps.faults.ofNode(metadata.uid),
      freshMs,
      terminationAskedAt: this.#askedAt(node),
      now: clock.now(),
      wall: wall(),
      ...(sighting.kind === "Seen" && {
        launchedAt: this.#launched.notAfter(metadata.uid, sighting.machine.launchedAt, clock.now()),
      }),
    });
  }

  #askedAt({ metadata }: StreamNode): Instant | undefined {
    const asked = this.#asked.get(keyText(metadata));
    return asked?.uid === metadata.uid ? asked.at : undefined;
  }

  async #takeBack(node: StreamNode, group: NodeGroup, context: ReconcileContext): Promise<ReconcileResult> {
    assertLeading(this.#deps.leadership);
    if (await this.#claims.takeBack(node, group, context.signal))
      context.logger.info("made the group the node's owner again");
    return requeueAfter(changedMs, "its owner has changed");
  }

  async #sighting({ spec }: StreamNode): Promise<Sighting> {
    const cloud = this.#deps.clouds.get(spec.launch.platform);
    if (cloud === undefined || spec.providerId === undefined) return { kind: "NotListed" };
    return sightingOf(cloud, { region: spec.region, providerId: spec.providerId });
  }

  /** Whether its batch is there and has not settled the slot. A local copy that lacks the batch may be late. */
  async #awaitsBatch({ metadata, spec }: StreamNode, context: ReconcileContext): Promise<boolean> {
    const { cache, client } = this.#deps.cluster.launchBatches;
    const key = { namespace: metadata.namespace, name: spec.batch };
    const known = cache.get(keyText(key));
    const batch = known?.metadata.uid === spec.batchUid ? known : await client.get(key, context.signal);
    if (batch === undefined || batch.metadata.uid !== spec.batchUid) return false;
    // A slot that is settled as launched has given its node the machine before: this node is another, and gets none.
    return batch.status?.members?.some(({ slot }) => slot === spec.slot) !== true;
  }

  async #apply(node: StreamNode, view: NodeView, step: NodeStep, context: ReconcileContext): Promise<ReconcileResult> {
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

  #lookAgain(node: StreamNode, step: NodeStep, view: NodeView): ReconcileResult {
    const { sighting } = view;
    const at = wakeAt(step);
    const readable = sighting.kind === "Seen" && sighting.machine.state !== "Unknown";
    if (!readable && step.kind !== "AwaitLaunch") return this.#lookLater(node, "the cloud has the next word");
    this.#unseen.delete(keyText(node.metadata));
    if (isPolled(step)) return requeueAfter(lookAgainMs, step.kind);
    // Each report brings the key back; without one, what the last has said of the drain is soon old.
    if (view.drain !== undefined && view.report?.fresh === true) {
      return requeueAfter(this.#deps.freshMs, "the report of a draining node grows old");
    }
    return at === undefined ? done : requeueAfter(Math.max(1, at - this.#deps.clock.now()), step.kind);
  }

  /** Later each time, until the cloud shows the machine. */
  #lookLater({ metadata }: StreamNode, why: string): ReconcileResult {
    const looks = (this.#unseen.get(keyText(metadata)) ?? 0) + 1;
    this.#unseen.set(keyText(metadata), looks);
    return requeueAfter(backOffMs(looks, this.#deps.random, unseenBackOff), why);
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
    const { clouds, clock, leadership } = this.#deps;
    const { platform: name } = node.spec.launch;
    const cloud = clouds.get(name);
    if (cloud === undefined) {
      await this.#life.write(
        node,
        { view, step, termination: callFailed(`platform ${name} is not available in this operator`) },
        context,
      );
      return requeueAfter(60_000, "the platform is not there");
    }
    const read = await cloud.inventory.read(node.spec.region, step.providerId);
    const machine = read.ok ? read.value : undefined;
    const title = await this.#claims.title(node, machine, context.signal);
    if (title.kind === "LetGo") {
      const { reason, message } = title;
      return this.#letGo(node, { ...view, standing: title }, { kind: "LetGo", reason, message }, context);
    }
    if (title.kind === "Unread") {
      await this.#life.write(node, { view, step, termination: awaitingTags(read) }, context);
      return this.#lookLater(node, "the machine's tags cannot be read now");
    }
    assertLeading(leadership);
    const answer = await cloud.platform.terminate(node.spec.region, [step.providerId], context.signal);
    if (!answer.ok) {
      context.logger.error("termination was refused", {
        machine: step.providerId,
        kind: answer.error.kind,
        reply: answer.error.message,
      });
      await this.#life.write(
        node,
        { view, step, termination: callFailed(`${answer.error.kind}: ${answer.error.message}`) },
        context,
      );
      return requeueAfter(callFailedMs, "the cloud refused the termination");
    }
    this.#asked.set(keyText(node.metadata), { uid: node.metadata.uid, at: clock.now() });
    context.logger.info("asked to terminate machine", { machine: step.providerId });
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
    this.#unseen.delete(keyText(node.metadata));
    this.#asked.delete(keyText(node.metadata));
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
