/** Reads what a StreamNode's next step depends on: its objects, its machine, its report. */
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { FirstSeen } from "../../domain/first-seen.ts";
import type { Sighting } from "../../domain/node/evidence.ts";
import type { NodeView } from "../../domain/node/lifecycle.ts";
import type { Clock, LoadFeed } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { type Clouds, sightingOf } from "../../fleet/clouds.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { index, parentsKey } from "../../fleet/indexes.ts";
import type { ReportFaults } from "../../fleet/report-faults.ts";
import { keyText } from "../../runtime/reconciler.ts";
import { type Claims, isLost } from "./claims.ts";
import type { NodeMemory } from "./memory.ts";
import { type NodeSurroundings, viewNode } from "./view.ts";

export interface NodeObserverDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly feed: Pick<LoadFeed, "latest">;
  readonly faults: Pick<ReportFaults, "ofNode">;
  readonly clock: Pick<Clock, "now">;
  /** What the wall clock says, for what people set; absent: as `clock` does. */
  readonly wall?: () => Instant;
  /** A report older than this (ms) is not fresh: a few report intervals. */
  readonly freshMs: number;
}

export type ObservedNode =
  | { readonly kind: "Viewed"; readonly view: NodeView }
  /** Its group, which stays, is its owner no more. */
  | { readonly kind: "Lost"; readonly group: NodeGroup };

export class NodeObserver {
  readonly #deps: NodeObserverDeps;
  readonly #claims: Claims;
  readonly #memory: NodeMemory;
  readonly #launched = new FirstSeen();

  constructor(deps: NodeObserverDeps, claims: Claims, memory: NodeMemory) {
    this.#deps = deps;
    this.#claims = claims;
    this.#memory = memory;
  }

  async observe(node: StreamNode, signal: AbortSignal): Promise<ObservedNode> {
    const sighting = await this.#sighting(node);
    const machine = sighting.kind === "Seen" ? sighting.machine : undefined;
    const { group, standing } = await this.#claims.judge(node, machine, signal);
    if (standing.kind !== "LetGo" && group !== undefined && isLost(node, group)) return { kind: "Lost", group };
    const awaitsBatch = node.spec.providerId === undefined && (await this.#awaitsBatch(node, signal));
    return { kind: "Viewed", view: this.#view({ node, group, standing, sighting, awaitsBatch }) };
  }

  #view(read: Pick<NodeSurroundings, "node" | "group" | "standing" | "sighting" | "awaitsBatch">): NodeView {
    const { cluster, feed, faults, clock, freshMs, wall = () => clock.now() } = this.#deps;
    const { node, sighting } = read;
    const { metadata, spec } = node;
    const now = clock.now();
    const parents = parentsKey({ namespace: metadata.namespace, group: spec.group }, spec.role);
    return viewNode({
      ...read,
      hasParents: cluster.streamNodes.cache.indexHas(index.parents, parents),
      report: feed.latest(metadata.uid),
      reportFaults: faults.ofNode(metadata.uid),
      freshMs,
      terminationAskedAt: this.#memory.terminationAskedAt(node),
      now,
      wall: wall(),
      ...(sighting.kind === "Seen" && {
        launchedAt: this.#launched.notAfter(metadata.uid, sighting.machine.launchedAt, now),
      }),
    });
  }

  async #sighting({ spec }: StreamNode): Promise<Sighting> {
    const cloud = this.#deps.clouds.get(spec.launch.platform);
    if (cloud === undefined || spec.providerId === undefined) return { kind: "NotListed" };
    return sightingOf(cloud, { region: spec.region, providerId: spec.providerId });
  }

  /** Whether its batch is there and has not settled the slot. A local copy that lacks the batch may be late. */
  async #awaitsBatch({ metadata, spec }: StreamNode, signal: AbortSignal): Promise<boolean> {
    const { cache, client } = this.#deps.cluster.launchBatches;
    const key = { namespace: metadata.namespace, name: spec.batch };
    const known = cache.get(keyText(key));
    const batch = known?.metadata.uid === spec.batchUid ? known : await client.get(key, signal);
    if (batch === undefined || batch.metadata.uid !== spec.batchUid) return false;
    // A slot that is settled as launched has given its node the machine before: this node is another, and gets none.
    return batch.status?.members?.some(({ slot }) => slot === spec.slot) !== true;
  }
}
