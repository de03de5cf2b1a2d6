/**
 * What people are told of alarms: the group's status, history, events and metrics. It comes after what follows from the
 * alarms, and nothing waits for it.
 */
import { apiVersion } from "../../crds/names.ts";
import type { AlarmStatus, NodeGroup } from "../../crds/node-group.ts";
import type { AlarmTransition } from "../../domain/history.ts";
import { assertNever } from "../../domain/result.ts";
import { type Instant, toRfc3339 } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import type { HistoryRecorder } from "../../prisma/history-recorder.ts";
import type { EventNote, EventRecorder } from "../../runtime/events.ts";
import type { AlarmSeries, Metrics } from "../../runtime/metrics.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type Reconciler,
  type ReconcileResult,
  requeueAfter,
  type ReconcileContext,
} from "../../runtime/reconciler.ts";
import type { ResourceClient } from "../../runtime/resource-client.ts";
import type { AlarmStates, AlarmStanding } from "../../fleet/alarm-states.ts";
import type { Cache } from "../../fleet/cluster.ts";
import type { GroupAlarms } from "../../fleet/group-alarms.ts";
import { changedMs, writeStatus } from "../../fleet/status-writer.ts";

export interface AlarmReportDeps {
  readonly cluster: {
    readonly nodeGroups: {
      readonly cache: Pick<Cache<NodeGroup>, "get">;
      readonly client: Pick<ResourceClient<NodeGroup>, "patchStatus">;
    };
  };
  readonly alarms: GroupAlarms;
  readonly alarmStates: AlarmStates;
  readonly events: Pick<EventRecorder, "record">;
  readonly history: Pick<HistoryRecorder, "recordAlarm">;
  readonly metrics: Pick<Metrics, "alarmStates" | "alarmChanged">;
  readonly clock: Pick<Clock, "now">;
}

/** How long (ms) after a change people are told: by then, what follows from it has been asked for. */
export const tellAfterMs = 50;
/** An alarm whose gauge hovers at the threshold changes at each report: people are told no more often than this (ms). */
const leastMs = 1_000;

/** Wake it `tellAfterMs` after a change of a state, and at changes of the group. */
export class AlarmReporter implements Reconciler {
  readonly name = "alarm-report";
  readonly #deps: AlarmReportDeps;
  /** When people were last told of a group (`namespace/name`). */
  readonly #toldAt = new Map<string, Instant>();

  constructor(deps: AlarmReportDeps) {
    this.#deps = deps;
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const { cluster, alarms, alarmStates, clock, metrics } = this.#deps;
    const labels = { namespace: key.namespace, group: key.name };
    const group = cluster.nodeGroups.cache.get(keyText(key));
    if (group === undefined || group.metadata.deletionTimestamp !== undefined) {
      metrics.alarmStates(labels, []);
      this.#toldAt.delete(keyText(key));
      return done;
    }
    // The policy is not there or is refused: what is remembered of its alarms is not the group's to show, whatever came before.
    if (alarms(keyText(key)) === undefined) {
      metrics.alarmStates(labels, []);
      return this.#write(group, [], context);
    }
    // Nothing is known of them, which is not the same as that there are none.
    if (!alarmStates.knows(keyText(key))) return done;
    const standings = alarmStates.ofGroup(keyText(key));
    const waitMs = (this.#toldAt.get(keyText(key)) ?? 0) + leastMs - clock.now();
    if (waitMs > 0 && alarmStates.hasUntold(keyText(key))) return requeueAfter(waitMs, "people were told a moment ago");
    metrics.alarmStates(labels, standings.map(seriesOf));
    const transitions = alarmStates.takeUntold(keyText(key));
    if (transitions.length > 0) this.#toldAt.set(keyText(key), clock.now());
    for (const transition of transitions) this.#tell(group, transition, standings);
    return this.#write(group, standings, context);
  }

  #tell(group: NodeGroup, transition: AlarmTransition, standings: readonly AlarmStanding[]): void {
    const { events, history, metrics } = this.#deps;
    const { namespace, group: name, alarm, region, to } = transition;
    history.recordAlarm(transition);
    metrics.alarmChanged({ namespace, group: name }, { alarm, region, state: to });
    events.record({ apiVersion, kind: "NodeGroup", metadata: group.metadata }, noteOf(transition, standings));
  }

  async #write(
    group: NodeGroup,
    standings: readonly AlarmStanding[],
    context: ReconcileContext,
  ): Promise<ReconcileResult> {
    const alarms = standings.map(statusOf);
    const written = await writeStatus(this.#deps.cluster.nodeGroups.client, group, { alarms }, context.signal);
    return written.kind === "Conflict" ? requeueAfter(changedMs, "it has changed meanwhile") : done;
  }
}

function seriesOf({ definition, region, state }: AlarmStanding): AlarmSeries {
  return { alarm: definition.name, region, state };
}

function statusOf({ definition, region, state, since, reason }: AlarmStanding): AlarmStatus {
  const { name, role } = definition;
  return { alarm: name, region, role, state, reason, since: toRfc3339(since) };
}

/** That nodes may go is no cause for worry; everything else that is in alarm, or blind, is. */
function noteOf(transition: AlarmTransition, standings: readonly AlarmStanding[]): EventNote {
  const { alarm, region, to, reason } = transition;
  const message = `${alarm} in ${region}: ${to}: ${reason}`;
  switch (to) {
    case "OK":
      return { type: "Normal", reason: "AlarmCleared", message };
    case "INSUFFICIENT_DATA":
      return { type: "Warning", reason: "AlarmDataMissing", message };
    case "ALARM":
      return { type: worries(alarm, standings) ? "Warning" : "Normal", reason: "AlarmRaised", message };
    default:
      return assertNever(to);
  }
}

function worries(alarm: string, standings: readonly AlarmStanding[]): boolean {
  return standings.find(({ definition }) => definition.name === alarm)?.definition.action !== "ScaleIn";
}
