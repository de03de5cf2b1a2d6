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
  type Turn,
} from "../../runtime/reconciler.ts";
import { assertLeading } from "../../fleet/leadership.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { changedMs, writeStatus } from "../../fleet/status-writer.ts";
import { prunableBatches } from "../../domain/launch/batch-plan.ts";
import { Chronicle, type ChronicleDeps } from "./report.ts";
import { type Acted, Deeds, type DeedsDeps, isLaunch, takenMs } from "./apply.ts";
import { deletionStep, isOrphaning } from "../../domain/group/deletion.ts";
import { failingLaunches } from "../../domain/launch/failing-launches.ts";
import { LoadDisplay } from "./load-display.ts";
import { lookAgainMs, showMs, untilNextLook } from "../../domain/group/next-look.ts";
import { type GroupObservation, knownNodes, scalingInputs } from "./observation.ts";
import { lacksVictim } from "./victims.ts";
import { GroupWorlds, type GroupWorldsDeps } from "./observe.ts";

export interface NodeGroupDeps extends GroupWorldsDeps, DeedsDeps, ChronicleDeps {
  /** Nodes are believed by the join token of their batch alone; absent: they are not. */
  readonly trustBatch?: boolean;
  /** Why history has not been written for a while; absent: nobody knows. */
  readonly unwritten?: () => HistoryOutage | undefined;
  readonly desk: GroupWorldsDeps["desk"] & DeedsDeps["desk"];
}

/** Calls to the cluster at the same time. */
const mostAtOnce = 16;

export class NodeGroupReconciler implements Reconciler {
  readonly name = "node-group";
  readonly #deps: NodeGroupDeps;
  readonly #worlds: GroupWorlds;
  readonly #chronicle: Chronicle;
  readonly #deeds: Deeds;
  readonly #display: LoadDisplay;

  constructor(deps: NodeGroupDeps) {
    this.#deps = deps;
    this.#worlds = new GroupWorlds(deps);
    this.#chronicle = new Chronicle(deps);
    this.#deeds = new Deeds(deps, this.#worlds, this.#chronicle);
    this.#display = new LoadDisplay(deps.load, showMs);
  }

  async reconcile(key: ObjectKey, turn: Turn): Promise<ReconcileResult> {
    const { cluster } = this.#deps;
    const group = cluster.nodeGroups.cache.get(keyText(key));
    if (group === undefined) {
      this.#chronicle.gone(key);
      return done;
    }
    if (group.metadata.deletionTimestamp !== undefined) return this.#delete(group, turn);
    const kept = await cluster.nodeGroups.client.addFinalizer(group, finalizers.nodes, turn.signal);
    if (kept.kind !== "Patched") return requeueAfter(changedMs, "it has changed meanwhile");
    const { observation, decided, result } = await this.#act(this.#worlds.known(kept.object), turn);
    this.#chronicle.decided(observation.group, decided, observation.now);
    // What people read follows the launch call, which this very moment begins elsewhere.
    if (result !== undefined) return result;
    await this.#report(observation, decided, turn);
    await this.#prune(observation, turn);
    // Now, while nothing is asked for: the first alarm is not to wait for it.
    if (observation.unread.length === 0 && !this.#worlds.isReliable(observation.group))
      await this.#worlds.confirmed(observation.group, turn.signal);
    return untilNextLook(observation, decided);
  }

  /**
   * Carries out what the local copy suggests. A launch that an alarm asks for needs no more, for viewers wait: creating the
   * next numbered batch is a compare-and-swap, so a copy that is late loses it. Everything else, and the first act of a
   * term, is decided anew on the cluster's own word.
   */
  async #act(known: GroupObservation, turn: Turn): Promise<Acted> {
    const decided = this.#decide(known);
    const acts = decided.filter(({ decision }) => decision.kind !== "Hold");
    const complete = !this.#worlds.lacksNodes(known);
    if (complete && acts.length === 0) return { observation: known, decided };
    if (!complete || !acts.some(isUrgent) || !this.#worlds.isReliable(known.group))
      return this.#actOnClustersWord(known, decided, turn);
    // What else is to be done is decided at the next look, at once: no viewer waits for it.
    const now = decided.filter((entry) => isUrgent(entry) || entry.decision.kind === "Hold");
    return this.#deeds.launch({ observation: known, decided: now }, turn);
  }

  #decide(known: GroupObservation): readonly Decided[] {
    return decide(known, () => knownNodes(this.#deps.cluster, known.group));
  }

  async #actOnClustersWord(known: GroupObservation, suggested: readonly Decided[], turn: Turn): Promise<Acted> {
    const { group } = known;
    const fresh = await this.#deps.cluster.nodeGroups.client.get(group.metadata, turn.signal);
    if (fresh?.metadata.uid !== group.metadata.uid)
      return { observation: known, decided: [], result: requeueAfter(takenMs, "the group is another") };
    const { observation, nodes } = await this.#worlds.confirmed(fresh, turn.signal);
    const decided = decide(observation, () => nodes);
    // A local copy that suggests something else is late: it is not to be relied on the next time either.
    if (!isAlike(suggested, decided)) this.#worlds.distrust(group);
    const launched = await this.#deeds.launch({ observation, decided }, turn);
    return launched.result !== undefined ? launched : this.#deeds.drain({ observation, decided }, nodes, turn);
  }

  async #report(observation: GroupObservation, decided: readonly Decided[], turn: Turn): Promise<void> {
    const { cluster } = this.#deps;
    const { group, now, references, pause, unread, batches } = observation;
    const shown = this.#display.of(group, decided, now);
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
    const written = await writeStatus(cluster.nodeGroups.client, group, status, turn.signal);
    if (written.kind === "Patched") this.#chronicle.reported(group, status);
  }

  async #prune(observation: GroupObservation, turn: Turn): Promise<void> {
    for (const batch of prunableBatches(observation))
      await this.#deps.cluster.launchBatches.client.delete(batch, turn.signal);
  }

  async #delete(group: NodeGroup, turn: Turn): Promise<ReconcileResult> {
    if (!(group.metadata.finalizers ?? []).includes(finalizers.nodes)) return done;
    const { cluster, leadership } = this.#deps;
    const observation = this.#worlds.known(group);
    const decided = this.#decide(observation);
    this.#chronicle.decided(group, decided, observation.now);
    await this.#report(observation, decided, turn);
    const nodes = knownNodes(cluster, group);
    const step = deletionStep(this.#deps, { ...observation, nodes });
    if (step.kind === "Wait") return requeueAfter(lookAgainMs, step.message);
    if (step.kind === "DeleteNodes") {
      assertLeading(leadership);
      // As they were read: one that has lost its owner meanwhile is to stay.
      turn.logger.info("deleting nodes of a group that goes", { nodes: step.nodes.length });
      await sideBySide(step.nodes, mostAtOnce, (node) => cluster.streamNodes.client.deleteUnchanged(node, turn.signal));
      return requeueAfter(lookAgainMs, `${step.nodes.length} nodes are to go`);
    }
    const { batches, nodes: left } = await this.#worlds.confirmed(group, turn.signal);
    const confirmed = deletionStep(this.#deps, { ...observation, batches, nodes: left });
    if (confirmed.kind !== "Release") return requeueAfter(lookAgainMs, "the cluster shows more than the local copy");
    const fresh = await cluster.nodeGroups.client.get(group.metadata, turn.signal);
    if (fresh?.metadata.uid !== group.metadata.uid) return done;
    const released = await cluster.nodeGroups.client.removeFinalizer(fresh, finalizers.nodes, turn.signal);
    if (released.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    this.#forget(group);
    turn.logger.info("released node group", { orphaned: isOrphaning(group) });
    return done;
  }

  #forget(group: NodeGroup): void {
    this.#worlds.forget(group);
    this.#chronicle.forget(group);
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
  const deeds = (all: readonly Decided[]) =>
    all
      .filter(({ decision }) => decision.kind !== "Hold")
      .map(({ input, decision }) => [input.role, input.region, decision.kind, decision.reason, decision.desired]);
  return JSON.stringify(deeds(one)) === JSON.stringify(deeds(other));
}

/** Viewers wait for what an alarm launches. */
function isUrgent(entry: Decided): boolean {
  return isLaunch(entry) && entry.decision.reason === "Alarm";
}
