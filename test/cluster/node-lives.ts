/** A PostgreSQL database of a test's own, and what the product wrote into it. */
import pg from "pg";

export interface OwnDatabase {
  readonly url: string;
  /** Names of the StreamNodes whose lives are open. */
  openLives(): Promise<readonly string[]>;
  /** Names of all StreamNodes that ever lived, oldest first. */
  allLives(): Promise<readonly string[]>;
  drop(): Promise<void>;
}

/** Creates an empty database beside the given one. */
export async function createDatabase(serverUrl: string, name: string): Promise<OwnDatabase> {
  await execute(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await execute(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    openLives: () => names(url.href, "SELECT name FROM node_life WHERE closed_at IS NULL ORDER BY name"),
    allLives: () => names(url.href, "SELECT name FROM node_life ORDER BY opened_at, name"),
    drop: () => execute(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function names(url: string, query: string): Promise<readonly string[]> {
  return withClient(url, async (client) => (await client.query<{ name: string }>(query)).rows.map((row) => row.name));
}

async function execute(url: string, statement: string): Promise<void> {
  await withClient(url, (client) => client.query(statement));
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
