import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { instant } from "../../domain/time.ts";
import { DirectoryLockedError } from "../../prisma/directory-lock.ts";
import { openEmbeddedDatabase } from "../../prisma/embedded-database.ts";
import { DatabaseOpenError, type HistoryDatabase } from "../../prisma/history-database.ts";
import { migrate, MigrationError, migrationsDirectory } from "../../prisma/migration-runner.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const projectDirectory = join(import.meta.dirname, "../..");

function transition(uid: string) {
  const life = { uid, namespace: "n", group: "g", name: uid, role: "edge", region: "r", platform: "p" } as const;
  return { life: { ...life, openedAt: instant(0) }, phase: "Pending", at: instant(0), reason: "Launched" } as const;
}

async function openUids({ history }: HistoryDatabase): Promise<readonly string[]> {
  return (await history.nodeLives.open({})).map(({ uid }) => uid);
}

/** Creating a database costs seconds: the tests share one, in the order in which they are written. */
describe("embedded database", () => {
  let scratch: ScratchDirectory;
  let directory: string;
  let copies = 0;

  beforeAll(async () => {
    scratch = new ScratchDirectory();
    directory = join(scratch.path, "db");
    const database = await openEmbeddedDatabase(directory, "test");
    await database.history.nodeLives.record([transition("first")]);
    await database.close();
  });
  afterAll(() => scratch.remove());

  function copy(): string {
    const path = join(scratch.path, `copy-${copies++}`);
    cpSync(directory, path, { recursive: true });
    return path;
  }

  async function refused(path: string): Promise<Error> {
    const failure: unknown = await openEmbeddedDatabase(path, "test").then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(failure instanceof DatabaseOpenError)) throw new Error("it was opened");
    expect(failure.message).not.toContain("\n");
    expect(failure.message).toContain(`the database in ${path} is unreadable or corrupt`);
    return failure;
  }

  it("lets one opener in at a time, and the next one once it is closed", async () => {
    const database = await openEmbeddedDatabase(directory, "test");
    await expect(openEmbeddedDatabase(directory, "test")).rejects.toThrow(DirectoryLockedError);
    await database.footprint.oldest();
    expect(await openUids(database)).toEqual(["first"]);
    await Promise.all([database.close(), database.close()]);
    await expect(database.footprint.oldest()).rejects.toThrow();
  });

  it("keeps what was written when its process is killed, and is open to the next one", async () => {
    const script = `
      import { openEmbeddedDatabase } from "./prisma/embedded-database.ts";
      const { history } = await openEmbeddedDatabase(${JSON.stringify(directory)}, "test");
      await history.nodeLives.record([${JSON.stringify(transition("second"))}]);
      console.log("written");
      for (let i = 0; ; i += 1) await history.nodeLives.close([{ uid: "none" + i, at: 0, reason: "" }]);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: projectDirectory,
      stdio: ["ignore", "pipe", "inherit"],
      env: {},
    });
    try {
      await once(createInterface(child.stdout), "line");
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const database = await openEmbeddedDatabase(directory, "test");
    expect(await openUids(database)).toEqual(["first", "second"]);
    await database.close();
  });

  it("refuses a directory that lacks a file, and damages nothing", async () => {
    const path = copy();
    rmSync(join(path, "pgdata", "PG_VERSION"));
    const before = readdirSync(join(path, "pgdata"), { recursive: true }).sort();
    expect((await refused(path)).message).toContain("PG_VERSION is missing");
    expect(readdirSync(join(path, "pgdata"), { recursive: true }).sort()).toEqual(before);
    cpSync(join(directory, "pgdata", "PG_VERSION"), join(path, "pgdata", "PG_VERSION"));
    const database = await openEmbeddedDatabase(path, "test");
    expect(await openUids(database)).toEqual(["first", "second"]);
    await database.close();
  });

  it.each([
    ["a control file that was cut short", (path: string) => truncateSync(join(path, "pgdata/global/pg_control"), 10)],
    ["the files of another version", (path: string) => writeFileSync(join(path, "pgdata/PG_VERSION"), "12\n")],
    [
      "a file where its folder should be",
      (path: string) => {
        rmSync(join(path, "pgdata"), { recursive: true });
        writeFileSync(join(path, "pgdata"), "");
      },
    ],
  ])("refuses %s, and gives its lock back", async (_name, damage) => {
    const path = copy();
    damage(path);
    await refused(path);
    await refused(path);
  });

  async function withNewer(name: string): Promise<string> {
    const path = copy();
    const server = await PGlite.create(join(path, "pgdata"));
    await server.exec(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'x', '${name}', now())`,
    );
    await server.close();
    return path;
  }

  it("goes on with what a newer version added, and refuses what it took away", async () => {
    const database = await openEmbeddedDatabase(await withNewer("99990101000000_later"), "test");
    await database.history.nodeLives.record([transition("second")]);
    expect(await openUids(database)).toEqual(["first", "second"]);
    await database.close();
    await expect(openEmbeddedDatabase(await withNewer("99990101000000_later_breaking"), "test")).rejects.toThrow(
      MigrationError,
    );
  });

  const mebibyte = 1024 * 1024;

  function logBytes(path: string): number {
    const log = join(path, "pgdata/pg_wal");
    return readdirSync(log, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, { name }) => sum + statSync(join(log, name)).size, 0);
  }

  async function writeMuch(database: HistoryDatabase, rounds: number): Promise<void> {
    const stream = { namespace: "n", group: "g", scope: "s", nodeUid: "u", subscribers: 1 };
    for (let round = 0; round < rounds; round += 1) {
      const name = (index: number): string => `${round}-${index}-${"x".repeat(300)}`;
      const seen = Array.from({ length: 1_000 }, (_, index) => ({ ...stream, name: name(index), at: instant(round) }));
      await database.history.streams.see(seen);
    }
  }

  it("keeps its log short, however much is written", async () => {
    const path = copy();
    const database = await openEmbeddedDatabase(path, "test");
    await writeMuch(database, 120);
    expect(logBytes(path)).toBeLessThanOrEqual(64 * mebibyte);
    await database.close();
    const server = await PGlite.create(join(path, "pgdata"));
    const { rows } = await server.query<{ bytes: number }>(`SELECT pg_current_wal_lsn() - '0/0' AS bytes`);
    expect(Number(rows[0]?.bytes)).toBeGreaterThan(120 * mebibyte);
    await server.close();
  });

  it("writes nothing while the disk is full, is read on, and writes again when there is room", async () => {
    let free = 1_024 * mebibyte;
    const database = await openEmbeddedDatabase(copy(), "test", () => free);
    const before = await openUids(database);
    free = 47 * mebibyte;
    const failure: unknown = await database.history.nodeLives
      .record([transition("late")])
      .catch((cause: unknown) => cause);
    expect(database.diagnose(failure)).toMatch(/^the disk of .*pgdata is full: .* make room there$/);
    expect(await openUids(database)).toEqual(before);
    free = 1_024 * mebibyte;
    await database.history.nodeLives.record([transition("late")]);
    expect(await openUids(database)).toEqual([...before, "late"].sort());
    await database.close();
  });

  it("calls a full disk by its name, whatever it breaks", async () => {
    const path = copy();
    truncateSync(join(path, "pgdata/global/pg_control"), 10);
    await expect(openEmbeddedDatabase(path, "test", () => 1_000)).rejects.toThrow(/^the disk of .* is full/);
    const nowhere = join(scratch.path, "new");
    await expect(openEmbeddedDatabase(nowhere, "test", () => 1_000)).rejects.toThrow(/^the disk of .* is full/);
    const database = await openEmbeddedDatabase(nowhere, "test");
    await database.close();
  });

  it("brings a database of the version before to its schema, and keeps what is in it", async () => {
    const path = copy();
    const migrations = join(scratch.path, "migrations");
    const [first] = readdirSync(migrationsDirectory).sort();
    cpSync(join(migrationsDirectory, first!), join(migrations, first!), { recursive: true });
    const server = await PGlite.create(join(path, "pgdata"));
    await server.exec("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    await migrate(
      { query: (sql, parameters) => server.query(sql, parameters), exec: (sql) => server.exec(sql) },
      { clusterId: "test", newer: "Tolerate", directory: migrations },
    );
    await server.exec(`
      INSERT INTO node_life VALUES ('uid-1', 'n', 'g', 'edge-0', 'edge', 'r', 'p', 'i-1', to_timestamp(0), NULL, NULL);
      INSERT INTO node_transition VALUES ('uid-1', to_timestamp(0), 'Pending', 'Launched');
      INSERT INTO stream VALUES (DEFAULT, 'n', 'g', 's', 'x', 'uid-1', to_timestamp(1), to_timestamp(2), NULL, 3);
      INSERT INTO load_minute VALUES ('n', 'g', to_timestamp(60), 'edge', 'r', 1, 2, 2, 0, 2);
      INSERT INTO scaling_activity VALUES
        ('n', 'g', 'edge', 'r', 0, 'Hold', 'MinimumMet', 'm', 1, '{"a": 1}', to_timestamp(3), to_timestamp(4), 5)`);
    await server.close();
    const database = await openEmbeddedDatabase(path, "test");
    const { nodeLives, streams, load, activities, lastReports } = database.history;
    const group = { namespace: "n", group: "g" };
    expect((await nodeLives.read("uid-1"))?.transitions).toHaveLength(1);
    expect(await streams.live(group)).toMatchObject([{ name: "x", peakSubscribers: 3 }]);
    expect(await load.read({ ...group, from: instant(0), to: instant(1e6) })).toMatchObject([{ connectionsSum: 2 }]);
    expect(await activities.last({ ...group, limit: 9 })).toMatchObject([{ input: { a: 1 }, count: 5 }]);
    expect(await lastReports.read(group)).toEqual([]);
    await database.close();
  });

  it("does not grow for ever: what is written after a pruning takes the room of what was removed", async () => {
    const path = copy();
    const database = await openEmbeddedDatabase(path, "test");
    const { load } = database.history;
    const place = { namespace: "n", group: "g", role: "edge", region: "r", samples: 1 } as const;
    const sums = { connectionsSum: 1, connectionsMax: 1, publishersSum: 0, subscribersSum: 1 };
    const minutes = 5_500;
    for (let round = 0; round < 4; round += 1) {
      const firstMs = round * minutes * 60_000;
      const rows = Array.from({ length: minutes }, (_, i) => ({
        ...place,
        ...sums,
        minute: instant(firstMs + i * 60_000),
      }));
      await load.add(rows);
      expect(await load.prune(instant(firstMs + minutes * 60_000))).toBe(minutes);
    }
    await database.close();
    const server = await PGlite.create(join(path, "pgdata"));
    const { rows } = await server.query<{ readonly bytes: number }>("SELECT pg_relation_size('load_minute') AS bytes");
    await server.close();
    expect(rows[0]?.bytes).toBeLessThan(minutes * 200);
  });

  it("begins anew when its creation was cut short, and when it was deleted", async () => {
    const path = join(scratch.path, "half");
    mkdirSync(join(path, "pgdata"), { recursive: true });
    writeFileSync(join(path, "creating"), "");
    writeFileSync(join(path, "pgdata", "postgresql.conf"), "half of it");
    const database = await openEmbeddedDatabase(path, "test");
    expect(await openUids(database)).toEqual([]);
    await database.close();
    expect(readdirSync(path).sort()).toEqual(["lock", "pgdata"]);
    expect(readFileSync(join(path, "pgdata", "postgresql.conf"), "utf8")).not.toContain("half of it");
  });
});
