/** A SQLite file of ours: made whole or not at all, and left alone where it is not healthy. */
import { accessSync, constants, existsSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../runtime/thrown.ts";

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

export interface SqliteFile {
  readonly path: string;
  /** What a new file is given. */
  readonly schema: string;
  /** What people can do with a file that cannot be used: `move it aside to …`. */
  readonly moveAside: string;
  /** How long (ms) to wait for another process that has it locked; absent: not at all. */
  readonly timeoutMs?: number;
}

/**
 * Opens the file, creating it and its folder where they are missing. `use` reads before it writes anything: what it throws closes the
 * file, which stays as it is. Throws DataFileError.
 */
export function openSqliteFile<T>(file: SqliteFile, use: (database: DatabaseSync) => T): T {
  const { path, timeoutMs } = file;
  return explained(file, () => {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) createFile(file);
    // SQLite would open a file that it cannot write, and refuse each write later.
    accessSync(path, constants.R_OK | constants.W_OK);
    const database = new DatabaseSync(path, timeoutMs === undefined ? {} : { timeout: timeoutMs });
    try {
      return use(database);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Made aside and then named, so that no crash leaves a half-made file behind, nor takes one that another just made. */
function createFile({ path, schema }: SqliteFile): void {
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

/** Runs it, and turns what SQLite and the file system say into one line that says what to do. */
export function explained<T>({ path, moveAside }: Pick<SqliteFile, "path" | "moveAside">, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DataFileError) throw error;
    const why = messageOf(error);
    if (why.includes("locked")) {
      const advice = "in use by another process; stop it, or use another data directory";
      throw new DataFileError(path, advice, { cause: error });
    }
    throw new DataFileError(path, `cannot be used (${why}); check its permissions, or ${moveAside}`, { cause: error });
  }
}
