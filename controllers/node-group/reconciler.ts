/** NodeGroup: as many nodes as its policy asks for, at all times; and in the end none, and then no group. */
import { apiVersion, finalizers, labels } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { findCondition } from "../../domain/conditions.ts";
import { type Decided, groupStatus } from "../../domain/group-status.ts";
import { decideScaling, deciderVersion } from "../../domain/scaling.ts";
import { type Clock, type Instant, toRfc3339 } from "../../domain/time.ts";
import type { HistoryRecorder } from "../../prisma/history-recorder.ts";
import type { EventRecorder } from "../../runtime/events.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
  type Turn,
} from "../../runtime/reconciler.ts";
import { type Cluster, index } from "../cluster.ts";
import { assertLeading, type Leadership } from "../leadership.ts";
import { changedMs, writeStatus } from "../status-writer.ts";
import { CensusBook, NodeCensus } from "./census.ts";
import { planBatch, prunableBatches } from "./batches.ts";
import { deletionStep } from "./deletion.ts";
import {
  type GroupObjects,
  type GroupObservation,
  type GroupWorld,
  type ObservationDeps,
  observeGroup,
  scalingInputs,
} from "./observation.ts";
import { failingLaunches } from "./failing-launches.ts";

export interface NodeGroupDeps extends ObservationDeps {
  readonly cluster: Cluster;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "record">;
  readonly history: Pick<HistoryRecorder, "recordActivity">;
  readonly metrics: Pick<Metrics, "scalingDecided">;
  /** Revision of a LaunchConfig: a hash of its content. */
  readonly revisionOf: (config: Parameters<typeof planBatch>[0]["launchConfig"]) => string;
}

/** Conditions whose changes are told as events, and those among them that name an exceptional state. */
const announced = ["ReferencesResolved", "Ready", "Paused", "LaunchesFailing", "AtMaximum"];
const exceptional: ReadonlySet<string> = new Set(["Paused", "LaunchesFailing", "AtMaximum"]);

/** How soon (ms) to look again where no event is sure to come. */
const lookAgainMs = 2_000;
/** How soon (ms) to decide anew after somebody else has taken a batch's number. */
const takenMs = 200;

export class NodeGroupReconciler implements Reconciler {
  readonly name = "node-group";
  readonly #deps: NodeGroupDeps;
  readonly #censuses: CensusBook;

  constructor(deps: NodeGroupDeps) {
    this.#deps = deps;
    this.#censuses = new CensusBook(deps.cluster.streamNodes.cache);
  }

  async reconcile(key: ObjectKey, turn: Turn): Promise<ReconcileResult> {
    const { cluster, clock } = this.#deps;
    const group = cluster.nodeGroups.cache.get(keyText(key));
    if (group === undefined) return done;
    if (group.metadata.deletionTimestamp !== undefined) return this.#delete(group, turn);
    const kept = await cluster.nodeGroups.client.addFinalizer(group, finalizers.nodes, turn.signal);
    if (kept.kind !== "Patched") return requeueAfter(changedMs, "it has changed meanwhile");
    const now = clock.now();
    const observation = observeGroup(this.#deps, kept.object, this.#known(kept.object), now);
    // Now, for the census goes on counting.
    const decided = decide(observation);
    const outcome = await this.#launch(observation, decided, turn);
    this.#explain(kept.object, decided, now);
    await this.#report(kept.object, observation, decided, turn);
    await this.#prune(observation, turn);
    return outcome ?? untilNextChange(observation, now);
  }

  /** What the local copy shows of the group. */
  #known({ metadata, spec }: NodeGroup): GroupWorld {
    const { launchBatches, launchConfigs, scalePolicies } = this.#deps.cluster;
    const { namespace } = metadata;
    return {
      batches: launchBatches.cache.byIndex(index.nodeGroup, keyText(metadata)),
      census: this.#censuses.of(keyText(metadata)),
      launchConfig: launchConfigs.cache.get(keyText({ namespace, name: spec.launchConfigRef.name })),
      scalePolicy: scalePolicies.cache.get(keyText({ namespace, name: spec.scalePolicyRef.name })),
    };
  }

  /**
   * The same from the cluster itself. Batches first: a slot that they show as launched has its node, if it still lives, in
   * the list that follows.
   */
  async #confirmed({ metadata, spec }: NodeGroup, turn: Turn): Promise<GroupWorld & GroupObjects> {
    const { streamNodes, launchBatches, launchConfigs, scalePolicies } = this.#deps.cluster;
    const { namespace } = metadata;
    const query = { namespace, labelSelector: `${labels.group}=${metadata.name}` };
    const batches = await launchBatches.client.list(query, turn.signal);
    const nodes = await streamNodes.client.list(query, turn.signal);
    return {
      batches,
      nodes,
      census: NodeCensus.of(nodes),
      launchConfig: await launchConfigs.client.get({ namespace, name: spec.launchConfigRef.name }, turn.signal),
      scalePolicy: await scalePolicies.client.get({ namespace, name: spec.scalePolicyRef.name }, turn.signal),
    };
  }

  /**
   * Commits batches for what is missing. What the local copy suggests is decided anew on the cluster's own word. Answers
   * when to look again, if there was something to launch.
   */
  async #launch(
    observation: GroupObservation,
    decided: readonly Decided[],
    turn: Turn,
  ): Promise<ReconcileResult | undefined> {
    if (!decided.some(({ decision }) => decision.kind === "LaunchNodes")) return undefined;
    const group = await this.#deps.cluster.nodeGroups.client.get(observation.group.metadata, turn.signal);
    if (group?.metadata.uid !== observation.group.metadata.uid) return requeueAfter(takenMs, "the group is another");
    const world = await this.#confirmed(group, turn);
    const confirmed = observeGroup(this.#deps, group, world, this.#deps.clock.now());
    const wanted = decide(confirmed).filter(({ decision }) => decision.kind === "LaunchNodes");
    const rolesDone = new Set<string>();
    let outcome: ReconcileResult | undefined;
    for (const { input, decision } of wanted) {
      // Two regions of a role share numbers and slots: the second is decided on when the first is visible.
      if (decision.kind !== "LaunchNodes" || rolesDone.has(input.role)) continue;
      rolesDone.add(input.role);
      outcome = await this.#commit(confirmed, world, { input, decision }, turn);
    }
    return outcome;
  }

  async #commit(
    observation: GroupObservation,
    objects: GroupObjects,
    { input, decision }: Decided,
    turn: Turn,
  ): Promise<ReconcileResult | undefined> {
    const { group, references } = observation;
    if (decision.kind !== "LaunchNodes" || references.kind !== "Resolved") return undefined;
    const { launchConfig } = references;
    const { cluster, leadership, revisionOf } = this.#deps;
    const draft = planBatch({
      group,
      launchConfig,
      revision: revisionOf(launchConfig),
      input,
      decision,
      objects,
    });
    if (draft === undefined) return undefined;
    assertLeading(leadership);
    const created = await cluster.launchBatches.client.create(draft, turn.signal);
    const batch = draft.metadata.name;
    // Somebody else has taken this number meanwhile: what is missing now is decided anew.
    if (created.kind === "AlreadyExists") {
      turn.logger.debug("batch number was taken", { batch });
      return requeueAfter(takenMs, "somebody else has taken the number");
    }
    turn.logger.info("committed launch batch", { batch, count: decision.count, reason: decision.reason });
    this.#note(group, "Normal", "ScaledOut", `${batch}: ${decision.message}`);
    return requeueAfter(0, "a batch was committed");
  }

  /** Tells why, wherever the kind or the reason of a decision is another than the last. */
  #explain(group: NodeGroup, decided: readonly Decided[], now: Instant): void {
    const { history, metrics } = this.#deps;
    const { name, namespace } = group.metadata;
    for (const { input, decision } of decided) {
      const { role, region } = input;
      const { kind, reason, message } = decision;
      const last = group.status?.roles?.find((entry) => entry.role === role && entry.region === region);
      const place = { namespace, group: name, role, region };
      if (last?.decision === kind && last.reason === reason) continue;
      history.recordActivity({ ...place, kind, reason, message, deciderVersion, input }, now);
      metrics.scalingDecided({ group: name, role, decision: kind, reason });
    }
  }

  async #report(
    group: NodeGroup,
    observation: GroupObservation,
    decided: readonly Decided[],
    turn: Turn,
  ): Promise<void> {
    const { cluster, clock } = this.#deps;
    const { references, pause, unread, batches } = observation;
    const deleting = group.metadata.deletionTimestamp !== undefined;
    const generation = group.metadata.generation ?? 0;
    const facts = {
      generation,
      deleting,
      references,
      pause,
      decided,
      unread,
      failingLaunches: failingLaunches(batches),
    };
    const status = groupStatus(facts, group.status?.conditions ?? [], clock.now());
    const written = await writeStatus(cluster.nodeGroups.client, group, status, turn.signal);
    if (written.kind === "Patched") this.#announce(group, status);
  }

  /** Events for the conditions that people wait for. */
  #announce(group: NodeGroup, status: ReturnType<typeof groupStatus>): void {
    for (const type of announced) {
      const before = findCondition(group.status?.conditions, type);
      const after = findCondition(status.conditions, type);
      if (after === undefined || after.status === "Unknown") continue;
      if (before?.status === after.status && before.reason === after.reason) continue;
      const fine = after.status === (exceptional.has(type) ? "False" : "True");
      // That nothing exceptional is the case is no news about a new group.
      if (fine && exceptional.has(type) && before?.status !== "True") continue;
      const worrying = !fine && before !== undefined && after.reason !== "Deleting";
      this.#note(
        group,
        worrying ? "Warning" : "Normal",
        fine && !exceptional.has(type) ? type : after.reason,
        after.message,
      );
    }
  }

  #note(group: NodeGroup, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#deps.events.record({ apiVersion, kind: "NodeGroup", metadata: group.metadata }, { type, reason, message });
  }

  async #prune(observation: GroupObservation, turn: Turn): Promise<void> {
    for (const batch of prunableBatches(observation))
      await this.#deps.cluster.launchBatches.client.delete(batch, turn.signal);
  }

  async #delete(group: NodeGroup, turn: Turn): Promise<ReconcileResult> {
    if (!(group.metadata.finalizers ?? []).includes(finalizers.nodes)) return done;
    const { cluster, clock, leadership } = this.#deps;
    const observation = observeGroup(this.#deps, group, this.#known(group), clock.now());
    await this.#report(group, observation, decide(observation), turn);
    const nodes = cluster.streamNodes.cache.byIndex(index.nodeGroup, keyText(group.metadata));
    const step = deletionStep(this.#deps, { ...observation, nodes });
    if (step.kind === "Wait") return requeueAfter(lookAgainMs, step.message);
    if (step.kind === "DeleteNodes") {
      assertLeading(leadership);
      for (const node of step.nodes) await cluster.streamNodes.client.delete(node, turn.signal);
      return requeueAfter(lookAgainMs, `${step.nodes.length} nodes are to go`);
    }
    const confirmed = deletionStep(this.#deps, { ...observation, ...(await this.#confirmed(group, turn)) });
    if (confirmed.kind !== "Release") return requeueAfter(lookAgainMs, "the cluster shows more than the local copy");
    const fresh = await cluster.nodeGroups.client.get(group.metadata, turn.signal);
    if (fresh?.metadata.uid !== group.metadata.uid) return done;
    const released = await cluster.nodeGroups.client.removeFinalizer(fresh, finalizers.nodes, turn.signal);
    if (released.kind === "Conflict") return requeueAfter(changedMs, "it has changed meanwhile");
    turn.logger.info("released node group");
    return done;
  }
}

function decide(observation: GroupObservation): readonly Decided[] {
  return scalingInputs(observation).map((input) => ({ input, decision: decideScaling(input) }));
}

/** A pause ends by itself, and an error of the cloud is shown while it lasts; everything else comes as an event. */
function untilNextChange({ pause, unread }: GroupObservation, now: Instant): ReconcileResult {
  if (unread.length > 0) return requeueAfter(lookAgainMs, "machines have not been read yet");
  const until = "until" in pause && pause.kind !== "PauseEnded" ? pause.until : undefined;
  return until === undefined ? done : requeueAfter(until - now + 1, `paused until ${toRfc3339(until)}`);
}
