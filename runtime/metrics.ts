/** Every metric of the product, in one injected registry. Nothing else imports the metrics library. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { alarmStates, type Phase, type Role } from "../crds/names.ts";
import type { AlarmState } from "../domain/alarm/alarm-state.ts";
import type { PlatformCall } from "../domain/launch/platform-call.ts";
import type { WorkQueueMetrics } from "./work-queue.ts";
import { groupText } from "../domain/group/place.ts";

export type ReconcileOutcome = "done" | "requeue" | "conflict" | "error" | "timeout";

/** Why an informer opened a new watch or listed anew. */
export type InformerRestart = "ended" | "silent" | "broken" | "expired" | "refused";

export type EventOutcome = "recorded" | "failed" | "dropped";

/** One request of the API that was answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** The route's pattern, never a path with names; `unknown` where no route took it. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** How many StreamNodes of a group and role are in a phase. */
export interface StreamNodeCount extends GroupLabels {
  readonly role: Role;
  readonly phase: Phase;
  readonly count: number;
}

/** How the buffer of history stands. */
export interface HistoryCounts {
  /** Entries that wait to be written, now. */
  readonly backlog: number;
  /** Entries that were lost since the start, by kind. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Whether what waits cannot be written now. */
  readonly failing: boolean;
}

export interface ScalingDecisionLabels extends GroupLabels {
  readonly role: Role;
  /** Member name of the decision's union. */
  readonly decision: string;
  /** Member name of the reasons' union. */
  readonly reason: string;
}

/** A group, whose name is its own in its namespace only. */
export interface GroupLabels {
  readonly namespace: string;
  readonly group: string;
}

/** An alarm in a region, in a state. */
export interface AlarmSeries {
  readonly alarm: string;
  readonly region: string;
  readonly state: AlarmState;
}

/** What the product counts, in its own words. */
export interface Metrics {
  readonly contentType: string;
  /** Everything in the text format of Prometheus. */
  text(): Promise<string>;
  reconciled(controller: string, outcome: ReconcileOutcome, seconds: number): void;
  queue(controller: string): WorkQueueMetrics;
  readonly platformCalls: { observe(call: PlatformCall): void };
  /** Replaces all counts: what is not named is gone. */
  streamNodes(counts: readonly StreamNodeCount[]): void;
  scalingDecided(labels: ScalingDecisionLabels): void;
  /** The group is no more: none of its series stays. */
  forgetGroup(group: GroupLabels): void;
  /** Seconds from the launch's decision until the node was in service. */
  launchedToService(role: Role, seconds: number): void;
  /** Replaces the alarms of a group: the series of what is not named are gone. */
  alarmStates(group: GroupLabels, alarms: readonly AlarmSeries[]): void;
  /** An alarm has entered the state. */
  alarmChanged(group: GroupLabels, alarm: AlarmSeries): void;
  /** This process no longer knows the state of any alarm. */
  forgetAlarmStates(): void;
  informerRestarted(resource: string, cause: InformerRestart): void;
  informerListed(resource: string): void;
  /** Objects that could not be parsed, now. */
  informerUnreadable(resource: string, objects: number): void;
  leading(leading: boolean): void;
  eventRecorded(outcome: EventOutcome): void;
  requestAnswered(answered: AnsweredRequest): void;
  /** Items of reports were dropped or clamped. Both words are our own. */
  reportPartsDropped(loss: { readonly part: string; readonly reason: string; readonly count: number }): void;
  /** A line of a load feed was passed over. */
  feedLineSkipped(reason: string): void;
  history(counts: HistoryCounts): void;
}

/** Creates all metrics on the registry, which must be fresh: declaring a name twice throws. */
export function createMetrics(registry: Registry = new Registry()): Metrics {
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    ...controllerMetrics(registry),
    ...fleetMetrics(registry),
    ...alarmMetrics(registry),
    ...clusterMetrics(registry),
    ...apiMetrics(registry),
    ...historyMetrics(registry),
  };
}

const quickBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const launchBuckets = [1, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1_200];

function controllerMetrics(registry: Registry): Pick<Metrics, "reconciled" | "queue"> {
  const total = counter(registry, "reconcile_total", "Reconciles by their result.", ["controller", "result"]);
  const duration = histogram(registry, "reconcile_duration_seconds", "Time of one reconcile.", ["controller"]);
  const depth = gauge(registry, "queue_depth", "Keys that wait for a worker.", ["controller"]);
  const adds = counter(registry, "queue_adds_total", "Keys added to the queue.", ["controller"]);
  const retries = counter(registry, "queue_retries_total", "Keys added again after a failure.", ["controller"]);
  const wait = histogram(registry, "queue_wait_seconds", "Time a key waited for a worker.", ["controller"]);
  return {
    reconciled: (controller, result, seconds) => {
      total.inc({ controller, result });
      duration.observe({ controller }, seconds);
    },
    queue: (controller) => ({
      depth: (keys) => depth.set({ controller }, keys),
      added: () => adds.inc({ controller }),
      retried: () => retries.inc({ controller }),
      waited: (seconds) => wait.observe({ controller }, seconds),
    }),
  };
}

type FleetMetrics = Pick<Metrics, "platformCalls" | "streamNodes" | "scalingDecided" | "launchedToService">;
type GroupMetrics = Pick<Metrics, "forgetGroup">;

function fleetMetrics(registry: Registry): FleetMetrics & GroupMetrics {
  const callLabels = ["platform", "method", "outcome"] as const;
  const calls = histogram(registry, "platform_call_duration_seconds", "Time of one call to a cloud.", callLabels);
  const nodes = gauge(registry, "stream_nodes", "StreamNodes by phase.", ["namespace", "group", "role", "phase"]);
  const decisionLabels = ["namespace", "group", "role", "decision", "reason"] as const;
  const decisions = counter(registry, "scaling_decisions_total", "Scaling decisions that changed.", decisionLabels);
  const launchHelp = "Time from the decision to launch until the node was in service.";
  const launches = histogram(registry, "launch_to_service_seconds", launchHelp, ["role"], launchBuckets);
  const decided = new GroupSeries<ScalingDecisionLabels>();
  const counted = new GroupSeries<Omit<StreamNodeCount, "count">>();
  return {
    platformCalls: { observe: ({ seconds, ...labels }) => calls.observe(labels, seconds) },
    streamNodes: (counts) => {
      nodes.reset();
      counted.clear();
      for (const { count, ...labels } of counts) nodes.inc(counted.note(labels), count);
    },
    scalingDecided: (labels) => decisions.inc({ ...decided.note(labels) }),
    forgetGroup: (group) => {
      for (const labels of decided.take(group)) decisions.remove({ ...labels });
      for (const labels of counted.take(group)) nodes.remove({ ...labels });
    },
    launchedToService: (role, seconds) => launches.observe({ role }, seconds),
  };
}

/** The series that each group has: a series is removed by all of its labels. */
class GroupSeries<L extends GroupLabels> {
  readonly #groups = new Map<string, Map<string, L>>();

  /** Remembers the series, and answers it. */
  note(labels: L): L {
    const key = groupText(labels);
    const series = this.#groups.get(key) ?? new Map<string, L>();
    this.#groups.set(key, series.set(JSON.stringify(labels), labels));
    return labels;
  }

  /** The series of a group, which are forgotten. */
  take(group: GroupLabels): readonly L[] {
    const series = [...(this.#groups.get(groupText(group))?.values() ?? [])];
    this.#groups.delete(groupText(group));
    return series;
  }

  clear(): void {
    this.#groups.clear();
  }
}

type AlarmMetrics = Pick<Metrics, "alarmStates" | "alarmChanged" | "forgetAlarmStates">;

function alarmMetrics(registry: Registry): AlarmMetrics {
  const labels = ["namespace", "group", "alarm", "region", "state"] as const;
  const current = gauge(registry, "alarm_state", "1 for the state that the alarm is in, 0 for the others.", labels);
  const transitions = counter(registry, "alarm_transitions_total", "Changes of alarms, by the new state.", labels);
  const known = new Map<string, readonly AlarmSeries[]>();
  return {
    alarmStates: (group, alarms) => {
      const key = groupText(group);
      for (const labelValues of seriesOf(group, goneFrom(known.get(key) ?? [], alarms))) {
        current.remove(labelValues);
        transitions.remove(labelValues);
      }
      for (const labelValues of seriesOf(group, alarms)) current.set(labelValues, 0);
      for (const alarm of alarms) current.set({ ...group, ...alarm }, 1);
      if (alarms.length === 0) known.delete(key);
      else known.set(key, alarms);
    },
    alarmChanged: (group, alarm) => transitions.inc({ ...group, ...alarm }),
    forgetAlarmStates: () => current.reset(),
  };
}

/** The labels of each alarm in each state that it may have. */
function seriesOf(group: GroupLabels, alarms: readonly AlarmSeries[]): readonly (GroupLabels & AlarmSeries)[] {
  return alarms.flatMap((alarm) => alarmStates.map((state) => ({ ...group, ...alarm, state })));
}

function goneFrom(before: readonly AlarmSeries[], after: readonly AlarmSeries[]): readonly AlarmSeries[] {
  const still = new Set(after.map(({ alarm, region }) => `${alarm}/${region}`));
  return before.filter(({ alarm, region }) => !still.has(`${alarm}/${region}`));
}

type ClusterMetrics = Pick<
  Metrics,
  "informerRestarted" | "informerListed" | "informerUnreadable" | "leading" | "eventRecorded"
>;

function clusterMetrics(registry: Registry): ClusterMetrics {
  const restarts = counter(registry, "informer_restarts_total", "Watches that ended, by cause.", ["resource", "cause"]);
  const lists = counter(registry, "informer_lists_total", "Complete lists read.", ["resource"]);
  const unreadable = gauge(registry, "informer_unreadable_objects", "Objects that do not parse.", ["resource"]);
  const leader = gauge(registry, "leader", "1 while this process leads.", []);
  const events = counter(registry, "events_total", "Kubernetes events by outcome.", ["outcome"]);
  return {
    informerRestarted: (resource, cause) => restarts.inc({ resource, cause }),
    informerListed: (resource) => lists.inc({ resource }),
    informerUnreadable: (resource, objects) => unreadable.set({ resource }, objects),
    leading: (leading) => leader.set(leading ? 1 : 0),
    eventRecorded: (outcome) => events.inc({ outcome }),
  };
}

function apiMetrics(registry: Registry): Pick<Metrics, "requestAnswered" | "reportPartsDropped" | "feedLineSkipped"> {
  const labels = ["method", "route", "status"] as const;
  const requests = histogram(registry, "http_request_duration_seconds", "Time to answer a request.", labels);
  const dropped = counter(
    registry,
    "report_parts_dropped_total",
    "Parts of reports that were not taken as they were.",
    ["part", "reason"],
  );
  const skipped = counter(registry, "feed_lines_skipped_total", "Lines of load feeds that were passed over.", [
    "reason",
  ]);
  return {
    requestAnswered: ({ seconds, ...request }) => requests.observe(request, seconds),
    reportPartsDropped: ({ part, reason, count }) => dropped.inc({ part, reason }, count),
    feedLineSkipped: (reason) => skipped.inc({ reason }),
  };
}

function historyMetrics(registry: Registry): Pick<Metrics, "history"> {
  const waiting = gauge(registry, "history_backlog", "Entries of history that wait to be written.", []);
  const failing = gauge(registry, "history_failing", "1 while history cannot be written, else 0.", []);
  const lost = counter(registry, "history_dropped_total", "Entries of history that were lost, by kind.", ["kind"]);
  return {
    history: ({ backlog, dropped, failing: fails }) => {
      waiting.set(backlog);
      failing.set(fails ? 1 : 0);
      lost.reset();
      for (const [kind, entries] of Object.entries(dropped)) lost.inc({ kind }, entries);
    },
  };
}

function counter<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
): Counter<L> {
  return new Counter({ name: `streamfleet_${name}`, help, labelNames, registers: [registry] });
}

function gauge<L extends string>(registry: Registry, name: string, help: string, labelNames: readonly L[]): Gauge<L> {
  return new Gauge({ name: `streamfleet_${name}`, help, labelNames, registers: [registry] });
}

function histogram<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
  buckets: number[] = quickBuckets,
): Histogram<L> {
  return new Histogram({ name: `streamfleet_${name}`, help, labelNames, buckets, registers: [registry] });
}
