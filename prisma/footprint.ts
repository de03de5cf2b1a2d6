/** How much room the history of one installation takes, and how it is given back. */
import type { HistoryFootprint } from "../domain/ports.ts";
import { Prisma, type PrismaClient } from "./generated/client.ts";
import { fromDate } from "./stores/recordset.ts";

/** Our tables, each with the column that tells the age of a row. */
const tables = [
  ["node_life", "opened_at"],
  ["stream", "started_at"],
  ["load_minute", "minute"],
  ["scaling_activity", "first_at"],
  ["alarm_transition", "at"],
  ["last_report", "last_report_at"],
] as const;
/** Its rows have no age of their own: they go with the life that they belong to. */
const dependent = "node_transition";
const names = [...tables.map(([name]) => name), dependent];

interface Sizes {
  readonly relation: string;
  readonly heap: bigint;
  readonly total: bigint;
}

/** `compacts`: whether removed rows go on to take room until the tables are written anew, as in the embedded server. */
export function prismaFootprint(
  client: PrismaClient,
  { clusterId, compacts }: { readonly clusterId: string; readonly compacts: boolean },
): HistoryFootprint {
  const sizes = (): Promise<readonly Sizes[]> =>
    client.$queryRaw<Sizes[]>(Prisma.sql`
      SELECT name AS relation, pg_relation_size(name::regclass) AS heap, pg_total_relation_size(name::regclass) AS total
      FROM unnest(${names}::text[]) AS name`);
  return {
    exceeds: async (bytes) => {
      const all = await sizes();
      // Reading every row is worth it only where the files are large: they hold removed rows, and those of others as well.
      if (all.reduce((sum, { total }) => sum + Number(total), 0) <= bytes) return false;
      let own = 0;
      for (const { relation, heap, total } of all) {
        if (Number(heap) > 0) own += (await ownBytes(client, relation, clusterId)) * (Number(total) / Number(heap));
      }
      return own > bytes;
    },
    oldest: async () => {
      const ages = tables.map(
        ([name, column]) =>
          Prisma.sql`SELECT min(${Prisma.raw(column)}) AS at FROM ${Prisma.raw(name)} WHERE cluster_id = ${clusterId}`,
      );
      const rows = await client.$queryRaw<{ readonly at: Date | null }[]>(
        Prisma.sql`SELECT min(at) AS at FROM (${Prisma.join(ages, " UNION ALL ")}) AS ages`,
      );
      const at = rows[0]?.at;
      return at === null || at === undefined ? undefined : fromDate(at);
    },
    compact: async () => {
      if (compacts) await client.$executeRaw(Prisma.sql`VACUUM FULL ${Prisma.raw(names.join(", "))}`);
    },
  };
}

async function ownBytes(client: PrismaClient, relation: string, clusterId: string): Promise<number> {
  const table = Prisma.raw(relation);
  const rows = await client.$queryRaw<{ readonly bytes: bigint | null }[]>(
    Prisma.sql`SELECT sum(pg_column_size(own.*))::bigint AS bytes FROM ${table} AS own WHERE cluster_id = ${clusterId}`,
  );
  return Number(rows[0]?.bytes ?? 0);
}
