/** A group as the local copy shows it and as the cluster itself does, and how far the first can be relied on. */
import { labels } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { FirstSeen } from "../../domain/first-seen.ts";
import { fromRfc3339, type Instant, instant } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index, launchConfigKeyOf, scalePolicyKeyOf } from "../../fleet/indexes.ts";
import { listFor } from "../../fleet/missing-kind.ts";
import { NodeCounters } from "./node-counts.ts";
import { NodeCounter } from "../../domain/group/node-counts.ts";
import { BatchExpectations } from "./expectations.ts";
import { unseenMs } from "../../domain/group/next-look.ts";
import {
  type GroupObjects,
  type GroupObservation,
  type GroupState,
  type ObservationDeps,
  observeGroup,
} from "./observation.ts";

export interface GroupObserverDeps extends ObservationDeps {
  readonly cluster: Cluster;
  readonly clock: Clock;
  /** What the wall clock says, for what people set; absent: as `clock` does. */
  readonly wall?: () => Instant;
}

/** What the cluster itself says of a group. */
export interface LiveGroup extends GroupObjects {
  readonly observation: GroupObservation;
}

export class GroupObserver {
  readonly #deps: GroupObserverDeps;
  readonly #nodeCounters: NodeCounters;
  readonly #expectations = new BatchExpectations();
  readonly #seen = new FirstSeen();
  /** By UID, the term of leadership in which the local copy of the group was last held against the cluster itself. */
  readonly #checkedIn = new Map<string, number | undefined>();
  /** By UID, since when the local copy lacks a node that is known to have been made. */
  readonly #unseenSince = new Map<string, Instant>();

  constructor(deps: GroupObserverDeps) {
    this.#deps = deps;
    this.#nodeCounters = new NodeCounters(deps.cluster.streamNodes.cache, (object) => this.#createdAt(object));
  }

  /** The group as the local copy shows it, with the batches that were just created here. */
  cached(group: NodeGroup): GroupObservation {
    return this.#observe(group, this.#cachedObjects(group));
  }

  /** The group as the cluster itself has it; from then on the local copy is relied on, in this term of leadership. */
  async live(group: NodeGroup, signal: AbortSignal): Promise<LiveGroup> {
    const { uid } = group.metadata;
    const { term } = this.#deps.gate;
    const state = await this.#liveObjects(group, signal);
    this.#expectations.observed(keyText(group.metadata), state.batches);
    this.#checkedIn.set(uid, term);
    this.#unseenSince.delete(uid);
    const { batches, nodes } = state;
    return { batches, nodes, observation: this.#observe(group, state) };
  }

  /** Whether the local copy has been held against the cluster itself in this term, and was not found wrong since. */
  isReliable({ metadata }: NodeGroup): boolean {
    return this.#checkedIn.has(metadata.uid) && this.#checkedIn.get(metadata.uid) === this.#deps.gate.term;
  }

  /** The local copy was late. */
  distrust({ metadata }: NodeGroup): void {
    this.#checkedIn.delete(metadata.uid);
  }

  /** Whether nodes that were made stay unseen for so long that something must be wrong with the local copy. */
  lacksNodes({ group, expected, now }: GroupObservation): boolean {
    const { uid } = group.metadata;
    if (!expected.some(({ launched }) => launched)) {
      this.#unseenSince.delete(uid);
      return false;
    }
    const since = this.#unseenSince.get(uid) ?? now;
    this.#unseenSince.set(uid, since);
    return now - since >= unseenMs;
  }

  /** A batch was created here: it counts before the local copy shows it. */
  created(batch: LaunchBatch): void {
    this.#expectations.created(batch, this.#deps.clock.monotonicMs());
  }

  forget({ metadata }: NodeGroup): void {
    this.#expectations.forget(keyText(metadata));
    this.#checkedIn.delete(metadata.uid);
    this.#unseenSince.delete(metadata.uid);
  }

  #observe(group: NodeGroup, state: GroupState): GroupObservation {
    const { clock, wall = () => clock.now() } = this.#deps;
    const createdAt = (object: Pick<StreamNode, "metadata">) => this.#createdAt(object);
    const moment = { now: clock.now(), wall: wall(), seen: this.#seen };
    return observeGroup(this.#deps, group, { ...state, expectations: this.#expectations, createdAt }, moment);
  }

  #createdAt({ metadata }: Pick<StreamNode, "metadata">): Instant {
    const stored = fromRfc3339(metadata.creationTimestamp) ?? instant(0);
    return this.#seen.notAfter(metadata.uid, stored, this.#deps.clock.now());
  }

  #cachedObjects(group: NodeGroup): GroupState {
    const { launchBatches, launchConfigs, scalePolicies } = this.#deps.cluster;
    const { metadata } = group;
    const key = keyText(metadata);
    const cached = launchBatches.cache.byIndex(index.nodeGroup, key);
    const { batches, gaveUp } = this.#expectations.complete(key, cached, this.#deps.clock.monotonicMs());
    if (gaveUp) this.#checkedIn.delete(metadata.uid);
    return {
      batches,
      nodeCounts: this.#nodeCounters.ofGroup(key),
      launchConfig: launchConfigs.cache.get(launchConfigKeyOf(group)),
      scalePolicy: scalePolicies.cache.get(scalePolicyKeyOf(group)),
    };
  }

  /** Batches first: a slot that they show as launched has its node, if it still lives, in the list that follows. */
  async #liveObjects(group: NodeGroup, signal: AbortSignal): Promise<GroupState & GroupObjects> {
    const { metadata, spec } = group;
    const { streamNodes, launchBatches, launchConfigs, scalePolicies } = this.#deps.cluster;
    const { namespace } = metadata;
    const query = { namespace, labelSelector: `${labels.group}=${metadata.name}` };
    const batches = await listFor(group, launchBatches.client, query, signal);
    const nodes = await listFor(group, streamNodes.client, query, signal);
    return {
      batches,
      nodes,
      nodeCounts: NodeCounter.of(nodes, (object) => this.#createdAt(object)),
      launchConfig: await launchConfigs.client.get({ namespace, name: spec.launchConfigRef.name }, signal),
      scalePolicy: await scalePolicies.client.get({ namespace, name: spec.scalePolicyRef.name }, signal),
    };
  }
}
