/** Brings a database to our schema: applies what is missing from `prisma/migrations`, as Prisma Migrate records it. */
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** ONE connection to a database: locks and transactions belong to it. */
export interface MigrationConnection {
  query(sql: string, parameters?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** Runs a script of several statements. */
  exec(sql: string): Promise<unknown>;
}

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the script, in hex. */
  readonly checksum: string;
}

/** A row of `_prisma_migrations` that was not rolled back. */
export interface RecordedMigration {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
}

/**
 * What is done about migrations that this build does not know, for a newer one made them. `Tolerate`: history goes on where
 * they only add, so that an upgrade can be taken back; one that takes something away says so by its name.
 */
export type NewerMigrations = "Refuse" | "Tolerate";

/** How the name of a migration ends under which an older version cannot work: it drops, renames or tightens. */
export const breakingSuffix = "_breaking";

/** The database's schema is not ours to change, or a migration failed. The message is one line for people. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
  readonly isForPeople = true;
}

/** The key that Prisma Migrate takes, so that neither runs beside the other. */
const advisoryLockKey = 72_707_369;

/** PostgreSQL's word for a lock that was not granted within `lock_timeout`. */
const lockNotAvailable = "55P03";

/** SQLSTATE classes that speak of the connection or the server's resources, not of the script. */
const temporaryClasses: ReadonlySet<string> = new Set(["08", "40", "53", "55", "57", "58"]);

const recordTable = `CREATE TABLE _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum VARCHAR(64) NOT NULL,
  finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL,
  logs TEXT,
  rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

/** Where the migrations of this build are. */
export const migrationsDirectory = join(import.meta.dirname, "migrations");

export interface MigrateOptions {
  /** Whose the rows are that belong to nobody yet. */
  readonly clusterId: string;
  readonly newer: NewerMigrations;
  /** The schema that the connection's `search_path` names, which is created where it is missing; absent: it is there. */
  readonly schema?: string;
  /** Absent: the migrations of this build. */
  readonly directory?: string;
}

/**
 * Applies the migrations that the database lacks, each in one transaction, and says which they were. Waits for another
 * process that migrates, for as long as the connection's `lock_timeout` allows. Looks before it creates anything: a role that
 * may only read and write rows is enough where nothing is missing.
 * @throws MigrationError, and whatever the connection throws.
 */
export async function migrate(
  connection: MigrationConnection,
  { clusterId, newer, schema, directory = migrationsDirectory }: MigrateOptions,
): Promise<readonly string[]> {
  const migrations = await readMigrations(directory);
  await lock(connection);
  try {
    await connection.query("SELECT set_config('streamfleet.cluster_id', $1, false)", [clusterId]);
    if (schema !== undefined) await createSchema(connection, schema);
    const missing = missingMigrations(migrations, await readRecords(connection), newer);
    for (const migration of missing) await apply(connection, migration);
    return missing.map(({ name }) => name);
  } finally {
    await unlock(connection);
  }
}

/**
 * The migrations to apply, in order.
 * @throws MigrationError when the database is another application's, or has a migration that failed, that was edited since, or
 * that we do not know and may not tolerate.
 */
export function missingMigrations(
  migrations: readonly Migration[],
  records: readonly RecordedMigration[],
  newer: NewerMigrations,
): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const [foreign] = records;
  if (foreign !== undefined && !records.some(({ name }) => known.has(name))) throw new MigrationError(whoseIs(foreign));
  for (const record of records) {
    const objection = objectionTo(record, known.get(record.name), newer);
    if (objection !== undefined) throw new MigrationError(objection);
  }
  const done = new Set(records.map(({ name }) => name));
  return migrations.filter(({ name }) => !done.has(name));
}

function whoseIs({ name }: RecordedMigration): string {
  return `the schema belongs to another application, whose migration ${name} is none of ours: give streamfleet a schema of its own, with ?schema=streamfleet in DATABASE_URL`;
}

function objectionTo(
  record: RecordedMigration,
  migration: Migration | undefined,
  newer: NewerMigrations,
): string | undefined {
  if (!record.finished) return `the database's migration ${record.name} did not finish: resolve it with Prisma Migrate`;
  if (migration === undefined) return newer === "Refuse" || isBreaking(record) ? unknownMigration(record) : undefined;
  if (migration.checksum !== record.checksum) {
    return `migration ${record.name} was edited after it was applied to the database`;
  }
  return undefined;
}

function isBreaking({ name }: RecordedMigration): boolean {
  return name.endsWith(breakingSuffix);
}

function unknownMigration(record: RecordedMigration): string {
  const why = isBreaking(record) ? ", and an older one cannot work with it" : "";
  return `the database has migration ${record.name}, which this version of streamfleet does not know: a newer one made it${why}; run that version, or name another schema with ?schema= in DATABASE_URL`;
}

async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(names.sort().map((name) => readMigration(directory, name)));
}

async function readMigration(directory: string, name: string): Promise<Migration> {
  const text = await readFile(join(directory, name, "migration.sql"), "utf8");
  // A checkout on Windows may have changed the line ends, which is no edit.
  const sql = text.replaceAll("\r\n", "\n");
  return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
}

async function createSchema(connection: MigrationConnection, schema: string): Promise<void> {
  if (await exists(connection, "SELECT FROM pg_namespace WHERE nspname = $1", schema)) return;
  await connection.exec(`CREATE SCHEMA "${schema.replaceAll('"', '""')}"`);
}

async function exists(connection: MigrationConnection, sql: string, name: string): Promise<boolean> {
  return (await connection.query(sql, [name])).rows.length > 0;
}

async function readRecords(connection: MigrationConnection): Promise<readonly RecordedMigration[]> {
  const table = "SELECT FROM pg_class WHERE relname = $1 AND relnamespace = current_schema()::regnamespace";
  if (!(await exists(connection, table, "_prisma_migrations"))) await connection.exec(recordTable);
  const { rows } = await connection.query(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return rows as readonly RecordedMigration[];
}

/** The record commits with the migration: a process that dies between leaves neither. */
async function apply(connection: MigrationConnection, { name, sql, checksum }: Migration): Promise<void> {
  await connection.exec("BEGIN");
  try {
    await connection.exec(sql);
    await connection.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    );
    await connection.exec("COMMIT");
  } catch (cause) {
    await ignoringFailure(connection.exec("ROLLBACK"));
    if (!isRefusal(cause)) throw cause;
    throw new MigrationError(`migration ${name} failed: ${cause.message}`, { cause });
  }
}

async function lock(connection: MigrationConnection): Promise<void> {
  try {
    await connection.query(`SELECT pg_advisory_lock(${advisoryLockKey})`);
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === lockNotAvailable)) throw cause;
    throw new MigrationError("another process has been migrating the database for too long", { cause });
  }
}

/** A connection that broke has lost the lock already, and its own error says more. */
async function unlock(connection: MigrationConnection): Promise<void> {
  await ignoringFailure(connection.query(`SELECT pg_advisory_unlock(${advisoryLockKey})`));
}

async function ignoringFailure(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}

/** The database read the script and refused it; anything else is a connection that failed, which is worth a repeat. */
function isRefusal(cause: unknown): cause is Error {
  if (!(cause instanceof Error && "code" in cause && typeof cause.code === "string")) return false;
  return /^[0-9A-Z]{5}$/.test(cause.code) && !temporaryClasses.has(cause.code.slice(0, 2));
}
