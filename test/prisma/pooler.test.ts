import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { assertOwnSessions, type AskedConnection } from "../../prisma/pooler.ts";
import { connectPostgres } from "../../prisma/postgres-database.ts";
import { hasPgBouncer, type Pooler, startPgBouncer } from "../support/pgbouncer.ts";
import { createScratchDatabase, type ScratchDatabase, testServerUrl } from "../support/postgres.ts";

/** A connection whose statements run in these sessions, one after another. */
function connectionOf(...pids: readonly number[]): AskedConnection {
  let turn = 0;
  return { query: () => Promise.resolve({ rows: [{ pid: pids[turn++ % pids.length] }] }) };
}

describe("two connections", () => {
  it("have sessions of their own before a server", async () => {
    await assertOwnSessions(connectionOf(1), connectionOf(2));
  });

  it.each([
    ["share one", connectionOf(1), connectionOf(1)],
    ["change them", connectionOf(1, 2), connectionOf(3)],
    ["swap them", connectionOf(1, 1, 1, 2), connectionOf(2, 2, 2, 1)],
  ])("are a pooler's where they %s", async (_name, first, second) => {
    await expect(assertOwnSessions(first, second)).rejects.toThrow("set pool_mode = session for this database");
  });
});

(testServerUrl === undefined || !hasPgBouncer ? describe.skip : describe)("PgBouncer", () => {
  let scratch: ScratchDatabase;
  const poolers: Pooler[] = [];

  beforeAll(async () => {
    scratch = await createScratchDatabase(testServerUrl ?? "");
  });
  afterAll(async () => {
    await Promise.all(poolers.map((pooler) => pooler.stop()));
    await scratch.drop();
  });

  async function urlBy(mode: "session" | "transaction"): Promise<string> {
    const pooler = await startPgBouncer(testServerUrl ?? "", mode);
    poolers.push(pooler);
    return `${pooler.urlOf(new URL(scratch.url).pathname.slice(1))}?schema=pooled`;
  }

  it("serves in session mode", async () => {
    const database = connectPostgres({ clusterId: "test", url: await urlBy("session") });
    expect(await database.migrate("Refuse")).not.toEqual([]);
    expect(await database.history.streams.live({ namespace: "n", group: "g" })).toEqual([]);
    await database.close();
  });

  it("is refused in transaction mode, before anything is written", async () => {
    const database = connectPostgres({ clusterId: "test", url: await urlBy("transaction") });
    for (const newer of ["Refuse", "Tolerate"] as const)
      await expect(database.migrate(newer)).rejects.toThrow(
        "a connection pooler in transaction mode stands before the database",
      );
    await database.close();
  });
});
