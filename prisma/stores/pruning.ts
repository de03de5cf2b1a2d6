/** Removing many rows without keeping anybody else from the database for long. */
import { setImmediate } from "node:timers/promises";
import { Prisma } from "../generated/client.ts";
import type { PrismaClient } from "../generated/client.ts";

/** Few enough for one statement to take a fraction of a second, with all that depends on the rows. */
const rowsPerStatement = 5_000;

/**
 * Removes the rows of a table of ours that match, some at a time, and says how many they were. A row that another writer
 * changes at that moment is passed over: the next pruning looks at it again.
 */
export async function prune(client: PrismaClient, table: string, matches: Prisma.Sql): Promise<number> {
  const name = Prisma.raw(`"${table}"`);
  const statement = Prisma.sql`
    DELETE FROM ${name} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${name} WHERE ${matches} LIMIT ${rowsPerStatement}))`;
  for (let total = 0; ;) {
    const removed = await client.$executeRaw(statement);
    total += removed;
    if (removed < rowsPerStatement) return total;
    // The embedded server works on this very thread: others get their turn.
    await setImmediate();
  }
}
