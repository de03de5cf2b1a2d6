/** NodeGroup: as many nodes as its policy and its load ask for, at all times; and in the end none, and then no group. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { finalizers, labels } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { type Anchors, type Decided, groupStatus } from "../../domain/group-status.ts";
import type { LoadFeed } from "../../domain/load.ts";
import { decideScaling, type ScalingInput } from "../../domain/scaling.ts";
import { type Clock, type Instant, toRfc3339 } from "../../domain/time.ts";
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
import type { FreshBatches } from "../fresh-batches.ts";
import { assertLeading, type Leadership } from "../leadership.ts";
import type { ScaleInDesk } from "../scale-in-desk.ts";
import { changedMs, writeStatus } from "../status-writer.ts";
import { type BatchPlan, planBatch, prunableBatches } from "./batches.ts";
import { CensusBook, NodeCensus } from "./census.ts";
import { Chronicle, type ChronicleDeps } from "./chronicle.ts";
import { deletionStep } from "./deletion.ts";
import { failingLaunches } from "./failing-launches.ts";
import { BatchLedger } from "./ledger.ts";
import { LoadDisplay } from "./load-display.ts";
import {
  type GroupObjects,
  type GroupObservation,
  type GroupWorld,
  type ObservationDeps,
  knownNodes,
  observeGroup,
  scalingInputs,
} from "./observation.ts";
import { lacksVictim, victimAt } from "./victims.ts";

export interface NodeGroupDeps extends ObservationDeps, ChronicleDeps {
  readonly cluster: Cluster;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly feed: Pick<LoadFeed, "latest">;
  readonly desk: Pick<ScaleInDesk, "of" | "carriedOut">;
  /** Where a batch that was just created goes on without a detour through the cluster. */
  readonly fresh: Pick<FreshBatches, "put">;
  /** Revision of a LaunchConfig: a hash of its content. */
  readonly revisionOf: (config: BatchPlan["launchConfig"]) => string;
  /** What the launch call of a batch needs beside it, as it is now. */
  readonly call: () => BatchPlan["call"];
}

/** How soon (ms) to look again where no event is sure to come. */
const lookAgainMs = 2_000;
/** How soon (ms) to decide anew after somebody else has taken a batch's number. */
const takenMs = 200;
/** How often (ms) a group with load is looked at, so that its status shows it. */
const showMs = 30_000;
/** How long (ms) the local copy may lack a node that a settled batch has made, before the cluster itself is asked. */
const unseenMs = 3_000;

type LaunchDecided = Decided & { readonly decision: { readonly kind: "LaunchNodes" } };
type DrainDecided = Decided & { readonly decision: { readonly kind: "DrainNode" } };

/** What was decided in the end, and whether it changed the cluster. */
interface Acted {
  readonly observation: GroupObservation;
  readonly decided: readonly Decided[];
  readonly result?: ReconcileResult;
}

export class NodeGroupReconciler implements Reconciler {
  readonly name = "node-group";
  readonly #deps: NodeGroupDeps;
  readonly #censuses: CensusBook;
  readonly #ledger = new BatchLedger();
  readonly #chronicle: Chronicle;
  readonly #display: LoadDisplay;
  /** By UID, the term of leadership in which the local copy of the group was last held against the cluster itself. */
  readonly #confirmedIn = new Map<string, Instant | undefined>();
  /** By UID, since when the local copy lacks a node that is known to have been made. */
  readonly #unseenSince = new Map<string, Instant>();

  constructor(deps: NodeGroupDeps) {
    this.#deps = deps;
    this.#censuses = new CensusBook(deps.cluster.streamNodes.cache);
    this.#chronicle = new Chronicle(deps);
    this.#display = new LoadDisplay(deps.load, showMs);
  }

  async reconcile(key: ObjectKey, turn: Turn): Promise<ReconcileResult> {
    const { cluster } = this.#deps;
    const group = cluster.nodeGroups.cache.get(keyText(key));
    if (group === undefined) return done;
    if (group.metadata.deletionTimestamp !== undefined) return this.#delete(group, turn);
    const kept = await cluster.nodeGroups.client.addFinalizer(group, finalizers.nodes, turn.signal);
    if (kept.kind !== "Patched") return requeueAfter(changedMs, "it has changed meanwhile");
    const { observation, decided, result } = await this.#act(this.#observe(kept.object), turn);
    this.#chronicle.decided(observation.group, decided, observation.now);
    // What people read follows the launch call, which this very moment begins elsewhere.
    if (result !== undefined) return result;
    await this.#report(observation, decided, turn);
    await this.#prune(observation, turn);
    // Now, while nothing is asked for: the first alarm is not to wait for it.
    if (observation.unread.length === 0 && !this.#isConfirmed(observation.group))
      await this.#confirmed(observation.group, turn);
    return untilNextLook(observation, decided);
  }

  /** The group as the local copy shows it. */
  #observe(group: NodeGroup): GroupObservation {
    return observeGroup(this.#deps, group, this.#known(group), this.#deps.clock.now());
  }

  #known({ metadata, spec }: NodeGroup): GroupWorld & { readonly accounts: BatchLedger } {
    const { launchBatches, launchConfigs, scalePolicies } = this.#deps.cluster;
    const { namespace } = metadata;
    const key = keyText(metadata);
    return {
      accounts: this.#ledger,
      batches: this.#ledger.complete(key, launchBatches.cache.byIndex(index.nodeGroup, key)),
      census: this.#censuses.of(key),
      launchConfig: launchConfigs.cache.get(keyText({ namespace, name: spec.launchConfigRef.name })),
      scalePolicy: scalePolicies.cache.get(keyText({ namespace, name: spec.scalePolicyRef.name })),
    };
  }

  /**
   * The same from the cluster itself. Batches first: a slot that they show as launched has its node, if it still lives, in
   * the list that follows.
   */
  async #confirmed({ metadata, spec }: NodeGroup, turn: Turn): Promise<GroupWorld & GroupObjects> {
    const { cluster, gate } = this.#deps;
    const { streamNodes, launchBatches, launchConfigs, scalePolicies } = cluster;
    const { namespace } = metadata;
    const { term } = gate;
    const query = { namespace, labelSelector: `${labels.group}=${metadata.name}` };
    const batches = await launchBatches.client.list(query, turn.signal);
    const nodes = await streamNodes.client.list(query, turn.signal);
    this.#ledger.account(keyText(metadata), batches);
    this.#confirmedIn.set(metadata.uid, term);
    this.#unseenSince.delete(metadata.uid);
    return {
      batches,
      nodes,
      census: NodeCensus.of(nodes),
      launchConfig: await launchConfigs.client.get({ namespace, name: spec.launchConfigRef.name }, turn.signal),
      scalePolicy: await scalePolicies.client.get({ namespace, name: spec.scalePolicyRef.name }, turn.signal),
    };
  }

  /**
   * Carries out what the local copy suggests. A launch that an alarm asks for needs no more, for viewers wait: creating the
   * next numbered batch is a compare-and-swap, so a copy that is late loses it. Everything else, and the first act of a
   * term, is decided anew on the cluster's own word.
   */
  async #act(known: GroupObservation, turn: Turn): Promise<Acted> {
    const decided = this.#decide(known);
    const acts = decided.filter(({ decision }) => decision.kind !== "Hold");
    const reliable = !this.#lacksNodes(known);
    if (reliable && acts.length === 0) return { observation: known, decided };
    if (!reliable || !acts.some(isUrgentOrHold) || !this.#isConfirmed(known.group))
      return this.#actOnClustersWord(known, decided, turn);
    // What else is to be done is decided at the next look, at once: no viewer waits for it.
    return this.#launch({ observation: known, decided: decided.filter(isUrgentOrHold) }, turn);
  }

  #decide(known: GroupObservation): readonly Decided[] {
    return decide(known, () => knownNodes(this.#deps.cluster, known.group));
  }

  async #actOnClustersWord({ group }: GroupObservation, suggested: readonly Decided[], turn: Turn): Promise<Acted> {
    const { cluster, clock } = this.#deps;
    const fresh = await cluster.nodeGroups.client.get(group.metadata, turn.signal);
    if (fresh?.metadata.uid !== group.metadata.uid) return this.#again(group, takenMs, "the group is another");
    const world = await this.#confirmed(fresh, turn);
    const observation = observeGroup(this.#deps, fresh, { ...world, accounts: this.#ledger }, clock.now());
    const decided = decide(observation, () => world.nodes);
    // A local copy that suggests something else is late: it is not to be relied on the next time either.
    if (!isAlike(suggested, decided)) this.#confirmedIn.delete(group.metadata.uid);
    const launched = await this.#launch({ observation, decided }, turn);
    if (launched.result !== undefined) return launched;
    return this.#drain({ observation, decided }, world, turn);
  }

  #again(group: NodeGroup, ms: number, reason: string): Acted {
    return { observation: this.#observe(group), decided: [], result: requeueAfter(ms, reason) };
  }

  #isConfirmed({ metadata }: NodeGroup): boolean {
    return this.#confirmedIn.has(metadata.uid) && this.#confirmedIn.get(metadata.uid) === this.#deps.gate.term;
  }

  /** Whether nodes that were made stay unseen for so long that something must be wrong with the local copy. */
  #lacksNodes({ group, promised, now }: GroupObservation): boolean {
    const { uid } = group.metadata;
    if (!promised.some(({ launched }) => launched)) {
      this.#unseenSince.delete(uid);
      return false;
    }
    const since = this.#unseenSince.get(uid) ?? now;
    this.#unseenSince.set(uid, since);
    return now - since >= unseenMs;
  }

  /** Commits a batch for each role that needs nodes, and says when to look again if there was one. */
  async #launch(acted: Acted, turn: Turn): Promise<Acted> {
    const rolesDone = new Set<string>();
    const later = new Set<Decided>();
    let result: ReconcileResult | undefined;
    for (const entry of acted.decided.filter(isLaunch)) {
      // Two regions of a role share numbers and slots: the second is decided on when the first is counted.
      if (rolesDone.has(entry.input.role)) later.add(entry);
      else result = (await this.#commit(acted.observation, entry, turn)) ?? result;
      rolesDone.add(entry.input.role);
    }
    const decided = acted.decided.filter((entry) => !later.has(entry));
    return { ...acted, decided, ...(result !== undefined && { result }) };
  }

  async #commit(
    { group, references, census, batches }: GroupObservation,
    { input, decision }: LaunchDecided,
    turn: Turn,
  ): Promise<ReconcileResult | undefined> {
    if (references.kind !== "Resolved") return undefined;
    const { launchConfig } = references;
    const { cluster, leadership, revisionOf, fresh, call } = this.#deps;
    const revision = revisionOf(launchConfig);
    const draft = planBatch({
      group,
      launchConfig,
      revision,
      place: input,
      decision,
      batches,
      ground: census,
      call: call(),
    });
    if (draft === undefined) return undefined;
    assertLeading(leadership);
    const created = await cluster.launchBatches.client.create(draft, turn.signal);
    // Somebody else has taken this number meanwhile: what is missing now is decided anew, on the cluster's own word.
    if (created.kind === "AlreadyExists") {
      this.#confirmedIn.delete(group.metadata.uid);
      turn.logger.debug("batch number was taken", { batch: draft.metadata.name });
      return requeueAfter(takenMs, "somebody else has taken the number");
    }
    this.#handOver(created.object, fresh);
    const batch = draft.metadata.name;
    turn.logger.info("committed launch batch", { batch, count: decision.count, reason: decision.reason });
    this.#chronicle.note(group, "Normal", "ScaledOut", `${batch}: ${decision.message}`);
    return requeueAfter(0, "a batch was committed");
  }

  #handOver(batch: LaunchBatch, fresh: NodeGroupDeps["fresh"]): void {
    this.#ledger.created(batch);
    fresh.put(batch);
  }

  /** Marks one victim of each role that is to lose a node, and says when to look again if there was one. */
  async #drain(acted: Acted, { nodes }: GroupObjects, turn: Turn): Promise<Acted> {
    const rolesDone = new Set<string>();
    const later = new Set<Decided>();
    let result: ReconcileResult | undefined;
    for (const entry of acted.decided.filter(isDrain)) {
      // The last parents of an edge may be in two regions: the second is decided on when the first is seen to go.
      if (rolesDone.has(entry.input.role)) {
        later.add(entry);
        continue;
      }
      const marked = await this.#mark(acted.observation, entry, nodes, turn);
      if (marked === undefined) continue;
      rolesDone.add(entry.input.role);
      result = marked;
    }
    const decided = acted.decided.filter((entry) => !later.has(entry));
    return { ...acted, decided, ...(result !== undefined && { result }) };
  }

  async #mark(
    observation: GroupObservation,
    { input, decision }: DrainDecided,
    nodes: GroupObjects["nodes"],
    turn: Turn,
  ): Promise<ReconcileResult | undefined> {
    const { cluster, clock, desk, feed, leadership } = this.#deps;
    const victim = victimAt(input, nodes, feed, decision.node);
    if (victim === undefined) return undefined;
    assertLeading(leadership);
    const drain = { reason: decision.reason, at: toRfc3339(clock.now()) };
    const marked = await cluster.streamNodes.client.patch(victim, { spec: { drain } }, turn.signal);
    if (marked.kind !== "Patched") return requeueAfter(takenMs, "the victim has changed meanwhile");
    if (decision.reason === "Requested")
      for (const request of observation.requests(input)) if (request.node === decision.node) desk.carriedOut(request);
    const { name } = victim.metadata;
    turn.logger.info("marked node to drain", { node: name, reason: decision.reason });
    this.#chronicle.note(observation.group, "Normal", "ScaledIn", `${name} drains: ${decision.message}`);
    return requeueAfter(lookAgainMs, "a node was marked to drain");
  }

  async #report(observation: GroupObservation, decided: readonly Decided[], turn: Turn): Promise<void> {
    const { cluster } = this.#deps;
    const { group, now, references, pause, unread, batches } = observation;
    const shown = this.#display.of(group, decided, now);
    const facts = {
      generation: group.metadata.generation ?? 0,
      deleting: group.metadata.deletionTimestamp !== undefined,
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
    const observation = this.#observe(group);
    const decided = this.#decide(observation);
    this.#chronicle.decided(group, decided, observation.now);
    await this.#report(observation, decided, turn);
    const nodes = knownNodes(cluster, group);
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
    this.#forget(group);
    turn.logger.info("released node group");
    return done;
  }

  #forget(group: NodeGroup): void {
    const { uid } = group.metadata;
    this.#confirmedIn.delete(uid);
    this.#unseenSince.delete(uid);
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

function isLaunch(entry: Decided): entry is LaunchDecided {
  return entry.decision.kind === "LaunchNodes";
}

/** Viewers wait for what an alarm launches. */
function isUrgentOrHold({ decision }: Decided): boolean {
  return decision.kind === "Hold" || (decision.kind === "LaunchNodes" && decision.reason === "Alarm");
}

function isDrain(entry: Decided): entry is DrainDecided {
  return entry.decision.kind === "DrainNode";
}

/** When to look again though nothing was heard: time itself may change what is to be done, or what is to be shown. */
function untilNextLook(observation: GroupObservation, decided: readonly Decided[]): ReconcileResult {
  const { pause, unread, promised, now } = observation;
  if (unread.length > 0) return requeueAfter(lookAgainMs, "machines have not been read yet");
  const looks = [
    { ms: showMs, reason: "its load is to be shown" },
    ...(promised.some(({ launched }) => launched) ? [{ ms: unseenMs, reason: "nodes are not seen yet" }] : []),
    ...("until" in pause && pause.until !== undefined && pause.kind !== "PauseEnded"
      ? [{ ms: pause.until - now + 1, reason: `paused until ${toRfc3339(pause.until)}` }]
      : []),
    ...decided.flatMap((entry) => looksAt(entry, now)),
  ];
  const { ms, reason } = looks.reduce((soonest, look) => (look.ms < soonest.ms ? look : soonest));
  return requeueAfter(Math.max(1, ms), reason);
}

/** Where an alarm or an origin asks for another number of nodes, the answer may change as time goes on. */
function looksAt({ input, decision }: Decided, now: Instant) {
  const { alarms, requests, counts, maxLimit, manner } = input;
  const until = decision.kind === "Hold" ? decision.until : undefined;
  const wait = until === undefined ? [] : [{ ms: until - now, reason: decision.reason }];
  const asked = alarms.some(({ inAlarm }) => inAlarm) || requests.length > 0;
  const excess = counts.inService + counts.starting > maxLimit;
  const again = { ms: manner.reevaluateMs ?? lookAgainMs, reason: "another number of nodes is asked for" };
  return asked || excess || decision.kind !== "Hold" ? [...wait, again] : wait;
}
