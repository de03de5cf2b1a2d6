/** PgBouncer before a test server, for as long as a test runs. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, chmodSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

/** Debian's place; `test/support/postgres.sh install` puts it there. */
const binary = "/usr/sbin/pgbouncer";

/** Whether there is one to be started. */
export const hasPgBouncer = existsSync(binary);

export interface Pooler {
  /** The URL of a database, by way of the pooler. */
  urlOf(database: string): string;
  stop(): Promise<void>;
}

/** Starts one before the server of a URL. */
export async function startPgBouncer(serverUrl: string, mode: "session" | "transaction"): Promise<Pooler> {
  const server = new URL(serverUrl);
  const folder = mkdtempSync(join(tmpdir(), "pgbouncer-"));
  const port = await freePort();
  const settings = join(folder, "pgbouncer.ini");
  writeFileSync(join(folder, "users"), `"${server.username}" ""\n`, { mode: 0o644 });
  writeFileSync(
    settings,
    [
      "[databases]",
      `* = host=${server.hostname} port=${server.port}`,
      "[pgbouncer]",
      `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =`,
      `auth_type = trust\nauth_file = ${join(folder, "users")}`,
      `pool_mode = ${mode}\ndefault_pool_size = 20\nignore_startup_parameters = extra_float_digits`,
    ].join("\n"),
    { mode: 0o644 },
  );
  // It refuses to run as root, and reads its settings as somebody else.
  chmodSync(folder, 0o755);
  const isRoot = process.getuid?.() === 0;
  const child = spawn(binary, ["-q", ...(isRoot ? ["-u", "postgres"] : []), settings], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await eventually(async () => {
    if (!(await accepts(port))) throw new Error("it does not listen yet");
  });
  return {
    urlOf: (database) => `postgresql://${server.username}@127.0.0.1:${port}/${database}`,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
