/** What PostgreSQL itself said about a failure, whichever library threw it. */
import { causeLine } from "./cause-line.ts";
import { Prisma } from "./generated/client.ts";

/** The SQLSTATE of a failure, five characters such as `42P01`; undefined where no server answered. */
export function sqlState(error: unknown): string | undefined {
  // Prisma's own codes look like one: P1001.
  const code = isPrismas(error) ? field(driverCause(error), "originalCode") : field(error, "code");
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** What the driver below Prisma said, in one line; else what the failure itself says. */
export function driverMessage(error: unknown): string {
  const said = isPrismas(error) ? driverCause(error) : error;
  const words = [field(said, "originalMessage"), field(said, "reason"), field(error, "message")];
  const text = words.filter((word) => typeof word === "string").find((word) => word !== "") ?? causeLine(error);
  const lines = text.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "") ?? "";
}

/** The code of a failure that is not the server's, such as `ECONNREFUSED`, or Prisma's for the same. */
export function failureCode(error: unknown): string | undefined {
  const code = field(error, "code");
  return typeof code === "string" ? code : undefined;
}

function isPrismas(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError;
}

function driverCause(error: unknown): unknown {
  return field(field(field(error, "meta"), "driverAdapterError"), "cause");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
