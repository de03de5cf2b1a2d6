/** Objects in one SQLite file: every write is a transaction, and a lock keeps a second process out. */
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { messageOf } from "../../runtime/thrown.ts";
import { DataFileError, explained, openSqliteFile } from "../sqlite-file.ts";
import { isObject } from "./json.ts";
import type { ObjectKey, ObjectPersistence, PersistedObject } from "./object-store.ts";
import { StatusError } from "./status.ts";

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
  return openSqliteFile({ path, schema, moveAside }, (database) => {
    prepare(database, path);
    return new ObjectFile(database, path);
  });
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
    return explained({ path: this.#path, moveAside }, () => {
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
