/** What is told of a StreamNode's life: its status, the history of its phases, events, and the log. */
import { apiVersion, type DrainReason } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { findCondition } from "../../domain/conditions.ts";
import { fromRfc3339 } from "../../domain/time.ts";
import { groupTextOf } from "../../domain/group/place.ts";
import type { Clock } from "../../domain/ports.ts";
import type { HistoryRecorder } from "../../prisma/history-recorder.ts";
import type { EventRecorder } from "../../runtime/events.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { ReconcileContext } from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { writeStatus } from "../../fleet/status-writer.ts";
import { type DerivedStatus, nodeStatus, type Told } from "./status.ts";

export interface LifeReportDeps {
  readonly cluster: Pick<Cluster, "nodeGroups" | "streamNodes">;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, "record">;
  readonly history: Pick<HistoryRecorder, "recordTransition" | "recordClose">;
  readonly metrics: Pick<Metrics, "launchedToService">;
}

/** How a node's life ends: the cloud's word on its machine, a launch that was given up, or a release of the machine. */
export type LifeEnd = "MachineGone" | "MachineStopped" | "LaunchAbandoned" | "LetGo";

interface Note {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Who wants a node to go, for people. */
const drainedBy: Readonly<Record<DrainReason, string>> = {
  ScaleIn: "an alarm asks to scale in",
  AboveMaximum: "there are more nodes than the maximum",
  Requested: "its origin asked for it",
};

export class LifeReport {
  readonly #deps: LifeReportDeps;
  /** Phase that history was last told, by UID. */
  readonly #told = new Map<string, string>();

  constructor(deps: LifeReportDeps) {
    this.#deps = deps;
  }

  /** Writes the status if it says something new, and tells of what has changed. Undefined: the node has changed meanwhile. */
  async write(node: StreamNode, told: Told, context: ReconcileContext): Promise<StreamNode | undefined> {
    const { cluster, clock } = this.#deps;
    const status = nodeStatus(node, told, clock.now());
    const written = await writeStatus(cluster.streamNodes.client, node, { ...status }, context.signal);
    // The object has changed, so an event brings its key back and all is looked at anew.
    if (written.kind !== "Patched") return undefined;
    this.#record(node, status);
    if (status.phase !== node.status?.phase) this.#phaseChanged(node, status, context);
    if (beginsToDrain(node, status)) this.#drainBegun(node);
    this.#letGo(node, status);
    return written.object;
  }

  /** The cloud says that the machine of a node that was not to go is gone or stopped. */
  lost(node: StreamNode, reason: "MachineGone" | "MachineStopped"): void {
    const what = reason === "MachineGone" ? "is gone" : "was stopped";
    const message = `machine ${node.spec.providerId ?? ""} of ${node.metadata.name} ${what}: the cloud says so`;
    this.#note(node, { type: "Warning", reason: "NodeLost", message });
  }

  /** The node is drained, and its deletion is committed. */
  drained(node: StreamNode, reason: "Drained" | "NeverRegistered"): void {
    const at = fromRfc3339(node.spec.drain?.at ?? "");
    const seconds = at === undefined ? 0 : Math.max(0, (this.#deps.clock.now() - at) / 1_000);
    const why = reason === "Drained" ? "nobody is left" : "it never called back";
    const message = `${node.metadata.name} is drained after ${seconds.toFixed(0)} s: ${why}; its machine goes`;
    this.#note(node, { type: "Normal", reason: "Drained", message });
  }

  /** Nothing more is done for the node: closes its life. */
  closed({ metadata, spec }: StreamNode, end: LifeEnd): void {
    const { history, clock } = this.#deps;
    const reason = end === "LetGo" ? "Released" : spec.providerId === undefined ? "NeverLaunched" : "MachineGone";
    history.recordClose({ uid: metadata.uid, at: clock.now(), reason });
    this.#told.delete(metadata.uid);
  }

  /** Tells history at each transition, and once after a start, so that a database that was lost fills again. */
  #record(node: StreamNode, { phase, transitions }: DerivedStatus): void {
    const { metadata, spec } = node;
    const at = phase === undefined ? undefined : fromRfc3339(transitions?.[phase] ?? "");
    if (phase === undefined || at === undefined || this.#told.get(metadata.uid) === phase) return;
    this.#told.set(metadata.uid, phase);
    const { uid, namespace, name, creationTimestamp } = metadata;
    const life = {
      uid,
      namespace,
      group: spec.group,
      name,
      role: spec.role,
      region: spec.region,
      platform: spec.launch.platform,
      ...(spec.providerId !== undefined && { providerId: spec.providerId }),
      openedAt: fromRfc3339(creationTimestamp) ?? at,
    };
    this.#deps.history.recordTransition({ life, phase, at, reason: phase });
  }

  #phaseChanged(node: StreamNode, { phase }: DerivedStatus, context: ReconcileContext): void {
    context.logger.info("changed phase", { from: node.status?.phase, to: phase });
    if (phase !== "InService") return;
    const { name } = node.metadata;
    if (node.status?.transitions?.InService === undefined) this.#arrived(node);
    else this.#note(node, { type: "Normal", reason: "InService", message: `${name} is in service again` });
  }

  /** Only the first time tells how long a launch takes. */
  #arrived(node: StreamNode): void {
    const { metadata, spec } = node;
    const { clock, metrics } = this.#deps;
    const createdAt = fromRfc3339(metadata.creationTimestamp);
    const seconds = createdAt === undefined ? 0 : Math.max(0, (clock.now() - createdAt) / 1_000);
    metrics.launchedToService(spec.role, seconds);
    const since = spec.batchUid === undefined ? "it was adopted" : "its launch was decided";
    const message = `${metadata.name} is in service, ${seconds.toFixed(0)} s after ${since}`;
    this.#note(node, { type: "Normal", reason: "InService", message });
  }

  #drainBegun(node: StreamNode): void {
    const { metadata, spec } = node;
    if (spec.drain === undefined) return;
    const { reason } = spec.drain;
    const message = `${metadata.name} drains (${reason}): ${drainedBy[reason]}; it takes no new clients and goes when the last has left`;
    this.#note(node, { type: "Normal", reason: "Draining", message });
  }

  /** Once for each reason. */
  #letGo(node: StreamNode, { conditions }: DerivedStatus): void {
    const released = findCondition(conditions, "Released");
    if (released === undefined || findCondition(node.status?.conditions, "Released")?.reason === released.reason)
      return;
    const message = `${node.metadata.name} is released (${released.reason}): ${released.message}`;
    this.#note(node, { type: "Warning", reason: "Released", message });
  }

  /** For the node, and for its group, which is where people look first. */
  #note(node: StreamNode, note: Note): void {
    const { events } = this.#deps;
    events.record({ apiVersion, kind: "StreamNode", metadata: node.metadata }, note);
    const group = this.#groupOf(node);
    if (group !== undefined) events.record({ apiVersion, kind: "NodeGroup", metadata: group.metadata }, note);
  }

  #groupOf(node: StreamNode): NodeGroup | undefined {
    return this.#deps.cluster.nodeGroups.cache.get(groupTextOf(node));
  }
}

/** The status has a drain's condition from its first look at a drain to the end of it, also across a restart of ours. */
function beginsToDrain(node: StreamNode, { conditions }: DerivedStatus): boolean {
  const type = "Drained";
  return findCondition(conditions, type) !== undefined && findCondition(node.status?.conditions, type) === undefined;
}
