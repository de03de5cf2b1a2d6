/** What a role may do, what its sessions are set to, and who else is in the database. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import pg from "pg";
import { addMs, instant } from "../../domain/time.ts";
import { connectPostgres, type PostgresDatabase } from "../../prisma/postgres-database.ts";
import { createScratchDatabase, execute, rowsOf, type ScratchDatabase, testServerUrl } from "../support/postgres.ts";

const at = instant(Date.parse("2026-03-04T05:06:07.089Z"));
const sighting = { namespace: "n", group: "g", scope: "s", name: "x", nodeUid: "u", subscribers: 1, at };

(testServerUrl === undefined ? describe.skip : describe)("a role of a PostgreSQL server", () => {
  let scratch: ScratchDatabase;
  const role = `streamfleet_role_${randomUUID().slice(0, 8)}`;
  const opened: PostgresDatabase[] = [];

  beforeAll(async () => {
    scratch = await createScratchDatabase(testServerUrl ?? "");
    await execute(scratch.url, `CREATE ROLE ${role} LOGIN`);
    const name = new URL(scratch.url).pathname.slice(1);
    await execute(
      scratch.url,
      `REVOKE ALL ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO ${role}`,
    );
  });
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.close()));
    await execute(scratch.url, `DROP OWNED BY ${role}`);
    await scratch.drop();
    await execute(testServerUrl ?? "", `DROP ROLE ${role}`);
  });

  function open(schema: string, as?: string): PostgresDatabase {
    const url = new URL(scratch.url);
    if (as !== undefined) url.username = as;
    url.searchParams.set("schema", schema);
    const database = connectPostgres({ clusterId: "test", url: url.href });
    opened.push(database);
    return database;
  }

  async function use(database: PostgresDatabase): Promise<void> {
    await database.history.streams.see([sighting]);
    await database.history.streams.see([{ ...sighting, at: addMs(at, 5) }]);
    const [stream] = await database.history.streams.live({ namespace: "n", group: "g" });
    expect(stream).toMatchObject({ startedAt: at, lastSeenAt: addMs(at, 5) });
    await database.history.streams.endOthers([{ nodeUid: "u", still: [], at }]);
    expect(await database.history.streams.prune(addMs(at, 60_000))).toBe(1);
  }

  it("needs rights on rows alone where a better one has migrated", async () => {
    await open("rows").migrate("Refuse");
    await execute(
      scratch.url,
      `GRANT USAGE ON SCHEMA rows TO ${role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rows TO ${role};
       GRANT USAGE ON ALL SEQUENCES IN SCHEMA rows TO ${role}`,
    );
    const database = open("rows", role);
    expect(await database.migrate("Tolerate")).toEqual([]);
    await use(database);
  });

  it("needs CREATE in one schema alone to migrate, where the schema is there", async () => {
    await execute(scratch.url, `CREATE SCHEMA own; GRANT USAGE, CREATE ON SCHEMA own TO ${role}`);
    const database = open("own", role);
    expect(await database.migrate("Refuse")).not.toEqual([]);
    await use(database);
  });

  it.each([
    ["the schema is missing", "absent", `permission denied for database`],
    ["it may not create in it", "closed", "permission denied for schema closed"],
  ])("is told which right it lacks where %s", async (_name, schema, message) => {
    await execute(scratch.url, `CREATE SCHEMA IF NOT EXISTS closed; GRANT USAGE ON SCHEMA closed TO ${role}`);
    const failure = await open(schema, role)
      .migrate("Refuse")
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "DatabaseOpenError" });
    expect(String(failure)).toContain(message);
    expect(String(failure)).toContain(
      `a role that owns schema ${schema} runs \`streamfleet migrate\`, and grants ${role}`,
    );
  });

  it("may come ten times at once to a schema that is not there yet", async () => {
    const schema = `new_${randomUUID().slice(0, 8)}`;
    const applied = await Promise.all(Array.from({ length: 10 }, () => open(schema).migrate("Refuse")));
    expect(applied.filter(({ length }) => length > 0)).toHaveLength(1);
  });

  it.each([
    ["DateStyle", "'German, DMY'"],
    ["DateStyle", "'SQL, DMY'"],
    ["TimeZone", "'Asia/Kolkata'"],
    ["default_transaction_isolation", "'repeatable read'"],
    ["default_transaction_isolation", "'serializable'"],
    ["extra_float_digits", "-15"],
    ["search_path", "'nowhere'"],
    ["IntervalStyle", "'sql_standard'"],
    ["lc_messages", "'C'"],
  ])("may have %s set to %s", async (setting, value) => {
    const schema = `set_${randomUUID().slice(0, 8)}`;
    await execute(scratch.url, `CREATE SCHEMA ${schema}; GRANT ALL ON SCHEMA ${schema} TO ${role}`);
    await execute(scratch.url, `ALTER ROLE ${role} SET ${setting} = ${value}`);
    try {
      const database = open(schema, role);
      await database.migrate("Refuse");
      await use(database);
      // Writers that meet: each would fail where a transaction saw nothing but its beginning.
      const activity = { namespace: "n", group: "g", role: "edge", region: "r", reason: "R", message: "" } as const;
      const decided = { ...activity, kind: "Hold", deciderVersion: 1, input: {} };
      const writes = Array.from({ length: 40 }, (_, turn) =>
        database.history.activities.record(decided, addMs(at, turn)),
      );
      await Promise.all(writes);
      const [last] = await database.history.activities.last({ namespace: "n", group: "g", limit: 1 });
      expect(last).toMatchObject({ count: 40, lastAt: addMs(at, 39) });
      const cpuPercent = 12.345678901234567;
      const node = { uid: "u", namespace: "n", group: "g", name: "x", role: "edge", region: "r", bootId: "b" } as const;
      const load = { sequence: 1, connections: 0, publishers: 0, subscribers: 0, cpuPercent, lastReportAt: at };
      await database.history.lastReports.record([{ ...node, ...load }]);
      expect(await database.history.lastReports.read({ namespace: "n", group: "g" })).toMatchObject([load]);
    } finally {
      await execute(scratch.url, `ALTER ROLE ${role} RESET ${setting}`);
    }
  });

  it("goes on with migrations that a newer version added, and says so where it is to migrate", async () => {
    const database = open("newer");
    await database.migrate("Refuse");
    const add = `INSERT INTO newer._prisma_migrations (id, checksum, migration_name, finished_at)`;
    await execute(
      scratch.url,
      `${add} VALUES ('1', 'x', '20991231000000_later', now()); ALTER TABLE newer.stream ADD COLUMN later TEXT`,
    );
    const older = open("newer");
    expect(await older.migrate("Tolerate")).toEqual([]);
    await use(older);
    await expect(older.migrate("Refuse")).rejects.toThrow(
      "20991231000000_later, which this version of streamfleet does not know",
    );
  });

  it("is sent away from a schema with another application's migrations", async () => {
    await execute(
      scratch.url,
      `CREATE SCHEMA shop; CREATE TABLE shop._prisma_migrations (id VARCHAR(36) PRIMARY KEY, checksum VARCHAR(64) NOT NULL,
         finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
         started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);
       INSERT INTO shop._prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', 'x', '2024_init', now())`,
    );
    await expect(open("shop").migrate("Tolerate")).rejects.toThrow(
      "belongs to another application, whose migration 2024_init is none of ours",
    );
    expect(await rowsOf(scratch.url, `SELECT tablename FROM pg_tables WHERE schemaname = 'shop'`)).toHaveLength(1);
  });

  it("is not held up by a table that somebody else has locked", async () => {
    const database = open("locked");
    await database.migrate("Refuse");
    const holder = new pg.Client({ connectionString: scratch.url });
    await holder.connect();
    await holder.query("BEGIN; LOCK TABLE locked.stream IN ACCESS EXCLUSIVE MODE");
    const seen = database.history.streams.see([sighting]);
    const sample = { namespace: "n", group: "g", role: "edge", region: "r", minute: at, samples: 1 } as const;
    const sums = { connectionsSum: 1, connectionsMax: 1, publishersSum: 0, subscribersSum: 1 };
    await database.history.load.add([{ ...sample, ...sums }]);
    expect(await database.history.load.read({ namespace: "n", group: "g", from: at, to: addMs(at, 1) })).toHaveLength(
      1,
    );
    await holder.query("ROLLBACK");
    await holder.end();
    await seen;
  });
});
