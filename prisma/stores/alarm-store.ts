import type { Role } from "../../crds/names.ts";
import type { AlarmState } from "../../domain/alarm/alarm-state.ts";
import type { AlarmTransition } from "../../domain/history.ts";
import type { AlarmTransitionStore } from "../../domain/ports.ts";
import { type AlarmTransition as AlarmTransitionRow, Prisma } from "../generated/client.ts";
import type { StoreParts } from "./pruning.ts";
import { fromDate, recordset, timestamp } from "./recordset.ts";

/** Transitions of alarms in PostgreSQL. */
export function alarmStore({ client, clusterId, prune }: StoreParts): AlarmTransitionStore {
  return {
    record: async (transitions) => {
      if (transitions.length > 0) await client.$executeRaw(recordStatement(clusterId, transitions));
    },
    during: async ({ namespace, group, from, to, limit }) => {
      const orderBy = [{ at: "desc" as const }, { alarm: "asc" as const }, { region: "asc" as const }];
      const rows = await client.alarmTransition.findMany({
        where: { clusterId, namespace, group, at: { gte: new Date(from), lt: new Date(to) } },
        orderBy,
        take: limit,
      });
      return rows.map(toTransition);
    },
    prune: (before) => prune(["alarm_transition"], Prisma.sql`at < ${timestamp(before)}::timestamptz`),
  };
}

/** Keys are inserted in one order, so that two writers never wait for each other in a circle. */
function recordStatement(clusterId: string, transitions: readonly AlarmTransition[]): Prisma.Sql {
  const rows = transitions.map((transition) => ({ ...transition, at: timestamp(transition.at) }));
  return Prisma.sql`
    INSERT INTO alarm_transition (cluster_id, namespace, "group", alarm, region, at, role, from_state, to_state, reason)
    SELECT ${clusterId}, namespace, "group", alarm, region, at, role, "from", "to", reason
    FROM jsonb_to_recordset(${recordset(rows)}::jsonb) AS said(namespace text, "group" text, alarm text, region text,
      at timestamptz, role text, "from" text, "to" text, reason text)
    ORDER BY namespace, "group", alarm, region, at
    ON CONFLICT DO NOTHING`;
}

function toTransition(row: AlarmTransitionRow): AlarmTransition {
  const { namespace, group, alarm, region, reason } = row;
  return {
    ...{ namespace, group, alarm, region, reason },
    role: row.role as Role,
    from: row.from as AlarmState,
    to: row.to as AlarmState,
    at: fromDate(row.at),
  };
}
