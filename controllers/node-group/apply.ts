/** Carries decisions out: commits a LaunchBatch, or marks a node that is to drain. One of each role at a time. */
import { largestBatch, type LaunchBatch } from "../../crds/launch-batch.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { Decided } from "../../domain/group/group-status.ts";
import type { Clock, LoadFeed } from "../../domain/ports.ts";
import { toRfc3339 } from "../../domain/time.ts";
import { type ReconcileResult, requeueAfter, type ReconcileContext } from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { launchBatchDraft } from "../../fleet/drafts.ts";
import type { BatchHandoff } from "../../fleet/batch-handoff.ts";
import { assertLeading, type Leadership } from "../../fleet/leadership.ts";
import type { ScaleInRequests } from "../../fleet/scale-in-requests.ts";
import { type BatchPlan, planBatch } from "../../domain/launch/batch-plan.ts";
import type { GroupReport } from "./report.ts";
import { lookAgainMs } from "../../domain/group/next-look.ts";
import type { GroupObservation } from "./observation.ts";
import { victimAt } from "./victims.ts";
import type { GroupObserver } from "./observe.ts";

export interface ApplyDeps {
  readonly cluster: Cluster;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly feed: Pick<LoadFeed, "latest">;
  readonly scaleInRequests: Pick<ScaleInRequests, "carriedOut">;
  /** Where a batch that was just created goes on without a detour through the cluster. */
  readonly handoff: Pick<BatchHandoff, "creating">;
  /** Revision of a LaunchConfig: a hash of its content. */
  readonly revisionOf: (config: BatchPlan["launchConfig"]) => string;
  /** What the launch call of a batch needs beside it, as it is now. */
  readonly call: () => BatchPlan["call"];
}

/** How soon (ms) to decide anew after somebody else has taken a batch's number. */
export const takenMs = 200;

type LaunchDecided = Decided & { readonly decision: { readonly kind: "LaunchNodes" } };
type DrainDecided = Decided & { readonly decision: { readonly kind: "DrainNode" } };

/** What was decided in the end; with a result it has changed the cluster, or tried to. */
export interface Acted {
  readonly observation: GroupObservation;
  readonly decided: readonly Decided[];
  readonly result?: ReconcileResult;
}

export class GroupApply {
  readonly #deps: ApplyDeps;
  readonly #observer: Pick<GroupObserver, "created" | "distrust">;
  readonly #report: Pick<GroupReport, "note">;

  constructor(
    deps: ApplyDeps,
    observer: Pick<GroupObserver, "created" | "distrust">,
    report: Pick<GroupReport, "note">,
  ) {
    this.#deps = deps;
    this.#observer = observer;
    this.#report = report;
  }

  /** Commits a batch for each role that needs nodes. Two regions of a role share numbers and slots: one waits for the other. */
  launch(acted: Acted, context: ReconcileContext): Promise<Acted> {
    return onePerRole(acted, isLaunch, (entry) => this.#commit(acted.observation, entry, context));
  }

  /** Marks a victim of each role that is to lose a node. The last parents of an edge may be in two regions: one waits for the other. */
  drain(acted: Acted, nodes: readonly StreamNode[], context: ReconcileContext): Promise<Acted> {
    return onePerRole(acted, isDrain, (entry) => this.#mark(acted.observation, entry, nodes, context));
  }

  /** As many batches as the decision takes: one holds what one call of the cloud launches. */
  async #commit(
    observation: GroupObservation,
    { input, decision }: LaunchDecided,
    context: ReconcileContext,
  ): Promise<ReconcileResult | undefined> {
    const { group, references, nodeCounts } = observation;
    if (references.kind !== "Resolved") return undefined;
    const { launchConfig } = references;
    const plan = {
      group,
      launchConfig,
      revision: this.#deps.revisionOf(launchConfig),
      place: input,
      placed: nodeCounts,
    };
    const committed: LaunchBatch[] = [];
    let left = decision.count;
    try {
      while (left > 0) {
        const batches = [...observation.batches, ...committed];
        const outcome = await this.#commitOne({ ...plan, batches, decision: { ...decision, count: left } }, context);
        if (outcome === undefined) return undefined;
        // Somebody else has taken this number meanwhile: what is missing now is decided anew, on the cluster's own word.
        if (outcome === "Taken") return requeueAfter(takenMs, "somebody else has taken the number");
        committed.push(outcome);
        left -= outcome.spec.slots.length;
      }
    } finally {
      this.#tellOfLaunch(group, decision, committed);
    }
    return requeueAfter(0, "a batch was committed");
  }

  async #commitOne(
    plan: Omit<BatchPlan, "call" | "decidedAt" | "mostSlots">,
    context: ReconcileContext,
  ): Promise<LaunchBatch | "Taken" | undefined> {
    const { cluster, clock, leadership, call, handoff } = this.#deps;
    const { group, decision } = plan;
    const planned = planBatch({ ...plan, call: call(), decidedAt: clock.now(), mostSlots: largestBatch });
    if (planned === undefined) return undefined;
    assertLeading(leadership);
    const { name: batch } = planned;
    const draft = launchBatchDraft(group, planned);
    const key = { namespace: group.metadata.namespace, name: batch };
    const created = await handoff.creating(key, () => cluster.launchBatches.client.create(draft, context.signal));
    if (created.kind === "AlreadyExists") {
      this.#observer.distrust(group);
      context.logger.debug("batch number was taken", { batch });
      return "Taken";
    }
    const { object } = created;
    this.#observer.created(object);
    context.logger.info("committed launch batch", { batch, count: object.spec.slots.length, reason: decision.reason });
    return object;
  }

  /** One sentence for the decision, with the batches that carry it out. */
  #tellOfLaunch(
    group: NodeGroup,
    { count, message }: LaunchDecided["decision"],
    committed: readonly LaunchBatch[],
  ): void {
    const [first, last] = [committed[0], committed.at(-1)];
    if (first === undefined || last === undefined) return;
    const names = first === last ? first.metadata.name : `${first.metadata.name} to ${last.metadata.name}`;
    const launched = committed.reduce((sum, { spec }) => sum + spec.slots.length, 0);
    const rest = launched < count ? ` (${launched} of ${count} so far)` : "";
    this.#tell(group, "ScaledOut", `${names}: ${message}${rest}`);
  }

  async #mark(
    observation: GroupObservation,
    { input, decision }: DrainDecided,
    nodes: readonly StreamNode[],
    context: ReconcileContext,
  ): Promise<ReconcileResult | undefined> {
    const { cluster, clock, scaleInRequests, feed, leadership } = this.#deps;
    const victim = victimAt(input, nodes, feed, decision.node);
    if (victim === undefined) return undefined;
    assertLeading(leadership);
    const drain = { reason: decision.reason, at: toRfc3339(clock.now()) };
    const marked = await cluster.streamNodes.client.patch(victim, { spec: { drain } }, context.signal);
    if (marked.kind !== "Patched") return requeueAfter(takenMs, "the victim has changed meanwhile");
    if (decision.reason === "Requested")
      for (const request of observation.requests(input))
        if (request.node === decision.node) scaleInRequests.carriedOut(request);
    const { name } = victim.metadata;
    context.logger.info("marked node to drain", { node: name, reason: decision.reason });
    this.#tell(observation.group, "ScaledIn", `${name} drains: ${decision.message}`);
    return requeueAfter(lookAgainMs, "a node was marked to drain");
  }

  #tell(group: NodeGroup, reason: string, message: string): void {
    this.#report.note(group, "Normal", reason, message);
  }
}

/** Does the first of each role, and leaves the others out of what was decided: they are decided anew when it is counted. */
async function onePerRole<E extends Decided>(
  acted: Acted,
  isOfKind: (entry: Decided) => entry is E,
  act: (entry: E) => Promise<ReconcileResult | undefined>,
): Promise<Acted> {
  const rolesDone = new Set<string>();
  const later = new Set<Decided>();
  let result: ReconcileResult | undefined;
  for (const entry of acted.decided.filter(isOfKind)) {
    if (rolesDone.has(entry.input.role)) {
      later.add(entry);
      continue;
    }
    const done = await act(entry);
    if (done === undefined) continue;
    rolesDone.add(entry.input.role);
    result = done;
  }
  const decided = acted.decided.filter((entry) => !later.has(entry));
  return { ...acted, decided, ...(result !== undefined && { result }) };
}

export function isLaunch(entry: Decided): entry is LaunchDecided {
  return entry.decision.kind === "LaunchNodes";
}

export function isDrain(entry: Decided): entry is DrainDecided {
  return entry.decision.kind === "DrainNode";
}
