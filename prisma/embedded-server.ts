/** PGlite, kept small and alive: its log is cut as it grows, and what a full disk breaks is opened again. */
import { PGlite } from "@electric-sql/pglite";
import { assertRoom, type FreeBytes } from "./disk-room.ts";

/** The part of PGlite that Prisma's adapter and we use. */
export type EmbeddedConnection = Pick<PGlite, "query" | "exec">;

/** The log may grow by so much (bytes) before a checkpoint; what is replayed at the next start is no longer than that. */
const checkpointBytes = 16 * 1024 * 1024;
/** Statements after which it is asked how long the log is. */
const statementsPerLook = 16;

/** A sample of a table is read while everything else waits: a small one. */
const settings = ["-c", "max_wal_size=48MB", "-c", "min_wal_size=32MB", "-c", "default_statistics_target=10"];

/**
 * PostgreSQL has processes that checkpoint and that look how large its tables are. This one has none: it would keep its whole log
 * for ever, and check the foreign keys of a large table by the plan that it made when the table was empty.
 */
const upkeep = "ANALYZE; CHECKPOINT";

const logLength = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 AS bytes FROM pg_control_checkpoint()`;

export class EmbeddedServer {
  readonly #folder: string;
  readonly #free: FreeBytes;
  #server: PGlite | undefined;
  #isClosed = false;
  #statements = 0;
  /** The statement that runs, with all that wait for it. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `free`: how much room there is for the files in `folder`. */
  constructor(folder: string, free: FreeBytes) {
    this.#folder = folder;
    this.#free = free;
  }

  /** @throws whatever PGlite throws. */
  open(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#opened();
    });
  }

  /** One statement at a time: what waited within a server that broke would never be answered. */
  readonly connection: EmbeddedConnection = {
    query: (sql, parameters, options) => this.#run(sql, (server) => server.query(sql, parameters, options)),
    exec: (sql, options) => this.#run(sql, (server) => server.exec(sql, options)),
  };

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const server = this.#server;
      this.#isClosed = true;
      this.#server = undefined;
      await server?.close();
    });
  }

  #run<T>(sql: string, work: (server: PGlite) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const writes = !/^\s*(SELECT|SHOW)\b/i.test(sql);
      if (writes) assertRoom(this.#folder, this.#free);
      const server = await this.#opened();
      try {
        const answer = await work(server);
        if (writes) await this.#keepUp(server);
        return answer;
      } catch (cause) {
        if (hasBroken(cause)) this.#server = undefined;
        throw cause;
      }
    });
  }

  async #opened(): Promise<PGlite> {
    if (this.#isClosed) throw new Error("the database is closed");
    this.#server ??= await PGlite.create({
      dataDir: this.#folder,
      startParams: [...PGlite.defaultStartParams, ...settings],
    });
    return this.#server;
  }

  async #keepUp(server: PGlite): Promise<void> {
    this.#statements += 1;
    if (this.#statements < statementsPerLook) return;
    this.#statements = 0;
    const { rows } = await server.query<{ readonly bytes: number }>(logLength);
    if ((rows[0]?.bytes ?? 0) > checkpointBytes) await server.exec(upkeep);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

/**
 * Whether the server is not to be asked again: it found no room for its log, could not read or write a file, or its machine
 * code ended. It would wait for ever for a lock that it holds itself, and this process with it.
 */
function hasBroken(cause: unknown): boolean {
  if (typeof cause !== "object" || cause === null) return true;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  if (code === "53100" || code.startsWith("58") || code.startsWith("XX")) return true;
  return "name" in cause && (cause.name === "RuntimeError" || cause.name === "ExitStatus");
}
