import type { Role } from "../../crds/names.ts";
import type { DecidedActivity, ScalingActivity } from "../../domain/history.ts";
import type { ActivityStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { Prisma, type ScalingActivity as ScalingActivityRow } from "../generated/client.ts";
import type { StoreParts } from "./pruning.ts";
import { fromDate, recordset, timestamp } from "./recordset.ts";

/** Lost races in a row after which something else must be wrong. */
const maxAttempts = 10;

/** Scaling activities in PostgreSQL. */
export function activityStore({ client, clusterId, prune }: StoreParts): ActivityStore {
  return {
    record: async (activity, at, count = 1) => {
      const statement = recordStatement(clusterId, activity, { at, count });
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        if ((await client.$executeRaw(statement)) > 0) return;
      }
      throw new Error("another writer took the activity's number again and again");
    },
    last: async ({ namespace, group, limit, until }) => {
      const begun = until === undefined ? {} : { firstAt: { lte: new Date(until) } };
      const orderBy = [
        { firstAt: "desc" as const },
        { role: "asc" as const },
        { region: "asc" as const },
        { number: "desc" as const },
      ];
      const rows = await client.scalingActivity.findMany({
        where: { clusterId, namespace, group, ...begun },
        orderBy,
        take: limit,
      });
      return rows.map(toActivity);
    },
    prune: (before) => {
      const at = Prisma.sql`${timestamp(before)}::timestamptz`;
      // An activity begins before it ends: the first condition says nothing new, but has an index.
      return prune(["scaling_activity"], Prisma.sql`first_at < ${at} AND last_at < ${at}`);
    },
  };
}

/**
 * Aims at the newest row's number when that row says the same, else at the next one. A writer that lost the race for
 * the next number counts it when the winner said the same; otherwise it changes no row, and looks again.
 */
function recordStatement(
  clusterId: string,
  activity: DecidedActivity,
  { at, count }: { readonly at: Instant; readonly count: number },
): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO scaling_activity AS activity (cluster_id, namespace, "group", role, region, number,
      kind, reason, message, decider_version, input, first_at, last_at, count)
    SELECT ${clusterId}, said.namespace, said."group", said.role, said.region,
      CASE WHEN newest.number IS NULL THEN 0
        WHEN newest.kind = said.kind AND newest.reason = said.reason THEN newest.number
        ELSE newest.number + 1 END,
      said.kind, said.reason, said.message, said."deciderVersion",
      COALESCE(said.input, 'null'), ${timestamp(at)}::timestamptz, ${timestamp(at)}::timestamptz, ${count}::int
    FROM jsonb_to_recordset(${recordset([activity])}::jsonb) AS said(namespace text, "group" text, role text, region text,
      kind text, reason text, message text, "deciderVersion" int, input jsonb)
    LEFT JOIN LATERAL (
      SELECT number, kind, reason FROM scaling_activity AS last
      WHERE last.cluster_id = ${clusterId} AND last.namespace = said.namespace AND last."group" = said."group"
        AND last.role = said.role AND last.region = said.region
      ORDER BY number DESC LIMIT 1
    ) AS newest ON true
    ON CONFLICT (cluster_id, namespace, "group", role, region, number) DO UPDATE SET
      count = activity.count + EXCLUDED.count,
      latest_message = CASE WHEN EXCLUDED.last_at < activity.last_at THEN activity.latest_message
        ELSE NULLIF(EXCLUDED.message, activity.message) END,
      last_at = GREATEST(activity.last_at, EXCLUDED.last_at)
    WHERE activity.kind = EXCLUDED.kind AND activity.reason = EXCLUDED.reason`;
}

function toActivity(row: ScalingActivityRow): ScalingActivity {
  const { namespace, group, region, kind, reason, message, deciderVersion, input, count } = row;
  return {
    ...{ namespace, group, region, kind, reason, message, deciderVersion, input, count },
    role: row.role as Role,
    firstAt: fromDate(row.firstAt),
    lastAt: fromDate(row.lastAt),
    ...(row.latestMessage !== null && { latestMessage: row.latestMessage }),
  };
}
