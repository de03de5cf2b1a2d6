/** PostgreSQL inside this process (PGlite), in one directory: for a laptop and for one replica. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { PrismaPGlite } from "pglite-prisma-adapter";
import { causeLine } from "./cause-line.ts";
import { acquireDirectoryLock } from "./directory-lock.ts";
import type { DirectoryLock } from "./directory-lock.ts";
import { prismaFootprint } from "./footprint.ts";
import { PrismaClient } from "./generated/client.ts";
import { DatabaseOpenError } from "./history-database.ts";
import type { HistoryDatabase } from "./history-database.ts";
import { migrate, MigrationError } from "./migration-runner.ts";
import { prismaHistory } from "./prisma-history.ts";

/**
 * Opens the database in `directory` for an installation, creates it where there is none, and brings it to our schema. PGlite itself would
 * let a second process in, which loses data, and would overwrite a directory that lacks a file: both are refused here.
 * @throws DirectoryLockedError, DirectoryUnusableError, DatabaseOpenError, MigrationError.
 */
export async function openEmbeddedDatabase(directory: string, clusterId: string): Promise<HistoryDatabase> {
  const lock = acquireDirectoryLock(directory);
  try {
    return await openLocked(directory, clusterId, lock);
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

async function openLocked(directory: string, clusterId: string, lock: DirectoryLock): Promise<HistoryDatabase> {
  const server = await startServer(directory);
  try {
    const query = (sql: string, parameters?: unknown[]) => server.query(sql, parameters);
    await migrate({ query, exec: (sql) => server.exec(sql) }, { clusterId });
  } catch (cause) {
    await server.close();
    throw cause instanceof MigrationError ? cause : unopenable(directory, cause);
  }
  return serve(server, clusterId, lock);
}

function serve(server: PGlite, clusterId: string, lock: DirectoryLock): HistoryDatabase {
  const client = new PrismaClient({ adapter: new PrismaPGlite(server) });
  const letGo = async (): Promise<void> => {
    await client.$disconnect();
    await server.close();
    lock.release();
  };
  let closing: Promise<void> | undefined;
  return {
    history: prismaHistory(client, { clusterId, vacuum: true }),
    footprint: prismaFootprint(client, { clusterId, compacts: true }),
    ping: async () => {
      await server.query("SELECT 1");
    },
    close: () => (closing ??= letGo()),
  };
}

/** Where things are: PostgreSQL's own directory, and a mark that stands while it is being created. */
function layout(directory: string) {
  return { cluster: join(directory, "pgdata"), creating: join(directory, "creating") };
}

async function startServer(directory: string): Promise<PGlite> {
  const { cluster, creating } = layout(directory);
  try {
    const isNew = prepareCluster(directory);
    const server = await PGlite.create({ dataDir: cluster });
    if (isNew) rmSync(creating);
    return server;
  } catch (cause) {
    throw unopenable(directory, cause);
  }
}

/** Says whether a cluster is to be created. One whose creation was cut short holds nothing, and is begun anew. */
function prepareCluster(directory: string): boolean {
  const { cluster, creating } = layout(directory);
  if (existsSync(creating)) rmSync(cluster, { recursive: true, force: true });
  if (existsSync(cluster)) {
    assertCluster(cluster);
    return false;
  }
  writeFileSync(creating, "");
  mkdirSync(cluster, { mode: 0o700 });
  return true;
}

/** PGlite takes a directory without this file for an empty one, and would create a cluster over what is there. */
function assertCluster(cluster: string): void {
  const names = readdirSync(cluster);
  if (!names.includes("PG_VERSION")) throw new Error("pgdata/PG_VERSION is missing");
}

function unopenable(directory: string, cause: unknown): DatabaseOpenError {
  const advice = "it holds only history: move the directory away to begin with an empty one";
  return new DatabaseOpenError(
    `the database in ${directory} is unreadable or corrupt (${causeLine(cause)}); ${advice}`,
    { cause },
  );
}
