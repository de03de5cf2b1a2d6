/** Telling a connection pooler that gives each transaction another session from one that is as good as the server. */
import { DatabaseOpenError } from "./history-database.ts";

/** One connection, as far as it is asked here. */
export interface AskedConnection {
  query(sql: string): Promise<{ readonly rows: readonly unknown[] }>;
}

/** A busy pooler may hand out other sessions in between: so often both are asked. */
const rounds = 8;

const message =
  "a connection pooler in transaction mode stands before the database, which would mix up schemas and settings: set pool_mode = session for this database, or name the server itself in DATABASE_URL";

/**
 * Two connections that are open at once have a session each, and keep it, unless a pooler lends them out by the transaction.
 * @throws DatabaseOpenError where one does.
 */
export async function assertOwnSessions(first: AskedConnection, second: AskedConnection): Promise<void> {
  const seen = { first: new Set<unknown>(), second: new Set<unknown>() };
  for (let round = 0; round < rounds; round++) {
    seen.first.add(await sessionOf(first));
    seen.second.add(await sessionOf(second));
  }
  const shared = seen.first.size > 1 || seen.second.size > 1 || !seen.first.isDisjointFrom(seen.second);
  if (shared) throw new DatabaseOpenError(message);
}

async function sessionOf(connection: AskedConnection): Promise<unknown> {
  const { rows } = await connection.query("SELECT pg_backend_pid() AS pid");
  const [row] = rows;
  return typeof row === "object" && row !== null && "pid" in row ? row.pid : undefined;
}
