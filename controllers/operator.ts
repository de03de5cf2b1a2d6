/** The reconcilers of one process, put together. What wakes each is in its `watches.ts`; nothing here decides. */
import type { HistoryOutage } from "../domain/history.ts";
import type { Clock, LoadFeed } from "../domain/ports.ts";
import { AdoptionGate } from "../fleet/adoption-gate.ts";
import { AlarmStates } from "../fleet/alarm-states.ts";
import { BatchHandoff } from "../fleet/batch-handoff.ts";
import type { Clouds } from "../fleet/clouds.ts";
import type { Cache, Cluster } from "../fleet/cluster.ts";
import { followWithGate } from "../fleet/gate-follower.ts";
import { groupAlarms, watchedAlarms } from "../fleet/group-alarms.ts";
import type { Leadership } from "../fleet/leadership.ts";
import { LoadTracker } from "../fleet/load-tracker.ts";
import { ReportFaults } from "../fleet/report-faults.ts";
import { revisionOf } from "../fleet/revision.ts";
import { ScaleInRequests } from "../fleet/scale-in-requests.ts";
import type { HistoryRecorder } from "../prisma/history-recorder.ts";
import { Controller } from "../runtime/controller.ts";
import type { EventRecorder } from "../runtime/events.ts";
import type { KeyRing } from "../runtime/key-ring.ts";
import type { Logger } from "../runtime/logger.ts";
import type { LeaderTask } from "../runtime/manager.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Reconciler } from "../runtime/reconciler.ts";
import { steadied } from "../runtime/steady-clock.ts";
import { AlarmReconciler } from "./alarm/reconciler.ts";
import { AlarmReporter } from "./alarm/report.ts";
import { alarmTerm } from "./alarm/term.ts";
import { watchAlarmReports, watchAlarms } from "./alarm/watches.ts";
import { HistoryKeeper, type HistoryKeeperDeps, type KeptHistory } from "./history/keeper.ts";
import { LaunchReconciler } from "./launch/reconciler.ts";
import type { LaunchSettings } from "./launch/request.ts";
import { watchLaunchBatches } from "./launch/watches.ts";
import { NodeGroupReconciler } from "./node-group/reconciler.ts";
import { forgetMetricsOfDeletedGroups } from "./node-group/report.ts";
import { watchNodeGroups } from "./node-group/watches.ts";
import { launchConfigReconciler } from "./referenced/launch-config.ts";
import { scalePolicyReconciler } from "./referenced/scale-policy.ts";
import { watchLaunchConfigs, watchScalePolicies } from "./referenced/watches.ts";
import { StreamNodeReconciler } from "./stream-node/reconciler.ts";
import { watchStreamNodes } from "./stream-node/watches.ts";
import { SweepReconciler } from "./sweep/reconciler.ts";
import { RegionWatch } from "./sweep/region-watch.ts";
import { watchMachines } from "./sweep/watches.ts";
import type { WakeQueue } from "./wake.ts";

export interface OperatorDeps {
  readonly cluster: Cluster;
  readonly clouds: Clouds;
  readonly feed: LoadFeed;
  readonly leadership: Leadership;
  readonly keys: Pick<KeyRing, "current" | "find">;
  readonly settings: LaunchSettings;
  /** The operator's own namespace. */
  readonly namespace: string;
  /** A report older than this (ms) no longer speaks for its node: it may be gone. */
  readonly freshMs: number;
  /** A report older than this (ms) no longer counts for the load. */
  readonly staleMs: number;
  /** Nodes are believed by the join token of their batch alone; absent: they are not. */
  readonly trustBatch?: boolean;
  readonly history: HistoryRecorder;
  /** Why history has not been written for a while; absent: nobody knows. */
  readonly unwritten?: () => HistoryOutage | undefined;
  readonly stores: KeptHistory;
  /** How long (ms) history is kept. */
  readonly retentionMs: number;
  /** How much room (bytes) history may take, and who knows; absent: as much as it does. */
  readonly bound?: NonNullable<HistoryKeeperDeps["bound"]>;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Every key is looked at again this often (ms), in case a wake-up was lost. */
const resyncMs = 600_000;

/** What runs while this process leads, in the order in which it starts. Load is followed from now on, leading or not. */
export function operatorTasks(given: OperatorDeps): readonly LeaderTask[] {
  const steady = steadied(given.clock);
  const deps = { ...given, clock: steady, wall: () => steady.wall() };
  const { cluster, clouds, clock, keys, settings } = deps;
  const call = () => ({ keyId: keys.current.id, ...settings });
  const shared = { ...deps, ...knownInMemory(deps), revisionOf, call };
  const run = controllersOf(shared);
  followWithGate(shared);
  forgetMetricsOfDeletedGroups(shared);
  const { launchConfigs, scalePolicies, nodeGroups, launchBatches, streamNodes } = cluster;
  return [
    { name: "term", start: () => shared.gate.close(clock.monotonicMs()), stop: () => Promise.resolve() },
    alarmTerm(shared),
    run(launchConfigReconciler(shared), watchLaunchConfigs, { keys: launchConfigs.cache }),
    run(scalePolicyReconciler(shared), watchScalePolicies, { keys: scalePolicies.cache }),
    run(new AlarmReconciler(shared), watchAlarms, { keys: nodeGroups.cache }),
    run(new NodeGroupReconciler(shared), watchNodeGroups, { keys: nodeGroups.cache, workers: 16 }),
    run(new LaunchReconciler(shared), watchLaunchBatches, { keys: launchBatches.cache, workers: 32 }),
    run(new AlarmReporter(shared), watchAlarmReports, { keys: nodeGroups.cache }),
    run(new StreamNodeReconciler(shared), watchStreamNodes, { keys: streamNodes.cache, workers: 16 }),
    run(new SweepReconciler(shared), watchMachines, {}),
    new RegionWatch(cluster, clouds),
    new HistoryKeeper({ ...deps, nodes: streamNodes.cache }),
  ];
}

/** What several reconcilers read or write in memory. */
function knownInMemory(deps: OperatorDeps) {
  const { cluster, feed, clock, staleMs } = deps;
  const { streamNodes, nodeGroups } = cluster;
  const alarms = groupAlarms(deps);
  const watched = watchedAlarms(alarms, nodeGroups.cache);
  return {
    alarms,
    gate: new AdoptionGate(),
    alarmStates: new AlarmStates(),
    load: new LoadTracker({ nodes: streamNodes.cache, feed, alarms: watched, staleMs, clock }),
    scaleInRequests: new ScaleInRequests(feed),
    handoff: new BatchHandoff(clock),
    faults: new ReportFaults(feed, clock),
  };
}

interface Running {
  /** Whose keys are all looked at again now and then; absent: the watches bring every key often enough. */
  readonly keys?: Pick<Cache<unknown>, "keys">;
  /** Keys worked on at the same time. */
  readonly workers?: number;
}

/** Puts a reconciler behind a queue, which its watches fill from now on. */
function controllersOf<S extends OperatorDeps>(shared: S) {
  const { clock, random, logger, metrics } = shared;
  return (
    reconciler: Reconciler,
    watch: (sources: S, queue: WakeQueue) => void,
    { keys, workers = 4 }: Running,
  ): Controller => {
    const resync = { everyMs: resyncMs, keys: () => keys?.keys() ?? [] };
    const controller = new Controller({ reconciler, clock, random, logger, metrics, workers, resync });
    watch(shared, controller.queue);
    return controller;
  };
}
