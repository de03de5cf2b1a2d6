/** What the product wrote into its database of the lives of its nodes. */
import pg from "pg";

/** Names of the StreamNodes whose lives are open. */
export function openLives(databaseUrl: string): Promise<readonly string[]> {
  return names(databaseUrl, "SELECT name FROM node_life WHERE closed_at IS NULL ORDER BY name");
}

/** Names of all StreamNodes that ever lived, once for each life. */
export function allLives(databaseUrl: string): Promise<readonly string[]> {
  return names(databaseUrl, "SELECT name FROM node_life ORDER BY name");
}

async function names(databaseUrl: string, query: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(query);
    return rows.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
