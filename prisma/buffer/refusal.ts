/** Telling a database that refuses a row from one that is down. */
import { Prisma } from "../generated/client.ts";

/** SQLSTATE classes that speak of the data: repeating the same statement cannot help. */
const dataClasses: ReadonlySet<string> = new Set(["22", "23"]);

/** Whether the database answered that it will not have these rows. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && dataClasses.has(state.slice(0, 2));
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
