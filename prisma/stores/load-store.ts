import type { Role } from "../../crds/names.ts";
import type { LoadMinute } from "../../domain/history.ts";
import type { LoadStore } from "../../domain/ports.ts";
import { type LoadMinute as LoadMinuteRow, Prisma } from "../generated/client.ts";
import type { StoreParts } from "./pruning.ts";
import { fromDate, recordset, timestamp } from "./recordset.ts";

/** Minutes of load in PostgreSQL. */
export function loadStore({ client, clusterId, prune }: StoreParts): LoadStore {
  return {
    add: async (minutes) => {
      if (minutes.length > 0) await client.$executeRaw(addStatement(clusterId, minutes));
    },
    read: async ({ namespace, group, from, to }) => {
      const minute = { gte: new Date(from), lt: new Date(to) };
      const orderBy = [{ minute: "asc" as const }, { role: "asc" as const }, { region: "asc" as const }];
      return (await client.loadMinute.findMany({ where: { clusterId, namespace, group, minute }, orderBy })).map(
        toMinute,
      );
    },
    during: async ({ namespace, group, from, to, limit }) => {
      const rows = await client.loadMinute.findMany({
        where: { clusterId, namespace, group, minute: { gte: new Date(from), lt: new Date(to) } },
        orderBy: [{ minute: "desc" }, { role: "asc" }, { region: "asc" }],
        take: limit,
      });
      return rows.map(toMinute);
    },
    prune: (before) => prune(["load_minute"], Prisma.sql`minute < ${timestamp(before)}::timestamptz`),
  };
}

/** Minutes are locked in one order, so that two writers never wait for each other in a circle. */
function addStatement(clusterId: string, minutes: readonly LoadMinute[]): Prisma.Sql {
  const rows = minutes.map((minute) => ({ ...minute, minute: timestamp(minute.minute) }));
  return Prisma.sql`
    INSERT INTO load_minute (cluster_id, namespace, "group", minute, role, region,
      samples, connections_sum, connections_max, publishers_sum, subscribers_sum)
    SELECT ${clusterId}, namespace, "group", minute, role, region,
      sum(samples), sum("connectionsSum"), max("connectionsMax"), sum("publishersSum"), sum("subscribersSum")
    FROM jsonb_to_recordset(${recordset(rows)}::jsonb) AS added(
      namespace text, "group" text, minute timestamptz, role text, region text, samples int,
      "connectionsSum" bigint, "connectionsMax" int, "publishersSum" bigint, "subscribersSum" bigint)
    GROUP BY namespace, "group", minute, role, region
    ORDER BY namespace, "group", minute, role, region
    ON CONFLICT (cluster_id, namespace, "group", minute, role, region) DO UPDATE SET
      samples = load_minute.samples + EXCLUDED.samples,
      connections_sum = load_minute.connections_sum + EXCLUDED.connections_sum,
      connections_max = GREATEST(load_minute.connections_max, EXCLUDED.connections_max),
      publishers_sum = load_minute.publishers_sum + EXCLUDED.publishers_sum,
      subscribers_sum = load_minute.subscribers_sum + EXCLUDED.subscribers_sum`;
}

function toMinute(row: LoadMinuteRow): LoadMinute {
  const { namespace, group, region, samples, connectionsMax } = row;
  return {
    ...{ namespace, group, region, samples, connectionsMax },
    role: row.role as Role,
    minute: fromDate(row.minute),
    connectionsSum: Number(row.connectionsSum),
    publishersSum: Number(row.publishersSum),
    subscribersSum: Number(row.subscribersSum),
  };
}
