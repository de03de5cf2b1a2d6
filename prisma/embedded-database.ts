/** PostgreSQL inside this process (PGlite), in one directory: for a laptop and for one replica. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { PGlite } from "@electric-sql/pglite";
import { PrismaPGlite } from "pglite-prisma-adapter";
import { causeLine } from "./cause-line.ts";
import { acquireDirectoryLock, type DirectoryLock } from "./directory-lock.ts";
import { assertRoom, type FreeBytes, freeBytes } from "./disk-room.ts";
import { EmbeddedServer } from "./embedded-server.ts";
import { prismaFootprint } from "./footprint.ts";
import { PrismaClient } from "./generated/client.ts";
import { DatabaseOpenError, type HistoryDatabase } from "./history-database.ts";
import { migrate, MigrationError } from "./migration-runner.ts";
import { prismaHistory } from "./prisma-history.ts";
import { driverMessage } from "./sql-state.ts";

/**
 * Opens the database in `directory` for an installation, creates it where there is none, and brings it to our schema. PGlite
 * itself would let a second process in, which loses data, and would overwrite a directory that lacks a file: both are refused
 * here. `free`: how much room there is.
 * @throws DirectoryLockedError, DirectoryUnusableError, DatabaseOpenError, MigrationError.
 */
export async function openEmbeddedDatabase(
  directory: string,
  clusterId: string,
  free: FreeBytes = freeBytes,
): Promise<HistoryDatabase> {
  const lock = acquireDirectoryLock(directory);
  try {
    return await openLocked({ directory, clusterId, free }, lock);
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

interface Place {
  readonly directory: string;
  readonly clusterId: string;
  readonly free: FreeBytes;
}

async function openLocked(place: Place, lock: DirectoryLock): Promise<HistoryDatabase> {
  const server = await startServer(place);
  const { clusterId } = place;
  try {
    const query = (sql: string, parameters?: unknown[]) => server.connection.query(sql, parameters);
    const exec = (sql: string) => server.connection.exec(sql);
    await migrate({ query, exec }, { clusterId, newer: "Tolerate" });
  } catch (cause) {
    await server.close();
    throw cause instanceof MigrationError ? cause : unopenable(place, cause);
  }
  return serve(server, clusterId, lock);
}

function serve(server: EmbeddedServer, clusterId: string, lock: DirectoryLock): HistoryDatabase {
  // Of the whole of PGlite the adapter calls no more than this, unless for transactions, which we do not use.
  const client = new PrismaClient({ adapter: new PrismaPGlite(server.connection as PGlite) });
  const letGo = async (): Promise<void> => {
    await client.$disconnect();
    await server.close();
    lock.release();
  };
  let closing: Promise<void> | undefined;
  return {
    history: prismaHistory(client, { clusterId, vacuum: true }),
    footprint: prismaFootprint(client, { clusterId, compacts: true }),
    diagnose: driverMessage,
    close: () => (closing ??= letGo()),
  };
}

/** Where things are: PostgreSQL's own directory, and a mark that stands while it is being created. */
function layout(directory: string) {
  return { cluster: join(directory, "pgdata"), creating: join(directory, "creating") };
}

async function startServer(place: Place): Promise<EmbeddedServer> {
  const { cluster, creating } = layout(place.directory);
  try {
    if (prepareCluster(place)) {
      await makeCluster(cluster);
      rmSync(creating);
    }
    const server = new EmbeddedServer(cluster, place.free);
    await server.open();
    return server;
  } catch (cause) {
    throw unopenable(place, cause);
  }
}

/** On a thread of its own: this one answers signals and requests meanwhile. */
async function makeCluster(cluster: string): Promise<void> {
  const worker = new Worker(join(import.meta.dirname, "cluster-maker.ts"), { workerData: cluster });
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`its creation ended with code ${code}`));
    });
  });
}

/** Says whether a cluster is to be created. One whose creation was cut short holds nothing, and is begun anew. */
function prepareCluster({ directory, free }: Place): boolean {
  const { cluster, creating } = layout(directory);
  if (existsSync(creating)) rmSync(cluster, { recursive: true, force: true });
  if (existsSync(cluster)) {
    assertCluster(cluster);
    return false;
  }
  assertRoom(directory, free);
  writeFileSync(creating, "");
  mkdirSync(cluster, { mode: 0o700 });
  return true;
}

/** PGlite takes a directory without this file for an empty one, and would create a cluster over what is there. */
function assertCluster(cluster: string): void {
  const names = readdirSync(cluster);
  if (!names.includes("PG_VERSION")) throw new Error("pgdata/PG_VERSION is missing");
}

/** What a full disk breaks is not corrupt: with room it opens again. */
function unopenable({ directory, free }: Place, cause: unknown): Error {
  if (cause instanceof DatabaseOpenError) return cause;
  try {
    assertRoom(directory, free);
  } catch (isFull) {
    return isFull as Error;
  }
  const advice = "it holds only history: move the directory away to begin with an empty one";
  return new DatabaseOpenError(
    `the database in ${directory} is unreadable or corrupt (${causeLine(cause)}); ${advice}`,
    { cause },
  );
}
