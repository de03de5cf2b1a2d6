/**
 * The load of each (group, role, region), kept as reports come: a report costs what one node costs, not what the fleet
 * costs. Follows the local copy of the nodes and the load feed from the start of the process, also while it does not lead.
 */
import type { AlarmDefinition } from "../domain/alarm-definitions.ts";
import type { Datapoint } from "../domain/alarm.ts";
import type { Role } from "../crds/names.ts";
import type { LoadGauges, RoleLoad } from "../domain/role-load.ts";
import type { Instant } from "../domain/time.ts";

/** A (role, region) of a group; the group by its `namespace/name`. */
export interface LoadPlace {
  readonly group: string;
  readonly role: Role;
  readonly region: string;
}

/** What deciding needs of the load. */
export interface LoadView {
  /** The load now, with the peak of the stabilization window (ms) before. */
  of(place: LoadPlace, stabilizationMs: number, now: Instant): RoleLoad;
  /** Over all regions of a group, for people; undefined while no region's is known. */
  ofGroup(group: string, role: Role, now: Instant): LoadGauges | undefined;
  /** The datapoints of the alarm's range in a region, oldest first: the periods end now. */
  datapoints(alarm: AlarmDefinition, place: LoadPlace, now: Instant): readonly Datapoint[];
}
