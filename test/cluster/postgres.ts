/** A PostgreSQL server for the run, through the script that people use too. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts a server on a folder of its own. The script stops it when its command ends, and its command ends when our end
 * of the pipe closes: when we stop it, and also when we are killed.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const script = fileURLToPath(new URL("../support/postgres.sh", import.meta.url));
  const command = ["sh", "-c", 'echo "$TEST_DATABASE_URL"; cat >/dev/null'];
  const server = spawn("bash", [script, "run", ...command], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const lines = createInterface(server.stdout);
  const url = await new Promise<string | undefined>((resolve) => {
    lines.once("line", resolve).once("close", () => resolve(undefined));
  });
  if (url === undefined) throw new Error("PostgreSQL did not start: see the line above");
  const stop = (): Promise<void> => {
    server.stdin.end();
    return ended;
  };
  return { url, stop };
}
