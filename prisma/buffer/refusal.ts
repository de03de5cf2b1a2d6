/** Telling a database that refuses a row from one that lacks our tables, and both from one that is down. */
import { sqlState } from "../sql-state.ts";

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
