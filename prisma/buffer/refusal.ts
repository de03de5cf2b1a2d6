/** Telling a database that refuses a row from one that lacks our tables, and both from one that is down. */
import { Prisma } from "../generated/client.ts";

/** SQLSTATE classes that speak of the data: repeating the same statement cannot help. */
const dataClasses: ReadonlySet<string> = new Set(["22", "23"]);

/** Whether the database answered that it will not have these rows. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && dataClasses.has(state.slice(0, 2));
}

/** PostgreSQL's words for a schema or a table that is not there. */
const missing: ReadonlySet<string> = new Set(["3F000", "42P01"]);

/** Whether the database lacks our tables: it was emptied or replaced since it was prepared. */
export function lacksTables(error: unknown): boolean {
  return missing.has(sqlState(error) ?? "");
}

function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined;
  const cause = field(field(error.meta, "driverAdapterError"), "cause");
  const code = field(cause, "originalCode");
  return typeof code === "string" ? code : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
