import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { instant } from "../../domain/time.ts";
import { BufferedHistory } from "../../prisma/buffered-history.ts";
import { DatabaseOpenError } from "../../prisma/history-database.ts";
import { MigrationError } from "../../prisma/migration-runner.ts";
import { connectPostgres } from "../../prisma/postgres-database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createScratchDatabase, execute, type ScratchDatabase, testServerUrl } from "../support/postgres.ts";

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const sighting = { namespace: "n", group: "g", scope: "s", name: "x", nodeUid: "u", subscribers: 1, at: instant(1e12) };

describe("connect to PostgreSQL", () => {
  it.each(["mysql://localhost/x", "localhost:5432", ""])("refuses the URL %j in one line", (url) => {
    expect(() => connectPostgres({ clusterId: "test", url })).toThrow(DatabaseOpenError);
  });

  it("needs no server until it is asked, then says that there is none", async () => {
    const database = connectPostgres({
      clusterId: "test",
      url: `postgresql://postgres@127.0.0.1:${await closedPort()}/postgres`,
    });
    await expect(database.footprint.oldest()).rejects.toThrow();
    await expect(database.migrate("Tolerate")).rejects.toThrow("ECONNREFUSED");
    await expect(database.migrate("Tolerate")).rejects.not.toThrow(MigrationError);
    await expect(database.history.streams.see([sighting])).rejects.toThrow();
    await Promise.all([database.close(), database.close()]);
  });
});

(testServerUrl === undefined ? describe.skip : describe)("PostgreSQL server", () => {
  let scratch: ScratchDatabase;

  beforeAll(async () => {
    scratch = await createScratchDatabase(testServerUrl ?? "");
  });
  afterAll(async () => {
    await scratch.drop();
  });

  it("is migrated once when several start at the same time", async () => {
    const databases = Array.from({ length: 4 }, () => connectPostgres({ clusterId: "test", url: scratch.url }));
    const applied = await Promise.all(databases.map((database) => database.migrate("Tolerate")));
    expect(applied.filter(({ length }) => length > 0)).toHaveLength(1);
    await Promise.all(databases.map((database) => database.close()));
  });

  it("reads times as they were written, whatever the server's time zone", async () => {
    await execute(
      scratch.url,
      `ALTER DATABASE ${new URL(scratch.url).pathname.slice(1)} SET timezone = 'Asia/Kolkata'`,
    );
    const database = connectPostgres({ clusterId: "test", url: scratch.url });
    await database.history.streams.see([sighting]);
    const [stream] = await database.history.streams.live({ namespace: "n", group: "g" });
    expect(stream?.startedAt).toBe(sighting.at);
    await database.close();
  });

  it("goes on after its connections were cut", async () => {
    const errors: Error[] = [];
    const database = connectPostgres({
      clusterId: "test",
      url: scratch.url,
      onConnectionError: (error) => errors.push(error),
    });
    await database.footprint.oldest();
    await execute(
      testServerUrl ?? "",
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(scratch.url).pathname.slice(1)}'`,
    );
    await Promise.allSettled([database.footprint.oldest()]);
    expect(await database.history.streams.live({ namespace: "n", group: "none" })).toEqual([]);
    await database.close();
  });

  it("keeps to the schema that the URL names", async () => {
    const url = `${scratch.url}?schema=fleet-a`;
    const database = connectPostgres({ clusterId: "test", url });
    expect(await database.migrate("Tolerate")).not.toEqual([]);
    await database.history.streams.see([sighting, { ...sighting, name: "y" }]);
    expect(await database.history.streams.live({ namespace: "n", group: "g" })).toHaveLength(2);
    await database.close();
    const other = connectPostgres({ clusterId: "test", url: scratch.url });
    expect(await other.history.streams.live({ namespace: "n", group: "g" })).toHaveLength(1);
    await other.close();
  });

  it("is given its tables again when they are gone: an empty database has taken its place", async () => {
    const own = await createScratchDatabase(testServerUrl ?? "");
    const database = connectPostgres({ clusterId: "test", url: own.url });
    const clock = new FakeClock();
    const errors: unknown[] = [];
    const { history } = database;
    const buffer = new BufferedHistory({
      history,
      clock,
      prepare: () => database.migrate("Tolerate"),
      onOutage: ({ error }) => errors.push(error),
    });
    const transition = (uid: string) => {
      const life = { uid, namespace: "n", group: "g", name: uid, role: "edge", region: "r", platform: "p" } as const;
      return { life: { ...life, openedAt: instant(0) }, phase: "Pending", at: instant(0), reason: "Launched" } as const;
    };
    buffer.recordTransition(transition("before"));
    await buffer.flush();
    await execute(own.url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    buffer.recordTransition(transition("after"));
    await buffer.flush();
    expect([buffer.backlog, errors.length]).toEqual([1, 1]);
    await buffer.flush();
    expect((await history.nodeLives.open({})).map(({ uid }) => uid)).toEqual(["after"]);
    await buffer.stop();
    await database.close();
    await own.drop();
  });
});
