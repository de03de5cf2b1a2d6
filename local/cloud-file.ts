/** The simulated cloud in one SQLite file: machines, their user data and the tokens survive the process, as real ones would. */
import { join } from "node:path";
import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import { instant } from "../domain/time.ts";
import type { MachineEnd, MachineRecord } from "../platforms/simulated/machine-record.ts";
import {
  CloudStoreError,
  type ForgottenRecords,
  type LaunchRecord,
  type SimulatedCloudChange,
  type SimulatedCloudState,
  type SimulatedCloudStore,
} from "../platforms/simulated/store.ts";
import { messageOf } from "../runtime/thrown.ts";
import { DataFileError, openSqliteFile } from "./sqlite-file.ts";

/** "SFLC" in ASCII: how SQLite files say whose they are. */
const applicationId = 0x53464c43;
const formatVersion = 1;
const moveAside = "move it aside to start with an empty cloud, or restore a copy";

const schema = `
  CREATE TABLE machines (
    provider_id TEXT PRIMARY KEY, region TEXT NOT NULL, zone TEXT NOT NULL, instance_type TEXT NOT NULL,
    image TEXT NOT NULL, token TEXT NOT NULL, launch_index INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    launched_at INTEGER NOT NULL, running_at INTEGER NOT NULL, visible_at INTEGER NOT NULL,
    tags TEXT NOT NULL CHECK (json_type(tags) = 'object'), user_data TEXT NOT NULL,
    end_state TEXT CHECK (end_state IN ('Stopped', 'Terminated')), end_asked_at INTEGER, end_settled_at INTEGER
  ) STRICT;
  CREATE TABLE launches (
    token TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, launched_at INTEGER NOT NULL,
    provider_ids TEXT NOT NULL CHECK (json_type(provider_ids) = 'array')
  ) STRICT;
  CREATE TABLE cloud (id INTEGER PRIMARY KEY CHECK (id = 1), last_ordinal INTEGER NOT NULL) STRICT;
  INSERT INTO cloud (id, last_ordinal) VALUES (1, 0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${formatVersion};
`;

/**
 * Opens `<directory>/cloud.db`, creating both where they are missing. Several processes may have it open: each sees what
 * the others did.
 * @throws DataFileError, one line for people; a file that is damaged, foreign or of a later version stays as it is.
 */
export function openCloudFile(directory: string): CloudFile {
  const path = join(directory, "cloud.db");
  return openSqliteFile({ path, schema, moveAside, timeoutMs: 5_000 }, (database) => {
    prepare(database, path);
    return new CloudFile(database, path);
  });
}

/** Reads before it writes anything: what is not a healthy file of ours is left alone. */
function prepare(database: DatabaseSync, path: string): void {
  if (pragma(database, "application_id") !== applicationId) {
    throw new DataFileError(path, `is not the file of a simulated cloud; ${moveAside}`);
  }
  if (Number(pragma(database, "user_version")) > formatVersion) {
    throw new DataFileError(path, "was written by a later version; use that one");
  }
  if (pragma(database, "quick_check") !== "ok") throw new DataFileError(path, `the file is damaged; ${moveAside}`);
  // Every commit is on the disk before it is answered.
  database.exec("PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT;");
}

/** The file, open. Two that are open on one file see each other's commits. */
export class CloudFile implements SimulatedCloudStore {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #saveMachine: StatementSync;
  readonly #saveLaunch: StatementSync;
  readonly #saveOrdinal: StatementSync;
  readonly #removeMachine: StatementSync;
  readonly #removeLaunch: StatementSync;
  /** SQLite's count of what others committed, as of the last load. */
  #loadedVersion: SQLOutputValue | undefined;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#saveMachine = database.prepare(`INSERT OR REPLACE INTO machines VALUES (${"?, ".repeat(15)}?)`);
    this.#saveLaunch = database.prepare("INSERT OR REPLACE INTO launches VALUES (?, ?, ?, ?)");
    this.#saveOrdinal = database.prepare("UPDATE cloud SET last_ordinal = ?");
    this.#removeMachine = database.prepare("DELETE FROM machines WHERE provider_id = ?");
    this.#removeLaunch = database.prepare("DELETE FROM launches WHERE token = ?");
  }

  exclusively<T>(act: () => T): T {
    this.#explained(() => this.#database.exec("BEGIN IMMEDIATE"));
    try {
      const answer = act();
      this.#explained(() => this.#database.exec("COMMIT"));
      return answer;
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw cause;
    }
  }

  changedElsewhere(): boolean {
    return this.#explained(() => pragma(this.#database, "data_version") !== this.#loadedVersion);
  }

  load(): SimulatedCloudState {
    if (this.#database.isTransaction) return this.#explained(() => this.#read());
    return this.exclusively(() => this.load());
  }

  save({ machines = [], launches = [], lastOrdinal }: SimulatedCloudChange): void {
    this.#written(() => {
      for (const machine of machines) this.#saveMachine.run(...toMachineRow(machine));
      for (const { token, fingerprint, launchedAt, providerIds } of launches) {
        this.#saveLaunch.run(token, fingerprint, launchedAt, JSON.stringify(providerIds));
      }
      if (lastOrdinal !== undefined) this.#saveOrdinal.run(lastOrdinal);
    });
  }

  remove({ providerIds, tokens }: ForgottenRecords): void {
    this.#written(() => {
      for (const providerId of providerIds) this.#removeMachine.run(providerId);
      for (const token of tokens) this.#removeLaunch.run(token);
    });
  }

  /** May be called twice. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #read(): SimulatedCloudState {
    this.#loadedVersion = pragma(this.#database, "data_version");
    return {
      machines: this.#database.prepare("SELECT * FROM machines").all().map(fromMachineRow),
      launches: this.#database.prepare("SELECT * FROM launches").all().map(fromLaunchRow),
      lastOrdinal: Number(this.#database.prepare("SELECT last_ordinal FROM cloud").get()?.["last_ordinal"]),
    };
  }

  /** Alone, each statement would be a transaction of its own. */
  #written(act: () => void): void {
    if (!this.#database.isTransaction) throw new CloudStoreError("there is no transaction to write in");
    this.#explained(act);
  }

  #explained<T>(act: () => T): T {
    try {
      return act();
    } catch (cause) {
      throw new CloudStoreError(`${this.#path} failed: ${messageOf(cause)}`, { cause });
    }
  }
}

type Row = Readonly<Record<string, SQLOutputValue>>;

function toMachineRow(record: MachineRecord): (string | number | null)[] {
  const { providerId, region, zone, instanceType, image, token, launchIndex, ordinal, end } = record;
  return [
    ...[providerId, region, zone, instanceType, image, token, launchIndex, ordinal],
    ...[record.launchedAt, record.runningAt, record.visibleAt, JSON.stringify(record.tags), record.userData],
    ...[end?.state ?? null, end?.askedAt ?? null, end?.settledAt ?? null],
  ];
}

function fromMachineRow(row: Row): MachineRecord {
  const end = endOf(row);
  return {
    providerId: String(row["provider_id"]),
    region: String(row["region"]),
    zone: String(row["zone"]),
    instanceType: String(row["instance_type"]),
    image: String(row["image"]),
    token: String(row["token"]),
    launchIndex: Number(row["launch_index"]),
    ordinal: Number(row["ordinal"]),
    launchedAt: instant(Number(row["launched_at"])),
    runningAt: instant(Number(row["running_at"])),
    visibleAt: instant(Number(row["visible_at"])),
    // The table takes nothing but an object here, and only we write to it.
    tags: JSON.parse(String(row["tags"])) as Record<string, string>,
    userData: String(row["user_data"]),
    ...(end === undefined ? {} : { end }),
  };
}

function endOf(row: Row): MachineEnd | undefined {
  const state = row["end_state"];
  if (state !== "Stopped" && state !== "Terminated") return undefined;
  return {
    state,
    askedAt: instant(Number(row["end_asked_at"])),
    settledAt: instant(Number(row["end_settled_at"])),
  };
}

function fromLaunchRow(row: Row): LaunchRecord {
  return {
    token: String(row["token"]),
    fingerprint: String(row["fingerprint"]),
    launchedAt: instant(Number(row["launched_at"])),
    providerIds: JSON.parse(String(row["provider_ids"])) as string[],
  };
}

function pragma(
  database: DatabaseSync,
  name: "application_id" | "user_version" | "quick_check" | "data_version",
): SQLOutputValue | undefined {
  const row = database.prepare(`PRAGMA ${name}`).get();
  return row === undefined ? undefined : Object.values(row)[0];
}
