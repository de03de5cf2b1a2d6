/** A PostgreSQL server, by URL. Nothing is asked of it before the first query: it may be down, now or later. */
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { databaseFailure, type DatabaseTarget } from "./database-failure.ts";
import { prismaFootprint } from "./footprint.ts";
import { PrismaClient } from "./generated/client.ts";
import { DatabaseOpenError, type HistoryDatabase } from "./history-database.ts";
import { migrate, MigrationError, type NewerMigrations } from "./migration-runner.ts";
import { assertOwnSessions } from "./pooler.ts";
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
   * @throws MigrationError when the schema is not ours to change, DatabaseOpenError when the database cannot be used; each
   * message is one line that says what to do.
   */
  migrate(newer: NewerMigrations): Promise<readonly string[]>;
}

/** One for each kind of history that is written, so that none waits for another, and two for readers. */
const usualConnections = 8;
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
  const target = targetOf(connection, schema);
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
    migrate: (newer) => migrateOver({ connection, target }, { clusterId: options.clusterId, newer }),
    diagnose: (error) => databaseFailure(error, target),
    close: () => (closing ??= letGo()),
  };
}

function openPool(connection: pg.ClientConfig, schema: string, options: PostgresOptions): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    max: options.maxConnections ?? usualConnections,
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

/**
 * What the server, the database or the role may set otherwise. The adapter reads times as ISO texts in UTC; statements find our
 * tables by the search path; a write that meets another one repeats itself only under read committed; numbers keep all digits.
 */
const neededSettings = [
  "SET TimeZone = 'UTC'",
  "SET DateStyle = 'ISO, MDY'",
  "SET default_transaction_isolation = 'read committed'",
  "SET default_transaction_deferrable = off",
  "SET extra_float_digits = 1",
];

async function prepareSession(client: pg.ClientBase, schema: string, limit: string): Promise<void> {
  const settings = [...neededSettings, `SET search_path = ${pg.escapeIdentifier(schema)}`, limit];
  await client.query(settings.join("; "));
}

interface MigratedDatabase {
  readonly connection: pg.ClientConfig;
  readonly target: DatabaseTarget;
}

type MigrateAs = { readonly clusterId: string; readonly newer: NewerMigrations };

async function migrateOver({ connection, target }: MigratedDatabase, options: MigrateAs): Promise<readonly string[]> {
  const clients = [new pg.Client(connection), new pg.Client(connection)] as const;
  try {
    return await Promise.race([...clients.map(failureOf), migrateWith(clients, target.schema, options)]);
  } catch (cause) {
    if (cause instanceof MigrationError || cause instanceof DatabaseOpenError) throw cause;
    throw new DatabaseOpenError(databaseFailure(cause, target), { cause });
  } finally {
    await Promise.allSettled(clients.map((client) => client.end()));
  }
}

/** Rejects when the connection breaks; without a listener that would end the process. */
function failureOf(client: pg.Client): Promise<never> {
  const broken = new Promise<never>((_resolve, reject) => client.on("error", reject));
  broken.catch(() => undefined);
  return broken;
}

/** The second connection only shows that there are two sessions. */
async function migrateWith(
  [client, other]: readonly [pg.Client, pg.Client],
  schema: string,
  options: MigrateAs,
): Promise<readonly string[]> {
  await client.connect();
  await other.connect();
  await assertOwnSessions(client, other);
  await other.end();
  await prepareSession(client, schema, `SET lock_timeout = ${migrationLockTimeoutMs}`);
  const query = (sql: string, parameters?: unknown[]) => client.query(sql, parameters);
  return migrate({ query, exec: (sql) => client.query(sql) }, { ...options, schema });
}

function targetOf(connection: pg.ClientConfig, schema: string): DatabaseTarget {
  const { host, port, database, user } = new pg.Client(connection);
  return { host, port, database: database ?? "", user: user ?? "", schema };
}

function readUrl(text: string): { readonly connection: pg.ClientConfig; readonly schema: string } {
  const url = URL.parse(text);
  if (url === null || !["postgres:", "postgresql:"].includes(url.protocol)) {
    throw new DatabaseOpenError("the database URL must read postgresql://user:password@host:port/database");
  }
  const schema = url.searchParams.get("schema") ?? "public";
  url.searchParams.delete("schema");
  saySslMode(url.searchParams);
  const connection = {
    connectionString: url.href,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: "streamfleet",
  };
  return { connection, schema };
}

/** What the library takes these modes for until its next major version, said outright: else it warns on the terminal. */
function saySslMode(parameters: URLSearchParams): void {
  const mode = parameters.get("sslmode") ?? "";
  if (parameters.has("uselibpqcompat") || !["prefer", "require", "verify-ca"].includes(mode)) return;
  parameters.set("sslmode", "verify-full");
}
