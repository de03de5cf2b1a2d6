/** Objects in one SQLite file: every write is a transaction, and a lock keeps a second process out. */
import { accessSync, constants, existsSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { messageOf } from "../../runtime/thrown.ts";
import { isObject } from "./json.ts";
import type { ObjectKey, ObjectPersistence, PersistedObject } from "./object-store.ts";
import { StatusError } from "./status.ts";

/** The file cannot be used. The message is one line: which file, why, and what to do. Nothing was changed. */
export class DataFileError extends Error {
  override readonly name = "DataFileError";
  readonly isForPeople = true;
  readonly path: string;
  constructor(path: string, why: string, options?: ErrorOptions) {
    super(`${path}: ${why}`, options);
    this.path = path;
  }
}

const formatVersion = 1;
const moveAside = "move it aside to start with no objects, or restore a copy";

const schema = `
  CREATE TABLE revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL);
  CREATE TABLE objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (resource, namespace, name)
  );
  INSERT INTO revision (id, value) VALUES (1, 1);
  PRAGMA user_version = ${formatVersion};
`;

/** Opens `<directory>/objects.db`, creating both where they are missing. Throws DataFileError. */
export function openObjectFile(directory: string): ObjectPersistence {
  const path = join(directory, "objects.db");
  return explained(path, () => {
    mkdirSync(directory, { recursive: true });
    if (!existsSync(path)) createFile(path);
    // SQLite would open a file that it cannot write, and refuse each write later.
    accessSync(path, constants.R_OK | constants.W_OK);
    const database = new DatabaseSync(path);
    try {
      prepare(database, path);
      return new ObjectFile(database, path);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Made aside and then named, so that no crash leaves a half-made file behind: an empty one was damaged, and is refused. */
function createFile(path: string): void {
  const aside = `${path}.${process.pid}.new`;
  rmSync(aside, { force: true });
  const database = new DatabaseSync(aside);
  database.exec(`PRAGMA journal_mode = WAL; BEGIN; ${schema} COMMIT;`);
  database.close();
  try {
    linkSync(aside, path);
  } catch (cause) {
    if (!existsSync(path)) throw cause;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Reads before it writes anything: a file that is damaged, foreign or of a later version stays as it is. */
function prepare(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > formatVersion) throw new DataFileError(path, "written by a later version; use that one");
  if (version < 1) throw new DataFileError(path, `is empty or not a file of objects; ${moveAside}`);
  // Held until the process ends, however it ends: no other process gets in.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;");
  const check = database.prepare("PRAGMA quick_check(1)").get();
  if (check?.["quick_check"] !== "ok") throw new DataFileError(path, `the file is damaged; ${moveAside}`);
  // A commit reaches the operating system before it is acknowledged, which survives the death of the process.
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
}

class ObjectFile implements ObjectPersistence {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #advance: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#upsert = database.prepare(
      "INSERT INTO objects (resource, namespace, name, body) VALUES (?, ?, ?, ?) " +
        "ON CONFLICT (resource, namespace, name) DO UPDATE SET body = excluded.body",
    );
    this.#delete = database.prepare("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?");
    this.#advance = database.prepare("UPDATE revision SET value = ? WHERE id = 1");
  }

  load(): { readonly revision: number; readonly objects: readonly PersistedObject[] } {
    return explained(this.#path, () => {
      const revision = Number(this.#database.prepare("SELECT value FROM revision").get()?.["value"]);
      const rows = this.#database.prepare("SELECT resource, namespace, name, body FROM objects").all();
      return { revision, objects: rows.map((row) => toObject(row, this.#path)) };
    });
  }

  put(key: ObjectKey, object: KubernetesObject, revision: number): void {
    this.#commit(revision, () => this.#upsert.run(key.resource, key.namespace, key.name, JSON.stringify(object)));
  }

  remove(key: ObjectKey, revision: number): void {
    this.#commit(revision, () => this.#delete.run(key.resource, key.namespace, key.name));
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #commit(revision: number, write: () => unknown): void {
    try {
      this.#database.exec("BEGIN");
      write();
      this.#advance.run(revision);
      this.#database.exec("COMMIT");
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw new StatusError(500, "InternalError", `${this.#path}: ${messageOf(cause)}; nothing was changed`);
    }
  }
}

function toObject(row: Readonly<Record<string, unknown>>, path: string): PersistedObject {
  const key = { resource: String(row["resource"]), namespace: String(row["namespace"]), name: String(row["name"]) };
  const object = parsed(String(row["body"]));
  if (isKubernetesObject(object)) return { key, object };
  throw new DataFileError(path, `${key.resource} ${key.namespace}/${key.name} is not readable; ${moveAside}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isKubernetesObject(value: unknown): value is KubernetesObject {
  return isObject(value) && typeof value["kind"] === "string" && isObject(value["metadata"]);
}

/** Runs it, and turns what SQLite and the file system say into one line that says what to do. */
function explained<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DataFileError) throw error;
    const why = messageOf(error);
    if (why.includes("locked")) {
      throw new DataFileError(path, "in use by another process; stop it, or use another data directory", {
        cause: error,
      });
    }
    throw new DataFileError(path, `cannot be used (${why}); check its permissions, or ${moveAside}`, { cause: error });
  }
}
