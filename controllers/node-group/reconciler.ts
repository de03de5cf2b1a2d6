/** NodeGroup: as many nodes as its policy and its load ask for; and in the end none, and then no group. */
import { finalizers } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { type Anchors, type Decided, groupStatus } from "../../domain/group/group-status.ts";
import type { HistoryOutage } from "../../domain/history.ts";
import { decideScaling, type ScalingInput } from "../../domain/scaling/decide-scaling.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import { assertLeading } from "../../fleet/leadership.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { changedMs, writeStatus } from "../../fleet/status-writer.ts";
import { prunableBatches } from "../../domain/launch/batch-plan.ts";
import { GroupReport, type GroupReportDeps } from "./report.ts";
import { type Acted, GroupApply, type ApplyDeps, isLaunch, takenMs } from "./apply.ts";
import { deletionStep, type DeletionStep } from "../../domain/group/deletion.ts";
import { failingLaunches } from "../../domain/launch/failing-launches.ts";
import { LoadDisplay } from "./load-display.ts";
import { lookAgainMs, showMs, untilNextLook } from "../../domain/group/next-look.ts";
import { type GroupObjects, type GroupObservation, isOrphaning, knownNodes } from "./observation.ts";
import { scalingInputs } from "./scaling-inputs.ts";
import { lacksVictim } from "./victims.ts";
import { GroupObserver, type GroupObserverDeps } from "./observe.ts";

export interface NodeGroupDeps extends GroupObserverDeps, ApplyDeps, GroupReportDeps {
  /** Nodes are believed by the join token of their batch alone; absent: they are not. */
  readonly trustBatch?: boolean;
  /** Why history has not been written for a while; absent: nobody knows. */
  readonly unwritten?: () => HistoryOutage | undefined;
  readonly scaleInRequests: GroupObserverDeps["scaleInRequests"] & ApplyDeps["scaleInRequests"];
}

/** Calls to the cluster at the same time. */
const mostAtOnce = 16;

export class NodeGroupReconciler implements Reconciler {
  readonly name = "node-group";
  readonly #deps: NodeGroupDeps;
  readonly #observer: GroupObserver;
  readonly #told: GroupReport;
  readonly #apply: GroupApply;
  readonly #display: LoadDisplay;

  constructor(deps: NodeGroupDeps) {
    this.#deps = deps;
    this.#observer = new GroupObserver(deps);
    this.#told = new GroupReport(deps);
    this.#apply = new GroupApply(deps, this.#observer, this.#told);
    this.#display = new LoadDisplay(deps.load, showMs);
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const { cluster } = this.#deps;
    const group = cluster.nodeGroups.cache.get(keyText(key));
    if (group === undefined) {
      this.#told.gone(key);
      return done;
    }
    if (group.metadata.deletionTimestamp !== undefined) return this.#delete(group, context);
    const kept = await cluster.nodeGroups.client.addFinalizer(group, finalizers.nodes, context.signal);
    if (kept.kind !== "Patched") return requeueAfter(changedMs, "it has changed meanwhile");
    const { observation, decided, result } = await this.#act(this.#observer.cached(kept.object), context);
    this.#told.decided(observation.group, decided, observation.now);
    // What people read follows the launch call, which this very moment begins elsewhere.
    if (result !== undefined) return result;
    await this.#report(observation, decided, context);
    await this.#prune(observation, context);
    // Now, while nothing is asked for: the first alarm is not to wait for it.
    if (observation.unread.length === 0 && !this.#observer.isReliable(observation.group))
      await this.#observer.live(observation.group, context.signal);
    const { ms, reason } = untilNextLook(observation, decided);
    return requeueAfter(ms, reason);
  }

  /**
   * Carries out what the local copy suggests. A launch that an alarm asks for needs no more, for viewers wait: creating the
   * next numbered batch is a compare-and-swap, so a copy that is late loses it. Everything else, and the first act of a
   * term, is decided anew on the cluster's own word.
   */
  async #act(known: GroupObservation, context: ReconcileContext): Promise<Acted> {
    const decided = this.#decide(known);
    const acts = decided.filter(({ decision }) => decision.kind !== "Hold");
    const complete = !this.#observer.lacksNodes(known);
    if (complete && acts.length === 0) return { observation: known, decided };
    if (!complete || !acts.some(isUrgent) || !this.#observer.isReliable(known.group))
      return this.#actOnClustersWord(known, decided, context);
    // What else is to be done is decided at the next look, at once: no viewer waits for it.
    const now = decided.filter((entry) => isUrgent(entry) || entry.decision.kind === "Hold");
    return this.#apply.launch({ observation: known, decided: now }, context);
  }

  #decide(known: GroupObservation): readonly Decided[] {
    return decide(known, () => knownNodes(this.#deps.cluster, known.group));
  }

  async #actOnClustersWord(
    known: GroupObservation,
    suggested: readonly Decided[],
    context: ReconcileContext,
  ): Promise<Acted> {
    const { group } = known;
    const fresh = await this.#deps.cluster.nodeGroups.client.get(group.metadata, context.signal);
    if (fresh?.metadata.uid !== group.metadata.uid)
      return { observation: known, decided: [], result: requeueAfter(takenMs, "the group is another") };
    const { observation, nodes } = await this.#observer.live(fresh, context.signal);
    const decided = decide(observation, () => nodes);
    // A local copy that suggests something else is late: it is not to be relied on the next time either.
    if (!isAlike(suggested, decided)) this.#observer.distrust(group);
    const launched = await this.#apply.launch({ observation, decided }, context);
    return launched.result !== undefined ? launched : this.#apply.drain({ observation, decided }, nodes, context);
  }

  async #report(observation: GroupObservation, decided: readonly Decided[], context: ReconcileContext): Promise<void> {
    const { cluster } = this.#deps;
    const { group, now, references, pause, unread, batches } = observation;
    const shown = this.#display.ofGroup(group, decided, now);
    const unwritten = this.#deps.unwritten?.();
    const facts = {
      generation: group.metadata.generation ?? 0,
      deleting: group.metadata.deletionTimestamp !== undefined,
      orphaning: isOrphaning(group),
      trustBatch: this.#deps.trustBatch === true,
      ...(unwritten !== undefined && { unwritten }),
      references,
      pause,
      decided: decided.map((entry) => ({ ...entry, anchors: anchorsOf(entry), shownLoad: shown.at(entry.input) })),
      shownLoad: shown.edges,
      unread,
      failingLaunches: failingLaunches(batches),
    };
    const status = groupStatus(facts, group.status, now);
    const written = await writeStatus(cluster.nodeGroups.client, group, status, context.signal);
    if (written.kind === "Patched") this.#told.reported(group, status);
  }

  async #prune(observation: GroupObservation, context: ReconcileContext): Promise<void> {
    for (const batch of prunableBatches(observation))
      await this.#deps.cluster.launchBatches.client.delete(batch, context.signal);
  }

  async #delete(group: NodeGroup, context: ReconcileContext): Promise<ReconcileResult> {
    if (!(group.metadata.finalizers ?? []).includes(finalizers.nodes)) return done;
    const { cluster, leadership } = this.#deps;
    const observation = this.#observer.cached(group);
    const decided = this.#decide(observation);
    this.#told.decided(group, decided, observation.now);
    await this.#report(observation, decided, context);
    const nodes = knownNodes(cluster, group);
    const step = this.#deletionStep(observation, { ...observation, nodes });
    if (step.kind === "Wait") return requeueAfter(lookAgainMs, step.message);
    if (step.kind === "DeleteNodes") {
      assertLeading(leadership);
      // As they were read: one that has lost its owner meanwhile is to stay.
      context.logger.info("deleting nodes of a group that goes", { nodes: step.nodes.length });
      await sideBySide(step.nodes, mostAtOnce, (node) =>
        cluster.streamNodes.client.deleteUnchanged(node, context.signal),
      );
      return requeueAfter(lookAgainMs, `${step.nodes.length} nodes are to go`);
    }
    const confirmed = this.#deletionStep(observation, await this.#observer.live(group, context.signal));
    if (confirmed.kind !== "Release") return requeueAfter(lookAgainMs, "the cluster shows more than the local copy");
    const fresh = await cluster.nodeGroups.client.get(group.metadata, context.signal);
    if (fresh?.metadata.uid !== group.metadata.uid) return done;
    const released = await cluster.nodeGroups.client.removeFinalizer(fresh, finalizers.nodes, context.signal);
    if (released.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    this.#forget(group);
    context.logger.info("released node group", { orphaned: isOrphaning(group) });
    return done;
  }

  #deletionStep({ group, references }: GroupObservation, { nodes, batches }: GroupObjects): DeletionStep {
    const { gate, clock } = this.#deps;
    const { uid } = group.metadata;
    const cloud = () => {
      if (references.kind !== "Resolved") return undefined;
      const { platform } = references;
      return {
        sinceMs: gate.knownSince(`${uid}/deletion`, clock.monotonicMs()),
        listed: (region: string) => gate.listed({ groupUid: uid, platform, region }),
      };
    };
    return deletionStep({ group, orphaning: isOrphaning(group), nodes, batches, cloud });
  }

  #forget(group: NodeGroup): void {
    this.#observer.forget(group);
    this.#told.forget(group);
    this.#display.forget(group);
  }
}

/** Decides for each place; one that would lose a node, but has none that may go, decides anew with that. */
function decide(observation: GroupObservation, nodes: () => readonly StreamNode[]): readonly Decided[] {
  return scalingInputs(observation).map((input) => {
    const decision = decideScaling(input);
    return decision.kind === "DrainNode" && lacksVictim(input, nodes()) ? withoutVictim(input) : { input, decision };
  });
}

function withoutVictim(input: ScalingInput): Decided {
  const stuck = { ...input, noVictim: true } as const;
  return { input: stuck, decision: decideScaling(stuck) };
}

function anchorsOf({ input: { scaledOutAt, settledAt } }: Decided): Anchors {
  return { ...(scaledOutAt !== undefined && { scaledOutAt }), ...(settledAt !== undefined && { settledAt }) };
}

/** Whether both do the same, in the same places. */
function isAlike(one: readonly Decided[], other: readonly Decided[]): boolean {
  const actions = (all: readonly Decided[]) =>
    all
      .filter(({ decision }) => decision.kind !== "Hold")
      .map(({ input, decision }) => [input.role, input.region, decision.kind, decision.reason, decision.desired]);
  return JSON.stringify(actions(one)) === JSON.stringify(actions(other));
}

/** Viewers wait for what an alarm launches. */
function isUrgent(entry: Decided): boolean {
  return isLaunch(entry) && entry.decision.reason === "Alarm";
}
