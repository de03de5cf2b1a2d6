/** The runner on a real database, which costs a second to create: one for all these tests, each with tables of its own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { migrate, type MigrationConnection, MigrationError } from "../../prisma/migration-runner.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

describe("migrate", () => {
  let server: PGlite;
  let connection: MigrationConnection;
  let scratch: ScratchDirectory;

  beforeAll(async () => {
    server = await PGlite.create();
    connection = { query: (sql, parameters) => server.query(sql, parameters), exec: (sql) => server.exec(sql) };
  });
  afterAll(async () => {
    await server.close();
  });
  beforeEach(async () => {
    scratch = new ScratchDirectory();
    await server.exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  });
  afterEach(() => scratch.remove());

  function write(name: string, sql: string): void {
    mkdirSync(join(scratch.path, name), { recursive: true });
    writeFileSync(join(scratch.path, name, "migration.sql"), sql);
  }

  async function columnOf<T>(sql: string): Promise<readonly T[]> {
    const { rows } = await server.query<{ readonly value: T }>(sql);
    return rows.map(({ value }) => value);
  }

  it("applies what is missing, once, and records it as Prisma does", async () => {
    write("1_a", "CREATE TABLE a(x int);\n\nINSERT INTO a VALUES (1);");
    writeFileSync(join(scratch.path, "migration_lock.toml"), "");
    expect(await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path })).toEqual([
      "1_a",
    ]);
    write("2_b", "CREATE TABLE b()");
    expect(await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path })).toEqual([
      "2_b",
    ]);
    expect(await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path })).toEqual([]);
    const { rows } = await server.query(
      `SELECT migration_name, applied_steps_count, finished_at >= started_at AS finished, length(checksum) AS length,
         rolled_back_at, logs, length(id) AS id FROM _prisma_migrations ORDER BY started_at`,
    );
    const record = { applied_steps_count: 1, finished: true, length: 64, rolled_back_at: null, logs: null, id: 36 };
    expect(rows).toEqual(["1_a", "2_b"].map((migration_name) => ({ migration_name, ...record })));
  });

  it("leaves nothing behind of a migration that fails, and applies it once it is mended", async () => {
    write("1_a", "CREATE TABLE a(x int); SELECT nonsense;");
    await expect(
      migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path }),
    ).rejects.toThrow(MigrationError);
    await expect(
      migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path }),
    ).rejects.toThrow('migration 1_a failed: column "nonsense" does not exist');
    expect(await columnOf("SELECT to_regclass('a')::text AS value")).toEqual([null]);
    write("1_a", "CREATE TABLE a(x int)");
    expect(await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path })).toEqual([
      "1_a",
    ]);
  });

  it("does not take other line ends for an edit, and refuses a real one", async () => {
    write("1_a", "CREATE TABLE a(\n  x int\n);");
    await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path });
    write("1_a", "CREATE TABLE a(\r\n  x int\r\n);");
    expect(await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path })).toEqual([]);
    write("1_a", "CREATE TABLE a(x text)");
    await expect(
      migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path }),
    ).rejects.toThrow("migration 1_a was edited");
  });

  it("passes over a record that was rolled back, and refuses one that did not finish", async () => {
    write("1_a", "CREATE TABLE a()");
    await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path });
    await server.exec("UPDATE _prisma_migrations SET finished_at = NULL; DROP TABLE a");
    await expect(
      migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path }),
    ).rejects.toThrow("migration 1_a did not finish");
    await server.exec("UPDATE _prisma_migrations SET rolled_back_at = now()");
    expect(await migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path })).toEqual([
      "1_a",
    ]);
  });

  it("gives its lock back, also after a failure", async () => {
    write("1_a", "nonsense");
    await expect(
      migrate(connection, { clusterId: "test", newer: "Tolerate", directory: scratch.path }),
    ).rejects.toThrow(MigrationError);
    expect(await columnOf("SELECT count(*)::int AS value FROM pg_locks WHERE locktype = 'advisory'")).toEqual([0]);
  });

  it("creates our schema from this build's migrations", async () => {
    await migrate(connection, { clusterId: "test", newer: "Tolerate" });
    const tables = await columnOf<string>(
      "SELECT tablename AS value FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    );
    expect(tables).toEqual([
      "_prisma_migrations",
      "alarm_transition",
      "last_report",
      "load_minute",
      "node_life",
      "node_transition",
      "scaling_activity",
      "stream",
    ]);
  });
});
