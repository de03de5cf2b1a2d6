import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import { databaseFailure } from "../../prisma/database-failure.ts";
import { Prisma } from "../../prisma/generated/client.ts";
import { execute, testServerUrl } from "../support/postgres.ts";

const target = { host: "db.example", port: 5432, database: "fleet", user: "streamfleet", schema: "public" };

function failed(code: string, message = "some words"): Error {
  return Object.assign(new Error(message), { code });
}

function byPrisma(cause: object): Error {
  const meta = { driverAdapterError: { cause } };
  const message = "\nInvalid `prisma.stream.findMany()` invocation:\n\n\nsomething failed";
  return new Prisma.PrismaClientKnownRequestError(message, { code: "P2010", clientVersion: "7", meta });
}

describe("a failure of a database", () => {
  it.each([
    ["3D000", "there is no database fleet at db.example:5432: create it"],
    ["28P01", "look at user and password in DATABASE_URL"],
    ["42501", "grants streamfleet USAGE on the schema"],
    ["53100", "the disk of the server at db.example:5432 is full"],
    ["53300", "raise max_connections"],
    ["25006", "is read-only: name the primary"],
    ["42P01", "run `streamfleet migrate`"],
    ["57P03", "some words: it is tried again"],
    ["57014", "another session may hold a lock"],
    [
      "ECONNREFUSED",
      "nothing answers at db.example:5432 (some words, ECONNREFUSED): look whether PostgreSQL runs there",
    ],
    ["ENOTFOUND", "the name db.example is not known"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "the certificate of db.example is not trusted here"],
  ])("with code %s says what to do", (code, words) => {
    expect(databaseFailure(failed(code), target)).toContain(words);
  });

  it.each([
    ["The server does not support SSL connections", "turn TLS on there, or leave sslmode out"],
    ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", "write one into DATABASE_URL"],
    ["timeout expired", "nothing answers at db.example:5432 (timeout expired)"],
    ["Connection terminated unexpectedly", "nothing answers at db.example:5432"],
    ["something nobody has heard of", "something nobody has heard of"],
  ])("without a code, %j, says %j", (message, words) => {
    expect(databaseFailure(new Error(message), target)).toContain(words);
  });

  it("asks for TLS where the server takes nothing else", () => {
    const message = 'no pg_hba.conf entry for host "10.0.0.9", user "x", database "fleet", no encryption';
    expect(databaseFailure(failed("28000", message), target)).toContain("ask for TLS with sslmode=require");
  });

  it("is the driver's, not Prisma's, and one line", () => {
    const cause = { originalCode: "53100", originalMessage: "could not extend file", kind: "postgres" };
    expect(databaseFailure(byPrisma(cause), target)).toContain("the disk of the server");
    expect(databaseFailure(byPrisma({ originalCode: "XX000", originalMessage: "odd" }), target)).toBe("odd");
    expect(databaseFailure(byPrisma({}), target)).toBe("something failed");
  });
});

const bin = join(import.meta.dirname, "..", "..", "bin", "streamfleet.js");

/** What `migrate` prints, and its exit code. */
async function migrateAt(url: string): Promise<{ readonly code: unknown; readonly said: string }> {
  const env = { PATH: process.env["PATH"], STREAMFLEET_CLUSTER_ID: "test", DATABASE_URL: url };
  const child = spawn(process.execPath, [bin, "migrate"], { env, stdio: ["ignore", "pipe", "pipe"] });
  const exit: Promise<readonly unknown[]> = once(child, "exit");
  const [said, [code]] = await Promise.all([text(child.stderr), exit]);
  return { code, said };
}

/** A port where nobody listens, or somebody who hangs up at once. */
async function portOf(hangsUp: boolean): Promise<{ readonly port: number; readonly close: () => Promise<unknown> }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<unknown> => new Promise((resolve) => server.close(resolve));
  if (!hangsUp) await close();
  return { port, close: hangsUp ? close : () => Promise.resolve() };
}

describe("streamfleet migrate", () => {
  it.each([
    ["nobody listens", false],
    ["somebody hangs up", true],
  ])("says in one line that %s", async (_name, hangsUp) => {
    const { port, close } = await portOf(hangsUp);
    const { code, said } = await migrateAt(`postgresql://u:secret@127.0.0.1:${port}/x`);
    await close();
    expect(said).toMatch(
      /^streamfleet: nothing answers at 127\.0\.0\.1:\d+ \(.*\): look whether PostgreSQL runs there.*\n$/,
    );
    expect(said).not.toContain("secret");
    expect(code).toBe(1);
  });

  it("says in one line that a name is not known", async () => {
    const { said } = await migrateAt("postgresql://u@no-such-host.invalid/x");
    expect(said).toMatch(
      /^streamfleet: the name no-such-host\.invalid is not known \(.*\): look at the host in DATABASE_URL\n$/,
    );
  });

  const withServer = testServerUrl === undefined ? it.skip : it;

  withServer.each([
    ["a database is missing", "/streamfleet_absent", /^streamfleet: there is no database streamfleet_absent at .*\n$/],
    [
      "a server has no TLS",
      "/postgres?sslmode=require",
      /^streamfleet: The server does not support SSL connections: .*\n$/,
    ],
  ])("says in one line that %s", async (_name, path, expected) => {
    const { code, said } = await migrateAt(new URL(path, testServerUrl).href);
    expect(said).toMatch(expected);
    expect(code).toBe(1);
  });

  withServer("says in one line which right is missing", async () => {
    const role = `streamfleet_weak_${String(process.pid)}`;
    await execute(testServerUrl ?? "", `CREATE ROLE ${role} LOGIN`);
    const url = new URL("/postgres?schema=streamfleet_denied", testServerUrl);
    url.username = role;
    const { said } = await migrateAt(url.href);
    await execute(testServerUrl ?? "", `DROP ROLE ${role}`);
    expect(said).toMatch(/^streamfleet: permission denied for database postgres: a role that owns schema .*\n$/);
  });
});
