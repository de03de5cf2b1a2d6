/** A PostgreSQL server, by URL. Nothing is asked of it before the first query: it may be down, now or later. */
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { prismaFootprint } from "./footprint.ts";
import { PrismaClient } from "./generated/client.ts";
import { DatabaseOpenError } from "./history-database.ts";
import type { HistoryDatabase } from "./history-database.ts";
import { migrate } from "./migration-runner.ts";
import { prismaHistory } from "./prisma-history.ts";

export interface PostgresOptions {
  /** `postgresql://user:password@host:port/database`; `?schema=` names a schema other than `public`. */
  readonly url: string;
  /** The installation (STREAMFLEET_CLUSTER_ID) whose history it is; others may share the database. */
  readonly clusterId: string;
  readonly maxConnections?: number;
  /** Told of connections that broke while nobody used them. The pool replaces them. */
  readonly onConnectionError?: (error: Error) => void;
}

/** A database that can be reached or not; see `migrate`. */
export interface PostgresDatabase extends HistoryDatabase {
  /**
   * Brings the database to our schema and says which migrations that took. To be repeated while the server is down.
   * @throws MigrationError when repeating cannot help.
   */
  migrate(): Promise<readonly string[]>;
}

const connectTimeoutMs = 5_000;
/** The server gives up a statement first, so that the connection stays usable. */
const statementTimeoutMs = 10_000;
const answerTimeoutMs = 15_000;
const migrationLockTimeoutMs = 30_000;

/**
 * The database at a URL.
 * @throws DatabaseOpenError when the URL names none.
 */
export function connectPostgres(options: PostgresOptions): PostgresDatabase {
  const { connection, schema } = readUrl(options.url);
  const pool = openPool(connection, schema, options);
  const client = new PrismaClient({ adapter: new PrismaPg(pool, { schema }) });
  const letGo = async (): Promise<void> => {
    await client.$disconnect();
    await pool.end();
  };
  let closing: Promise<void> | undefined;
  return {
    history: prismaHistory(client, options),
    footprint: prismaFootprint(client, { clusterId: options.clusterId, compacts: false }),
    ping: async () => {
      await pool.query("SELECT 1");
    },
    migrate: () => migrateOver(connection, schema, options.clusterId),
    close: () => (closing ??= letGo()),
  };
}

function openPool(connection: pg.ClientConfig, schema: string, options: PostgresOptions): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    max: options.maxConnections ?? 5,
    query_timeout: answerTimeoutMs,
    verify: (client, done) => {
      client.on("error", passOver);
      prepareSession(client, schema, `SET statement_timeout = ${statementTimeoutMs}`).then(() => done(), done);
    },
  });
  // Without a listener an idle connection that breaks would end the process.
  pool.on("error", (error) => options.onConnectionError?.(error));
  return pool;
}

/** A connection in use that breaks fails its query, which says so; without a listener it would also end the process. */
function passOver(): void {
  return;
}

/** The adapter reads times as UTC whatever the session says; statements find our tables by the search path. */
async function prepareSession(client: pg.ClientBase, schema: string, limit: string): Promise<void> {
  const name = pg.escapeIdentifier(schema);
  await client.query(`SET TimeZone = 'UTC'; SET search_path = ${name}; ${limit}`);
}

async function migrateOver(connection: pg.ClientConfig, schema: string, clusterId: string): Promise<readonly string[]> {
  const client = new pg.Client(connection);
  const broken = failureOf(client);
  try {
    return await Promise.race([broken, migrateAs(client, schema, clusterId)]);
  } finally {
    await client.end();
  }
}

/** Rejects when the connection breaks; without a listener that would end the process. */
function failureOf(client: pg.Client): Promise<never> {
  const broken = new Promise<never>((_resolve, reject) => client.on("error", reject));
  broken.catch(() => undefined);
  return broken;
}

async function migrateAs(client: pg.Client, schema: string, clusterId: string): Promise<readonly string[]> {
  await client.connect();
  if (schema !== "public") await client.query(`CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(schema)}`);
  await prepareSession(client, schema, `SET lock_timeout = ${migrationLockTimeoutMs}`);
  const query = (sql: string, parameters?: unknown[]) => client.query(sql, parameters);
  return migrate({ query, exec: (sql) => client.query(sql) }, { clusterId });
}

function readUrl(text: string): { readonly connection: pg.ClientConfig; readonly schema: string } {
  const url = URL.parse(text);
  if (url === null || !["postgres:", "postgresql:"].includes(url.protocol)) {
    throw new DatabaseOpenError("the database URL must read postgresql://user:password@host:port/database");
  }
  const schema = url.searchParams.get("schema") ?? "public";
  url.searchParams.delete("schema");
  const connection = {
    connectionString: url.href,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: "streamfleet",
  };
  return { connection, schema };
}
