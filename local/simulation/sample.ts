/** One moment of a simulation, as it is shown, plotted and summed up. */
import type { Role } from "../../crds/names.ts";
import type { CrowdCounts } from "./crowd-counts.ts";
import { type FleetNode, type FleetView, viewerRole } from "./fleet-view.ts";

export interface Sample {
  /** Since the beginning, in real time. */
  readonly seconds: number;
  /** Viewers that the trace wants now. */
  readonly wanted: number;
  readonly watching: number;
  readonly waiting: number;
  /** Viewers that the nodes in service can serve. */
  readonly capacity: number;
  /** Nodes that viewers are sent to. */
  readonly inService: number;
  /** Launched, not yet in service. */
  readonly starting: number;
  /** On their way out. */
  readonly draining: number;
  /** Load (percent of connections) above which nodes are added; absent where no alarm says so. */
  readonly threshold?: number;
  /** Whether an alarm that adds nodes of this role is in ALARM. */
  readonly inAlarm: boolean;
  /** Viewers rejected since the beginning. */
  readonly rejected: number;
}

export interface Moment {
  readonly seconds: number;
  readonly wanted: number;
  readonly threshold?: number;
  /** Names of the alarms that add nodes. */
  readonly scaleOutAlarms: ReadonlySet<string>;
}

export function sampleOf(moment: Moment, counts: CrowdCounts, view: FleetView): Sample {
  const { seconds, wanted, threshold, scaleOutAlarms } = moment;
  const role = viewerRole(view);
  const nodes = view.nodes.filter((node) => node.role === role);
  const serving = nodes.filter((node) => node.serving);
  return {
    seconds,
    wanted,
    watching: counts.watching,
    waiting: counts.waiting,
    capacity: serving.reduce((sum, { capacity }) => sum + capacity, 0),
    inService: serving.length,
    starting: nodes.filter(isStarting).length,
    draining: nodes.filter(({ draining }) => draining).length,
    ...(threshold !== undefined && { threshold }),
    inAlarm: isInAlarm(view, role, scaleOutAlarms),
    rejected: counts.rejected,
  };
}

function isStarting({ phase, draining }: FleetNode): boolean {
  return !draining && (phase === "Pending" || phase === "Running");
}

function isInAlarm({ alarms }: FleetView, of: Role, scaleOutAlarms: ReadonlySet<string>): boolean {
  return alarms.some(({ role, alarm, state }) => role === of && state === "ALARM" && scaleOutAlarms.has(alarm));
}

/** Percent of the capacity; undefined where there is none. */
export function loadOf({ watching, capacity }: Pick<Sample, "watching" | "capacity">): number | undefined {
  return capacity === 0 ? undefined : (100 * watching) / capacity;
}
