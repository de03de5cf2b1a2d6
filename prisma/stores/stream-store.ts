import type { NodeStreamList, StreamRecord, StreamSighting } from "../../domain/history.ts";
import type { StreamStore } from "../../domain/ports.ts";
import { Prisma, type Stream as StreamRow } from "../generated/client.ts";
import type { StoreParts } from "./pruning.ts";
import { fromDate, recordset, timestamp } from "./recordset.ts";

/** Streams in PostgreSQL: one row for each time that a node carried a stream. */
export function streamStore({ client, clusterId, prune }: StoreParts): StreamStore {
  return {
    see: async (sightings) => {
      if (sightings.length > 0) await client.$executeRaw(seeStatement(clusterId, sightings));
    },
    endOthers: async (lists) => {
      if (lists.length > 0) await client.$executeRaw(endStatement(clusterId, lists));
    },
    prune: (before) => prune(["stream"], Prisma.sql`ended_at < ${timestamp(before)}::timestamptz`),
    during: async ({ namespace, group, from, to, limit }) => {
      const rows = await client.stream.findMany({
        where: {
          ...{ clusterId, namespace, group, startedAt: { lt: new Date(to) } },
          OR: [{ endedAt: null }, { endedAt: { gte: new Date(from) } }],
        },
        orderBy: [{ startedAt: "desc" }, { scope: "asc" }, { name: "asc" }, { nodeUid: "asc" }],
        take: limit,
      });
      return rows.map(toRecord);
    },
    live: async (filter) => {
      const orderBy = [{ scope: "asc" as const }, { name: "asc" as const }, { startedAt: "asc" as const }];
      const rows = await client.stream.findMany({ where: { clusterId, ...filter, endedAt: null }, orderBy });
      return rows.map(toRecord);
    },
  };
}

function seeStatement(clusterId: string, sightings: readonly StreamSighting[]): Prisma.Sql {
  const rows = sightings.map((sighting) => ({ ...sighting, at: timestamp(sighting.at) }));
  return Prisma.sql`
    INSERT INTO stream (cluster_id, namespace, "group", scope, name, node_uid, started_at, last_seen_at, peak_subscribers)
    SELECT ${clusterId}, min(seen.namespace), min(seen."group"), scope, name, "nodeUid", min(at), max(at), max(subscribers)
    FROM jsonb_to_recordset(${recordset(rows)}::jsonb) AS seen(
      namespace text, "group" text, scope text, name text, "nodeUid" text, subscribers int, at timestamptz)
    WHERE NOT EXISTS (SELECT FROM node_life WHERE cluster_id = ${clusterId} AND uid = seen."nodeUid" AND closed_at IS NOT NULL)
    GROUP BY "nodeUid", scope, name
    ORDER BY "nodeUid", scope, name
    ON CONFLICT (cluster_id, node_uid, scope, name) WHERE ended_at IS NULL DO UPDATE SET
      last_seen_at = GREATEST(stream.last_seen_at, EXCLUDED.last_seen_at),
      peak_subscribers = GREATEST(stream.peak_subscribers, EXCLUDED.peak_subscribers)`;
}

function endStatement(clusterId: string, lists: readonly NodeStreamList[]): Prisma.Sql {
  const nodes = lists.map(({ nodeUid, at }) => ({ nodeUid, at: timestamp(at) }));
  const kept = lists.flatMap(({ nodeUid, still }) => still.map(({ scope, name }) => ({ nodeUid, scope, name })));
  return Prisma.sql`
    UPDATE stream SET ended_at = GREATEST(node.at, stream.started_at)
    FROM jsonb_to_recordset(${recordset(nodes)}::jsonb) AS node("nodeUid" text, at timestamptz)
    WHERE stream.cluster_id = ${clusterId} AND stream.node_uid = node."nodeUid" AND stream.ended_at IS NULL
      AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(${recordset(kept)}::jsonb) AS kept("nodeUid" text, scope text, name text)
        WHERE kept."nodeUid" = stream.node_uid AND kept.scope = stream.scope AND kept.name = stream.name)`;
}

function toRecord(row: StreamRow): StreamRecord {
  const { namespace, group, scope, name, nodeUid, startedAt, lastSeenAt, endedAt, peakSubscribers } = row;
  return {
    ...{ namespace, group, scope, name, nodeUid, peakSubscribers },
    ...{ startedAt: fromDate(startedAt), lastSeenAt: fromDate(lastSeenAt) },
    ...(endedAt === null ? {} : { endedAt: fromDate(endedAt) }),
  };
}
