import type { Role } from "../../crds/names.ts";
import type { LastReport } from "../../domain/history.ts";
import type { LastReportStore } from "../../domain/ports.ts";
import { type LastReport as LastReportRow, Prisma } from "../generated/client.ts";
import type { StoreParts } from "./pruning.ts";
import { fromDate, recordset, timestamp } from "./recordset.ts";

/** Last reports in PostgreSQL: one row for each node. */
export function lastReportStore({ client, clusterId, prune }: StoreParts): LastReportStore {
  return {
    record: async (reports) => {
      if (reports.length > 0) await client.$executeRaw(recordStatement(clusterId, reports));
    },
    read: async (filter) => {
      const orderBy = [{ name: "asc" as const }, { lastReportAt: "asc" as const }];
      return (await client.lastReport.findMany({ where: { clusterId, ...filter }, orderBy })).map(toReport);
    },
    prune: (before) => prune(["last_report"], Prisma.sql`last_report_at < ${timestamp(before)}::timestamptz`),
  };
}

const newer = Prisma.sql`(EXCLUDED.last_report_at, EXCLUDED.sequence) > (last.last_report_at, last.sequence)`;

/** What a newer report replaces; what a node is does not change. */
const replaced = Prisma.join(
  [
    ...["boot_id", "sequence", "connections", "publishers", "subscribers"],
    ...["cpu_percent", "memory_percent", "egress_mbps", "last_report_at"],
  ].map((column) => {
    const name = Prisma.raw(column);
    return Prisma.sql`${name} = CASE WHEN ${newer} THEN EXCLUDED.${name} ELSE last.${name} END`;
  }),
);

/** Rows are locked by uid, so that two writers never wait for each other in a circle. */
function recordStatement(clusterId: string, reports: readonly LastReport[]): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO last_report AS last (cluster_id, uid, namespace, "group", name, role, region, boot_id, sequence,
      connections, publishers, subscribers, cpu_percent, memory_percent, egress_mbps, last_report_at, last_traffic_at)
    SELECT ${clusterId}, uid, namespace, "group", name, role, region, "bootId", sequence,
      connections, publishers, subscribers, "cpuPercent", "memoryPercent", "egressMbps", "lastReportAt", "lastTrafficAt"
    FROM jsonb_to_recordset(${recordset(reports.map(toRow))}::jsonb) AS said(
      uid text, namespace text, "group" text, name text, role text, region text, "bootId" text, sequence bigint,
      connections int, publishers int, subscribers int, "cpuPercent" float8, "memoryPercent" float8, "egressMbps" float8,
      "lastReportAt" timestamptz, "lastTrafficAt" timestamptz)
    ORDER BY uid
    ON CONFLICT (cluster_id, uid) DO UPDATE SET ${replaced},
      last_traffic_at = GREATEST(last.last_traffic_at, EXCLUDED.last_traffic_at)
    WHERE ${newer} OR EXCLUDED.last_traffic_at > COALESCE(last.last_traffic_at, '-infinity')`;
}

function toRow({ lastReportAt, lastTrafficAt, ...report }: LastReport): object {
  return {
    ...report,
    lastReportAt: timestamp(lastReportAt),
    ...(lastTrafficAt === undefined ? {} : { lastTrafficAt: timestamp(lastTrafficAt) }),
  };
}

function toReport(row: LastReportRow): LastReport {
  const { uid, namespace, group, name, region, bootId, connections, publishers, subscribers } = row;
  return {
    ...{ uid, namespace, group, name, role: row.role as Role, region, bootId, sequence: Number(row.sequence) },
    ...{ connections, publishers, subscribers, lastReportAt: fromDate(row.lastReportAt) },
    ...(row.cpuPercent === null ? {} : { cpuPercent: row.cpuPercent }),
    ...(row.memoryPercent === null ? {} : { memoryPercent: row.memoryPercent }),
    ...(row.egressMbps === null ? {} : { egressMbps: row.egressMbps }),
    ...(row.lastTrafficAt === null ? {} : { lastTrafficAt: fromDate(row.lastTrafficAt) }),
  };
}
