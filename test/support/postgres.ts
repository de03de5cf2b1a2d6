/** A database of one's own on the server that `TEST_DATABASE_URL` names. */
import { randomUUID } from "node:crypto";
import pg from "pg";

/** The server's URL, or undefined where the tests run without one. `test/support/postgres.sh` starts a server. */
export const testServerUrl = process.env["TEST_DATABASE_URL"];

export interface ScratchDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Creates an empty database, so that test files that run at once do not see each other. */
export async function createScratchDatabase(serverUrl: string): Promise<ScratchDatabase> {
  const name = `streamfleet_test_${randomUUID().replaceAll("-", "")}`;
  await execute(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => execute(serverUrl, `DROP DATABASE ${name} WITH (FORCE)`) };
}

/** Runs one statement on a connection of its own. */
export async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** What one statement answers, on a connection of its own. */
export async function rowsOf<T extends pg.QueryResultRow>(url: string, sql: string): Promise<readonly T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
