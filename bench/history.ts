/** The embedded database over a simulated day: how long its log gets, and how long a start takes that replays it. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { PrismaPGlite } from "pglite-prisma-adapter";
import type { History } from "../domain/ports.ts";
import { addMs, type Instant, instant } from "../domain/time.ts";
import { BufferedHistory } from "../prisma/buffered-history.ts";
import { openEmbeddedDatabase } from "../prisma/embedded-database.ts";
import { PrismaClient } from "../prisma/generated/client.ts";
import { migrate } from "../prisma/migration-runner.ts";
import { prismaHistory } from "../prisma/prisma-history.ts";
import { systemClock } from "../runtime/clock.ts";
import { rounded } from "./measure.ts";
import type { Row } from "./table.ts";

export interface HistoryBenchOptions {
  /** Simulated hours of ours, and of PGlite as it comes. */
  readonly hours: number;
  readonly peerHours: number;
}

interface Subject {
  readonly name: string;
  open(directory: string): Promise<{ readonly history: History; close(): Promise<void> }>;
}

const clusterId = "bench";

const ours: Subject = {
  name: "streamfleet",
  open: (directory) => openEmbeddedDatabase(directory, clusterId),
};

const peer: Subject = {
  name: "PGlite as it comes",
  open: async (directory) => {
    const server = await PGlite.create(join(directory, "pgdata"));
    const query = (sql: string, parameters?: unknown[]) => server.query(sql, parameters);
    await migrate({ query, exec: (sql) => server.exec(sql) }, { clusterId, newer: "Refuse" });
    const client = new PrismaClient({ adapter: new PrismaPGlite(server) });
    return { history: prismaHistory(client, { clusterId, vacuum: true }), close: () => server.close() };
  },
};

const nodes = 8;
const reportMs = 5_000;
const hourMs = 3_600_000;
const start = instant(Date.UTC(2026, 0, 1));

/** The same reports to both. A row for every fourth hour, and for each of the first two. */
export async function benchHistory({ hours, peerHours }: HistoryBenchOptions): Promise<readonly Row[]> {
  return [...(await rowsOf(ours, hours)), ...(await rowsOf(peer, peerHours))];
}

/** Removing the oldest of 31 days, of each kind, while nobody else may use the server. */
export async function benchPruning(): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "streamfleet-bench-"));
  const database = await openEmbeddedDatabase(directory, clusterId);
  const { history } = database;
  const rows: Row[] = [];
  try {
    for (let day = 0; day < 31; day += 1) await writeDay(history, day);
    for (const kind of ["activities", "alarms", "load", "streams", "nodeLives"] as const) {
      const before = performance.now();
      const removed = await history[kind].prune(addMs(start, dayMs));
      rows.push({ kind, "rows of the day": removed, ms: rounded(performance.now() - before) });
    }
  } finally {
    await database.close();
    rmSync(directory, { recursive: true });
  }
  return rows;
}

const minuteMs = 60_000;
const dayMs = 24 * hourMs;
const chunk = 2_000;

/** Of a fleet of some fifty nodes: four places, a stream every 18 s, a node every 90 s, a decision every 3 min. */
async function writeDay(history: History, day: number): Promise<void> {
  const of = { namespace: "default", group: "live", role: "edge", region: "eu-west-1" } as const;
  const at = (ms: number): Instant => addMs(start, day * dayMs + ms);
  const sums = { samples: 12, connectionsSum: 1_200, connectionsMax: 120, publishersSum: 0, subscribersSum: 1_200 };
  const minutes = ["a", "b", "c", "d"].flatMap((region) =>
    every(minuteMs, (ms) => ({ ...of, region, minute: at(ms), ...sums })),
  );
  await inChunks(minutes, (some) => history.load.add(some));
  const uid = (ms: number): string => `${day}-${ms}`;
  const life = (ms: number) => ({ ...of, uid: uid(ms), name: `edge-${ms}`, platform: "simulated", openedAt: at(ms) });
  const phases = ["Pending", "Running", "InService", "Terminating"] as const;
  const transitions = every(90_000, (ms) => ms).flatMap((ms) =>
    phases.map((phase, turn) => ({ life: life(ms), phase, at: at(ms + turn), reason: "Because" })),
  );
  await inChunks(transitions, (some) => history.nodeLives.record(some));
  const streams = every(18_000, (ms) => ({
    ...of,
    scope: "live",
    name: `s${ms}`,
    nodeUid: uid(ms - (ms % 90_000)),
    at: at(ms),
  }));
  await inChunks(streams, (some) => history.streams.see(some.map((stream) => ({ ...stream, subscribers: 5 }))));
  const ends = every(90_000, (ms) => ({ uid: uid(ms), at: at(ms + 10), reason: "Terminated" }));
  await inChunks(ends, (some) => history.nodeLives.close(some));
  await history.alarms.record(
    every(minuteMs, (ms) => ({ ...of, alarm: "a", from: "OK", to: "ALARM", reason: "", at: at(ms) }) as const),
  );
  const decided = { ...of, kind: "Hold", message: "why", deciderVersion: 1, input: { counts: { inService: 2 } } };
  for (const [turn, ms] of every(180_000, (ms) => ms).entries())
    await history.activities.record({ ...decided, reason: `R${turn % 2}` }, at(ms));
}

function every<T>(stepMs: number, of: (ms: number) => T): readonly T[] {
  return Array.from({ length: dayMs / stepMs }, (_, turn) => of(turn * stepMs));
}

async function inChunks<T>(rows: readonly T[], write: (some: readonly T[]) => Promise<void>): Promise<void> {
  for (let done = 0; done < rows.length; done += chunk) await write(rows.slice(done, done + chunk));
}

async function rowsOf(subject: Subject, hours: number): Promise<readonly Row[]> {
  const scratch = mkdtempSync(join(tmpdir(), "streamfleet-bench-"));
  const directory = join(scratch, "running");
  mkdirSync(directory);
  const rows: Row[] = [];
  const running = await subject.open(directory);
  try {
    for (let hour = 1; hour <= hours; hour += 1) {
      await writeHour(running.history, addMs(start, (hour - 1) * hourMs));
      if (hour <= 2 || hour % 4 === 0)
        rows.push({ subject: subject.name, hour, ...(await measured(subject, directory)) });
    }
    await running.close();
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return rows;
}

/** A copy of the files while the server runs is what a kill leaves: it is opened as after one. */
async function measured(subject: Subject, directory: string): Promise<Row> {
  const log = bytesIn(join(directory, "pgdata", "pg_wal"));
  const all = bytesIn(join(directory, "pgdata"));
  const killed = `${directory}-killed`;
  cpSync(directory, killed, { recursive: true });
  const before = performance.now();
  const reopened = await subject.open(killed);
  const openMs = performance.now() - before;
  await reopened.close();
  rmSync(killed, { recursive: true });
  return { "log MB": mb(log), "data MB": mb(all - log), "start after a kill ms": rounded(openMs) };
}

async function writeHour(history: History, from: Instant): Promise<void> {
  const buffer = new BufferedHistory({ history, clock: systemClock() });
  for (let at = from; at < from + hourMs; at = addMs(at, reportMs)) {
    for (let node = 0; node < nodes; node += 1) record(buffer, node, at);
    await buffer.flush();
  }
  await buffer.stop();
  await history.load.prune(addMs(from, -31 * 24 * hourMs));
}

function record(buffer: BufferedHistory, node: number, at: Instant): void {
  const place = { namespace: "default", group: "live", role: "edge", region: "eu-west-1" } as const;
  const load = { connections: 100 + node, publishers: 0, subscribers: 100 + node };
  const uid = `00000000-0000-0000-0000-00000000000${node}`;
  buffer.recordReport({
    ...place,
    ...load,
    uid,
    name: `live-edge-${node}`,
    bootId: "b",
    sequence: at,
    lastReportAt: at,
    lastTrafficAt: at,
  });
  buffer.recordLoad({ ...place, ...load, at });
  const streams = ["match", "studio"].map((name) => ({ scope: "live", name, subscribers: 50 }));
  buffer.recordStreams({ ...place, nodeUid: uid, streams, at });
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

function mb(bytes: number): number {
  return rounded(bytes / 1024 / 1024);
}
