/** A database reviewer's list: with 31 days of two installations in it, each query goes by an index. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { PrismaPg } from "@prisma/adapter-pg";
import pg from "pg";
import { addMs, type Instant, instant } from "../../../domain/time.ts";
import { prismaFootprint } from "../../../prisma/footprint.ts";
import { PrismaClient } from "../../../prisma/generated/client.ts";
import { connectPostgres } from "../../../prisma/postgres-database.ts";
import { prismaHistory } from "../../../prisma/prisma-history.ts";
import { eventually } from "../../support/eventually.ts";
import { createScratchDatabase, execute, rowsOf, type ScratchDatabase, testServerUrl } from "../../support/postgres.ts";

interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** A pool that writes down what it is asked. */
class WatchedPool extends pg.Pool {
  readonly statements: Statement[] = [];

  // The overloads of the library end in one that gives nothing back.
  override query(...given: unknown[]): never {
    const [first] = given;
    if (typeof first === "object" && first !== null && "text" in first) {
      const { text, values } = first as { readonly text: string; readonly values?: unknown[] };
      this.statements.push({ text, values: values ?? [] });
    }
    return (super.query as (...args: unknown[]) => never).apply(this, given);
  }
}

const begin = "timestamptz '2026-01-01Z'";
const start = instant(Date.UTC(2026, 0, 1));
const days = (count: number): Instant => addMs(start, count * 86_400_000);

/** 31 days in proportion to a fleet of some thousand nodes: each life with its phases, each stream of some hours. */
const fill = `
  INSERT INTO node_life
    SELECT 'u' || i, 'ns', 'g' || i % 20, 'edge-' || i % 500, 'edge', 'r' || i % 3, 'simulated', 'i-' || i,
      ${begin} + i * interval '90 s', CASE WHEN i < 28000 THEN ${begin} + i * interval '90 s' + interval '1 day' END,
      CASE WHEN i < 28000 THEN 'Terminated' END, cluster
    FROM generate_series(1, 29000) AS i, (VALUES ('own'), ('other')) AS of(cluster);
  INSERT INTO node_transition (life_uid, at, phase, reason, cluster_id)
    SELECT uid, opened_at + n * interval '10 s', 'Phase' || n, 'Because', cluster_id
    FROM node_life, generate_series(1, 4) AS n;
  INSERT INTO stream (namespace, "group", scope, name, node_uid, started_at, last_seen_at, ended_at, peak_subscribers, cluster_id)
    SELECT 'ns', 'g' || i % 20, 'live', 'stream-' || i, 'u' || i % 29000, ${begin} + i * interval '18 s',
      ${begin} + i * interval '18 s' + interval '2 h', CASE WHEN i < 148000 THEN ${begin} + i * interval '18 s' + interval '2 h' END, 5, cluster
    FROM generate_series(1, 148800) AS i, (VALUES ('own'), ('other')) AS of(cluster);
  INSERT INTO load_minute
    SELECT 'ns', 'g' || g, ${begin} + i * interval '1 min', 'edge', 'r1', 12, 1200, 120, 0, 1200, cluster
    FROM generate_series(0, 31 * 1440) AS i, generate_series(0, 4) AS g, (VALUES ('own'), ('other')) AS of(cluster);
  INSERT INTO scaling_activity (namespace, "group", role, region, number, kind, reason, message, decider_version, input,
      first_at, last_at, count, cluster_id)
    SELECT 'ns', 'g' || i % 20, 'edge', 'r1', i / 20, 'Hold', 'R' || i % 7, 'why', 1, '{"counts": {"inService": 2}}',
      ${begin} + i * interval '40 s', ${begin} + i * interval '40 s' + interval '1 min', 2, cluster
    FROM generate_series(1, 67000) AS i, (VALUES ('own'), ('other')) AS of(cluster);
  INSERT INTO alarm_transition
    SELECT 'ns', 'g' || i % 20, 'edge-scale-out', 'r1', ${begin} + i * interval '1 min', 'edge', 'OK', 'ALARM', 'why', cluster
    FROM generate_series(1, 31 * 1440) AS i, (VALUES ('own'), ('other')) AS of(cluster);
  INSERT INTO last_report (uid, namespace, "group", name, role, region, boot_id, sequence, connections, publishers, subscribers,
      last_report_at, cluster_id)
    SELECT 'u' || i, 'ns', 'g' || i % 20, 'edge-' || i, 'edge', 'r1', 'b', 1, 1, 0, 1, ${begin} + interval '31 day', cluster
    FROM generate_series(27000, 29000) AS i, (VALUES ('own'), ('other')) AS of(cluster)`;

/** It has a row for each node that lives, and none for what was: reading all of it takes no longer after a year. */
const asLargeAsTheFleet = "last_report";

(testServerUrl === undefined ? describe.skip : describe)("with 31 days of history", () => {
  let scratch: ScratchDatabase;
  let pool: WatchedPool;
  let client: PrismaClient;
  let explaining: pg.Client;

  beforeAll(async () => {
    scratch = await createScratchDatabase(testServerUrl ?? "");
    const database = connectPostgres({ url: scratch.url, clusterId: "own" });
    await database.migrate("Refuse");
    await database.close();
    for (const statement of fill.split(";\n")) await execute(scratch.url, statement);
    await execute(scratch.url, "VACUUM ANALYZE");
    explaining = new pg.Client({ connectionString: scratch.url });
    await explaining.connect();
    pool = new WatchedPool({ connectionString: scratch.url });
    client = new PrismaClient({ adapter: new PrismaPg(pool) });
  }, 120_000);
  afterAll(async () => {
    await explaining.end();
    await client.$disconnect();
    await pool.end();
    await scratch.drop();
  });

  /** Tables that a plan reads from end to end, but for those that do not grow with time. */
  async function scanned({ text, values }: Statement): Promise<readonly string[]> {
    const { rows } = await explaining.query<{ "QUERY PLAN": string }>(`EXPLAIN ${text}`, values);
    const lines = rows.map((row) => row["QUERY PLAN"]);
    return lines
      .flatMap((line) => /Seq Scan on (\w+)/.exec(line)?.[1] ?? [])
      .filter((name) => name !== asLargeAsTheFleet);
  }

  const own = { namespace: "ns", group: "g1" };
  const span = { ...own, from: days(20), to: days(21), limit: 50 };
  const life = {
    ...{ uid: "u77", namespace: "ns", group: "g1", name: "edge-1", region: "r1", platform: "simulated" },
    role: "edge",
    openedAt: days(31),
  } as const;
  const activity = {
    ...own,
    role: "edge",
    region: "r1",
    kind: "Hold",
    reason: "X",
    message: "",
    deciderVersion: 1,
    input: {},
  } as const;
  const sums = { connectionsSum: 1, connectionsMax: 1, publishersSum: 0, subscribersSum: 1 };
  const alarm = {
    ...own,
    alarm: "a",
    role: "edge",
    region: "r1",
    from: "OK",
    to: "ALARM",
    reason: "",
    at: days(31),
  } as const;
  const report = {
    ...{ uid: "u28999", ...own, name: "edge-1", region: "r1", bootId: "b", sequence: 2 },
    role: "edge",
    ...{ connections: 1, publishers: 0, subscribers: 1, lastReportAt: days(31) },
  } as const;
  const sighting = { ...own, scope: "live", name: "new", nodeUid: "u28999", subscribers: 1, at: days(31) };

  const history = () => prismaHistory(client, { clusterId: "own" });
  const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
    [
      "record a transition",
      () => history().nodeLives.record([{ life, phase: "Pending", at: days(31), reason: "Launched" }]),
    ],
    ["close a life", () => history().nodeLives.close([{ uid: "u28500", at: days(31), reason: "Terminated" }])],
    [
      "close the lives that a crash left open",
      () => history().nodeLives.closeAllExcept(["u28900"], { openedBefore: days(1), at: days(31), reason: "Lost" }),
    ],
    ["list open lives", () => history().nodeLives.open(own)],
    ["read one life", () => history().nodeLives.read("u100")],
    ["look up nodes", () => history().nodeLives.during(span)],
    ["see streams", () => history().streams.see([sighting])],
    ["end streams", () => history().streams.endOthers([{ nodeUid: "u28999", still: [], at: days(31) }])],
    ["list live streams", () => history().streams.live(own)],
    ["look up streams", () => history().streams.during(span)],
    [
      "add load",
      () => history().load.add([{ ...own, role: "edge", region: "r1", minute: days(31), samples: 1, ...sums }]),
    ],
    ["read load", () => history().load.read(span)],
    ["look up load", () => history().load.during(span)],
    ["record a decision", () => history().activities.record(activity, days(31))],
    ["list decisions", () => history().activities.last({ ...own, limit: 10 })],
    ["list decisions until a time", () => history().activities.last({ ...own, limit: 10, until: days(3) })],
    ["record a change of an alarm", () => history().alarms.record([alarm])],
    ["look up alarms", () => history().alarms.during(span)],
    ["keep reports", () => history().lastReports.record([report])],
    ["read reports", () => history().lastReports.read(own)],
    ["find what is oldest", () => prismaFootprint(client, { clusterId: "own", compacts: false }).oldest()],
    ...(["activities", "alarms", "load", "streams", "nodeLives", "lastReports"] as const).map(
      (kind) => [`prune ${kind}`, () => history()[kind].prune(days(1))] as const,
    ),
  ];

  it.each(calls)("goes by an index to %s", async (_name, call) => {
    pool.statements.length = 0;
    await call();
    const statements = [...pool.statements];
    expect(statements.length).toBeGreaterThan(0);
    for (const statement of statements) {
      expect({ of: statement.text, scanned: await scanned(statement) }).toEqual({ of: statement.text, scanned: [] });
    }
  });

  it("would tell a query that does not", async () => {
    const statement = {
      text: "SELECT count(*) FROM load_minute WHERE cluster_id = $1 AND samples > $2",
      values: ["own", 5],
    };
    expect(await scanned(statement)).toEqual(["load_minute"]);
  });

  /** A session tells what it did when it has ended: so this one ends, and its end is waited for. */
  async function counts(table: string): Promise<{ readonly updates: number; readonly hot: number }> {
    await client.$disconnect();
    await pool.end();
    const others = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    // The one that explains plans stays.
    await eventually(async () => expect(await rowsOf(scratch.url, others)).toHaveLength(1));
    pool = new WatchedPool({ connectionString: scratch.url });
    client = new PrismaClient({ adapter: new PrismaPg(pool) });
    const sql = `SELECT n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = '${table}'`;
    const [row] = await rowsOf<{ readonly updates: number; readonly hot: number }>(scratch.url, sql);
    return row ?? { updates: 0, hot: 0 };
  }

  it.each([
    [
      "stream",
      0.9,
      () => history().streams.see([sighting]),
      (turn: number) => history().streams.see([{ ...sighting, at: addMs(sighting.at, turn) }]),
    ],
    [
      "scaling_activity",
      0.7,
      () => history().activities.record(activity, days(31)),
      (turn: number) => history().activities.record(activity, addMs(days(31), turn)),
    ],
  ] as const)("writes a row of %s anew within its page", async (table, share, first, again) => {
    await first();
    const before = await counts(table);
    for (let turn = 1; turn <= 300; turn += 1) await again(turn);
    const after = await counts(table);
    expect(after.updates - before.updates).toBeGreaterThanOrEqual(300);
    expect((after.hot - before.hot) / (after.updates - before.updates)).toBeGreaterThanOrEqual(share);
  });
});
