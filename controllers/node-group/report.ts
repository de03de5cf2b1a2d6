/** Tells what was decided and why: to history with the full input, to metrics, and to people as events. */
import { apiVersion } from "../../crds/names.ts";
import type { NodeGroup, NodeGroupStatus } from "../../crds/node-group.ts";
import { findCondition } from "../../domain/conditions.ts";
import type { Decided } from "../../domain/group/group-status.ts";
import { deciderVersion, type HoldReason, type ScalingDecision } from "../../domain/scaling/decide-scaling.ts";
import type { Instant } from "../../domain/time.ts";
import type { HistoryRecorder } from "../../prisma/history-recorder.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import type { EventRecorder } from "../../runtime/events.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { ObjectKey } from "../../runtime/reconciler.ts";
import { placeText } from "../../domain/group/place.ts";

export interface GroupReportDeps {
  readonly events: Pick<EventRecorder, "record">;
  readonly history: Pick<HistoryRecorder, "recordActivity">;
  readonly metrics: Pick<Metrics, "scalingDecided" | "forgetGroup">;
}

/** Conditions whose changes are told as events, and those among them that name an exceptional state. */
const announced = [
  "ReferencesResolved",
  "Ready",
  "ScalingActive",
  "Paused",
  "LaunchesFailing",
  "AtMaximum",
  "Orphaned",
];
/** Conditions that say nothing new about a group that was just made. */
const silentAtFirst: ReadonlySet<string> = new Set(["ScalingActive"]);
const exceptional: ReadonlySet<string> = new Set(["Paused", "LaunchesFailing", "AtMaximum"]);

/** What people asked for is nothing to warn them of. */
const chosen: ReadonlySet<string> = new Set(["Deleting", "NoAlarms", "ScalingPaused", "EverythingPaused"]);

/** Reasons to hold that are no news: nothing is asked for, or a condition tells it. */
const quiet: ReadonlySet<HoldReason> = new Set([
  "MinimumMet",
  "Deleting",
  "EverythingPaused",
  "NotResolved",
  "AwaitingListing",
  "AboveMaximum",
  "MaximumReached",
]);

export class GroupReport {
  readonly #deps: GroupReportDeps;
  /** Kind and reason last told of each place, by group. */
  readonly #told = new Map<string, Map<string, string>>();

  constructor(deps: GroupReportDeps) {
    this.#deps = deps;
  }

  /** Every decision goes to history, which counts those that are like the last; a new kind or reason is told to people. */
  decided(group: NodeGroup, decided: readonly Decided[], now: Instant): void {
    const { history, metrics } = this.#deps;
    const { uid, name, namespace } = group.metadata;
    const told = this.#told.get(uid) ?? new Map<string, string>();
    this.#told.set(uid, told);
    for (const { input, decision } of decided) {
      const { role, region } = input;
      const { kind, reason, message } = decision;
      history.recordActivity(
        { namespace, group: name, role, region, kind, reason, message, deciderVersion, input },
        now,
      );
      const place = placeText(input);
      if (told.get(place) === `${kind} ${reason}`) continue;
      const first = !told.has(place);
      told.set(place, `${kind} ${reason}`);
      metrics.scalingDecided({ namespace, group: name, role, decision: kind, reason });
      if (!first) this.#tellHold(group, decision);
    }
  }

  forget({ metadata }: NodeGroup): void {
    this.#told.delete(metadata.uid);
  }

  /** No group has this key any more. */
  gone({ namespace, name }: ObjectKey): void {
    this.#deps.metrics.forgetGroup({ namespace, group: name });
  }

  /** Events for the conditions that people wait for. */
  reported(group: NodeGroup, status: NodeGroupStatus): void {
    for (const type of announced) {
      const before = findCondition(group.status?.conditions, type);
      const after = findCondition(status.conditions, type);
      if (after === undefined || after.status === "Unknown") continue;
      if (before?.status === after.status && before.reason === after.reason) continue;
      if (before === undefined && silentAtFirst.has(type)) continue;
      const fine = after.status === (exceptional.has(type) ? "False" : "True");
      // That nothing exceptional is the case is no news about a new group.
      if (fine && exceptional.has(type) && before?.status !== "True") continue;
      const worrying = !fine && before !== undefined && !chosen.has(after.reason);
      this.note(
        group,
        worrying ? "Warning" : "Normal",
        fine && !exceptional.has(type) ? type : after.reason,
        after.message,
      );
    }
  }

  note({ metadata }: NodeGroup, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#deps.events.record({ apiVersion, kind: "NodeGroup", metadata }, { type, reason, message });
  }

  #tellHold(group: NodeGroup, { kind, reason, message }: ScalingDecision): void {
    if (kind === "Hold" && !quiet.has(reason)) this.note(group, "Normal", reason, message);
  }
}

interface MetricsOfGroups {
  readonly cluster: Pick<Cluster, "nodeGroups">;
  readonly metrics: Pick<Metrics, "forgetGroup" | "alarmStates">;
}

/** For as long as the process lives: reconcilers run only while it leads. */
export function forgetMetricsOfDeletedGroups({ cluster, metrics }: MetricsOfGroups): void {
  cluster.nodeGroups.cache.onChange(({ kind, object: { metadata } }) => {
    if (kind !== "Deleted") return;
    const group = { namespace: metadata.namespace, group: metadata.name };
    metrics.forgetGroup(group);
    metrics.alarmStates(group, []);
  });
}
