import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const bin = join(import.meta.dirname, "../../bin/streamfleet.js");

let scratch: ScratchDirectory;
let child: ChildProcess | undefined;
let holder: Server | undefined;

beforeEach(() => {
  scratch = new ScratchDirectory();
});
afterEach(() => {
  child?.kill("SIGKILL");
  holder?.close();
  scratch.remove();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function up(ports: Readonly<Record<string, number>>): { readonly child: ChildProcess; readonly said: () => string } {
  const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}`, String(port)]);
  const args = [bin, "up", "--data-dir", join(scratch.path, "data"), ...flags];
  const started = spawn(process.execPath, args, {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [started.stdout, started.stderr])
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child = started;
  return { child: started, said: () => text };
}

describe("streamfleet up, interrupted while it is being set up", () => {
  it("answers at once, ends in order, and begins anew the next time", async () => {
    const ports = { "api-port": await freePort(), "kube-port": await freePort(), "media-port": await freePort() };
    const first = up(ports);
    const creating = join(scratch.path, "data", "db", "creating");
    await eventually(() => expect(existsSync(creating)).toBe(true), { everyMs: 5 });
    const exited = once(first.child, "exit");
    first.child.kill("SIGINT");
    expect(await exited).toEqual([0, null]);
    expect(first.said()).toContain("stopping; the machines are left as they are");
    // It did not wait for the database.
    expect(existsSync(creating)).toBe(true);
    const second = up(ports);
    await eventually(() => expect(second.said()).toContain("streamfleet up: node API"));
    expect(existsSync(creating)).toBe(false);
  });
});

describe("streamfleet up, where a port is in use", () => {
  it.each([
    ["api-port", "--api-port"],
    ["kube-port", "--kube-port"],
    ["media-port", "--media-port"],
  ])("names %s's flag", async (taken, flag) => {
    holder = createServer();
    await new Promise<void>((resolve) => holder?.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as AddressInfo;
    const ports = { "api-port": await freePort(), "kube-port": await freePort(), "media-port": await freePort() };
    const started = up({ ...ports, [taken]: port });
    await once(started.child, "close");
    expect(started.said()).toMatch(new RegExp(`^streamfleet: .*in use.*choose another with ${flag}$`, "m"));
    expect(started.child.exitCode).toBe(1);
  });
});
