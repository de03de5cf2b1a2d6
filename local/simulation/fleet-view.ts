/** The fleet as a simulation looks at it: from the objects of the Kubernetes API, as any other onlooker could. */
import type { Phase, Role } from "../../crds/names.ts";
import type { AlarmStatus, NodeGroup, RoleStatus } from "../../crds/node-group.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { AlarmDefinition } from "../../domain/alarm-definitions.ts";
import type { SeenNode } from "./room-book.ts";

export interface FleetNode extends SeenNode {
  readonly uid: string;
  readonly region: string;
  readonly phase: Phase;
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

/** Counts what was launched and drained, from looks at the fleet; what came and went between two looks is not seen. */
export class FleetTally {
  readonly #known = new Set<string>();
  readonly #draining = new Set<string>();
  #looks = 0;
  #launched = 0;
  #drained = 0;

  get launched(): number {
    return this.#launched;
  }

  get drained(): number {
    return this.#drained;
  }

  /** What is there at the first look was there before. */
  see({ nodes }: Pick<FleetView, "nodes">): void {
    for (const { uid, draining } of nodes) {
      if (!this.#known.has(uid) && this.#looks > 0) this.#launched += 1;
      if (draining && !this.#draining.has(uid)) {
        this.#draining.add(uid);
        if (this.#looks > 0) this.#drained += 1;
      }
      this.#known.add(uid);
    }
    this.#looks += 1;
  }
}
