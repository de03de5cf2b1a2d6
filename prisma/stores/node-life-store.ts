import type { Phase, Role } from "../../crds/names.ts";
import type { HistorySpan, NodeLife, NodeLifeTransition, NodeTransition } from "../../domain/history.ts";
import type { NodeLifeStore } from "../../domain/ports.ts";
import { type NodeLife as NodeLifeRow, type NodeTransition as NodeTransitionRow, Prisma } from "../generated/client.ts";
import type { StoreParts } from "./pruning.ts";
import { fromDate, recordset, timestamp } from "./recordset.ts";

/** Node lives and their transitions in PostgreSQL. */
export function nodeLifeStore({ client, clusterId, prune }: StoreParts): NodeLifeStore {
  return {
    record: async (transitions) => {
      if (transitions.length > 0) await client.$executeRaw(recordStatement(clusterId, transitions));
    },
    close: async (ends) => {
      if (ends.length > 0) await client.$executeRaw(closeStatement(clusterId, ends));
    },
    closeAllExcept: async (uids, end) => {
      const [answer] = await client.$queryRaw<[{ readonly closed: bigint }]>(closeAllStatement(clusterId, uids, end));
      return Number(answer.closed);
    },
    prune: (before) =>
      prune(["node_life", "node_transition"], Prisma.sql`closed_at < ${timestamp(before)}::timestamptz`),
    open: async (filter) => {
      const where = { clusterId, ...filter, closedAt: null };
      return (await client.nodeLife.findMany({ where, orderBy: [{ openedAt: "asc" }, { uid: "asc" }] })).map(toLife);
    },
    during: async (span) => (await client.nodeLife.findMany(livesDuring(clusterId, span))).map(toLife),
    read: async (uid) => {
      const include = { transitions: { orderBy: [{ at: "asc" as const }, { sequence: "asc" as const }] } };
      const row = await client.nodeLife.findUnique({ where: { clusterId_uid: { clusterId, uid } }, include });
      return row === null ? undefined : { life: toLife(row), transitions: row.transitions.map(toTransition) };
    },
  };
}

function livesDuring(clusterId: string, { namespace, group, from, to, limit }: HistorySpan) {
  return {
    where: {
      ...{ clusterId, namespace, group, openedAt: { lt: new Date(to) } },
      OR: [{ closedAt: null }, { closedAt: { gte: new Date(from) } }],
    },
    orderBy: [{ openedAt: "desc" as const }, { uid: "asc" as const }],
    take: limit,
  };
}

/**
 * Rows are locked by uid in every statement, so that two writers never wait for each other in a circle. A provider id
 * that is known is never forgotten.
 */
function recordStatement(clusterId: string, transitions: readonly NodeLifeTransition[]): Prisma.Sql {
  const rows = transitions.map(({ life, phase, at, reason }, ordinal) => ({
    ...life,
    openedAt: timestamp(life.openedAt),
    ordinal,
    phase,
    at: timestamp(at),
    reason,
  }));
  return Prisma.sql`
    WITH incoming AS (
      SELECT * FROM jsonb_to_recordset(${recordset(rows)}::jsonb) AS incoming(
        uid text, namespace text, "group" text, name text, role text, region text, platform text, "providerId" text,
        "openedAt" timestamptz, ordinal int, phase text, at timestamptz, reason text)
    ), lives AS (
      INSERT INTO node_life AS life
        (cluster_id, uid, namespace, "group", name, role, region, platform, provider_id, opened_at)
      SELECT DISTINCT ON (uid) ${clusterId}, uid, namespace, "group", name, role, region, platform, "providerId", "openedAt"
      FROM incoming
      ORDER BY uid, "providerId" IS NULL, ordinal DESC
      ON CONFLICT (cluster_id, uid) DO UPDATE SET provider_id = EXCLUDED.provider_id
        WHERE EXCLUDED.provider_id IS NOT NULL AND life.provider_id IS DISTINCT FROM EXCLUDED.provider_id
    )
    INSERT INTO node_transition (cluster_id, life_uid, at, phase, reason)
    SELECT ${clusterId}, uid, at, phase, reason FROM incoming ORDER BY uid, ordinal
    ON CONFLICT DO NOTHING`;
}

function closeStatement(clusterId: string, ends: Parameters<NodeLifeStore["close"]>[0]): Prisma.Sql {
  const rows = ends.map(({ uid, at, reason }) => ({ uid, at: timestamp(at), reason }));
  return closing(
    clusterId,
    Prisma.sql`
    SELECT life.uid, ended.at, ended.reason
    FROM node_life AS life
    JOIN (
      SELECT DISTINCT ON (uid) uid, at, reason
      FROM jsonb_to_recordset(${recordset(rows)}::jsonb) AS ended(uid text, at timestamptz, reason text)
      ORDER BY uid, at
    ) AS ended ON ended.uid = life.uid
    WHERE life.cluster_id = ${clusterId} AND life.closed_at IS NULL`,
  );
}

function closeAllStatement(
  clusterId: string,
  uids: readonly string[],
  end: Parameters<NodeLifeStore["closeAllExcept"]>[1],
): Prisma.Sql {
  const rows = uids.map((uid) => ({ uid }));
  return closing(
    clusterId,
    Prisma.sql`
    SELECT life.uid, ${timestamp(end.at)}::timestamptz AS at, ${end.reason}::text AS reason
    FROM node_life AS life
    WHERE life.cluster_id = ${clusterId} AND life.closed_at IS NULL AND life.opened_at < ${timestamp(end.openedBefore)}::timestamptz
      AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(${recordset(rows)}::jsonb) AS kept(uid text) WHERE kept.uid = life.uid)`,
  );
}

/** Closes the lives that `ending` selects as (uid, at, reason), ends their streams, and answers how many lives closed. */
function closing(clusterId: string, ending: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    WITH ending AS MATERIALIZED (${ending} ORDER BY life.uid FOR NO KEY UPDATE OF life),
    closed AS (
      UPDATE node_life AS life SET closed_at = ending.at, close_reason = ending.reason
      FROM ending WHERE life.cluster_id = ${clusterId} AND life.uid = ending.uid AND life.closed_at IS NULL
      RETURNING life.uid, ending.at
    ), ended AS (
      UPDATE stream SET ended_at = GREATEST(closed.at, stream.started_at)
      FROM closed WHERE stream.cluster_id = ${clusterId} AND stream.node_uid = closed.uid AND stream.ended_at IS NULL
    )
    SELECT count(*) AS closed FROM closed`;
}

function toLife(row: NodeLifeRow): NodeLife {
  const { uid, namespace, group, name, region, platform, openedAt } = row;
  return {
    ...{ uid, namespace, group, name, role: row.role as Role, region, platform, openedAt: fromDate(openedAt) },
    ...(row.providerId === null ? {} : { providerId: row.providerId }),
    ...(row.closedAt === null ? {} : { closedAt: fromDate(row.closedAt) }),
    ...(row.closeReason === null ? {} : { closeReason: row.closeReason }),
  };
}

function toTransition({ phase, at, reason }: NodeTransitionRow): NodeTransition {
  return { phase: phase as Phase, at: fromDate(at), reason };
}
