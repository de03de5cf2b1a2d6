/** The fleet as a simulation looks at it: from the objects of the Kubernetes API, as any other onlooker could. */
import type { Phase, Role } from "../../crds/names.ts";
import type { AlarmStatus, NodeGroup, RoleStatus } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { AlarmDefinition } from "../../domain/alarm/alarm-definitions.ts";
import { wasToldToEnd } from "../../domain/node/claim.ts";
import { findCondition } from "../../domain/conditions.ts";
import type { SeenNode } from "./room-tracker.ts";

export interface FleetNode extends SeenNode {
  readonly uid: string;
  readonly region: string;
  readonly phase: Phase;
  /** It was marked to drain before its end. */
  readonly marked: boolean;
}

export interface FleetView {
  readonly nodes: readonly FleetNode[];
  readonly alarms: readonly AlarmStatus[];
  readonly decisions: readonly RoleStatus[];
}

export function fleetView(group: NodeGroup | undefined, nodes: readonly StreamNode[]): FleetView {
  return {
    nodes: nodes.map(toFleetNode).sort((a, b) => (a.name < b.name ? -1 : 1)),
    alarms: group?.status?.alarms ?? [],
    decisions: group?.status?.roles ?? [],
  };
}

function toFleetNode({ metadata, spec, status }: StreamNode): FleetNode {
  const phase = status?.phase ?? "Pending";
  const draining = spec.drain !== undefined || metadata.deletionTimestamp !== undefined;
  return {
    uid: metadata.uid,
    name: metadata.name,
    role: spec.role,
    region: spec.region,
    phase,
    capacity: spec.launch.connectionCapacity,
    serving: phase === "InService" && !draining,
    draining,
    marked: spec.drain !== undefined,
    toldToEnd:
      wasToldToEnd({ metadata, status }) && findCondition(status?.conditions, "InService")?.reason !== "MachineGone",
  };
}

/** The role that viewers are sent to. */
export function viewerRole({ nodes }: Pick<FleetView, "nodes">): Role {
  return nodes.length > 0 && !nodes.some(({ role }) => role === "edge") ? "origin" : "edge";
}

/** Lowest load (percent of connections) above which the role gets more nodes; undefined where no alarm watches it so. */
export function scaleOutThreshold(alarms: readonly AlarmDefinition[], of: Role): number | undefined {
  const thresholds = alarms
    .filter(({ role, action, metric }) => role === of && action === "ScaleOut" && metric === "ConnectionUtilization")
    .map(({ threshold }) => threshold);
  return thresholds.length === 0 ? undefined : Math.min(...thresholds);
}

/** Counts what was launched, drained and ended, from looks at the fleet; what came and went between two looks is not seen. */
export class FleetTally {
  readonly #known = new Set<string>();
  readonly #marked = new Set<string>();
  readonly #ended = new Set<string>();
  #looks = 0;
  #launched = 0;
  #drained = 0;
  #endedUndrained = 0;

  get launched(): number {
    return this.#launched;
  }

  get drained(): number {
    return this.#drained;
  }

  /** Nodes whose machine was told to terminate though they had not been marked to drain: somebody deleted them. */
  get endedUndrained(): number {
    return this.#endedUndrained;
  }

  /** What is there at the first look was there before. */
  see({ nodes }: Pick<FleetView, "nodes">): void {
    const counts = this.#looks > 0 ? 1 : 0;
    for (const { uid, marked, toldToEnd } of nodes) {
      if (!this.#known.has(uid)) this.#launched += counts;
      if (marked && !this.#marked.has(uid)) this.#drained += counts;
      if (toldToEnd && !marked && !this.#ended.has(uid)) this.#endedUndrained += counts;
      this.#known.add(uid);
      if (marked) this.#marked.add(uid);
      if (toldToEnd) this.#ended.add(uid);
    }
    this.#looks += 1;
  }
}
