/** Removing many rows without keeping anybody else from the database for long. */
import { setImmediate } from "node:timers/promises";
import { Prisma, type PrismaClient } from "../generated/client.ts";

/** A table of ours; those whose rows go with its own come after it. */
export type PrunedTables = readonly [table: string, ...dependent: string[]];

/**
 * Removes the rows of a table that match, some at a time, and says how many they were. A row that another writer changes
 * at that moment is passed over: the next pruning looks at it again.
 */
export type Prune = (tables: PrunedTables, matches: Prisma.Sql) => Promise<number>;

/** Few enough for one statement to take a fraction of a second, with all that depends on the rows. */
const rowsPerStatement = 5_000;

/** What a store works with: the rows of one installation in a database. */
export interface StoreParts {
  readonly client: PrismaClient;
  readonly clusterId: string;
  readonly prune: Prune;
}

/** Prunes an installation's rows; with `vacuum` in a database that does not make room by itself where rows were removed. */
export function pruneWith(
  client: PrismaClient,
  { clusterId, vacuum }: { readonly clusterId: string; readonly vacuum: boolean },
): Prune {
  return async (tables, matches) => {
    const own = Prisma.sql`cluster_id = ${clusterId} AND ${matches}`;
    const removed = await removeAll(client, deletion(tables[0], own));
    if (vacuum && removed > 0) await client.$executeRaw(Prisma.sql`VACUUM ${Prisma.raw(tables.join(", "))}`);
    return removed;
  };
}

function deletion(table: string, matches: Prisma.Sql): Prisma.Sql {
  const name = Prisma.raw(table);
  return Prisma.sql`
    DELETE FROM ${name} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${name} WHERE ${matches} LIMIT ${rowsPerStatement}))`;
}

async function removeAll(client: PrismaClient, statement: Prisma.Sql): Promise<number> {
  for (let total = 0; ;) {
    const removed = await client.$executeRaw(statement);
    total += removed;
    if (removed < rowsPerStatement) return total;
    // The embedded server works on this very thread: others get their turn.
    await setImmediate();
  }
}
