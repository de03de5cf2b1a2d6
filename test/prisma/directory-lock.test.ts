import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { acquireDirectoryLock, DirectoryLockedError, DirectoryUnusableError } from "../../prisma/directory-lock.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const projectDirectory = join(import.meta.dirname, "../..");

/** Another process that holds the lock until it is killed. */
async function holder(directory: string): Promise<ChildProcess> {
  const script = `
    import { acquireDirectoryLock } from "./prisma/directory-lock.ts";
    globalThis.lock = acquireDirectoryLock(${JSON.stringify(directory)});
    console.log("held");
    process.stdin.resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: projectDirectory,
    stdio: ["pipe", "pipe", "inherit"],
    env: {},
  });
  await once(child.stdout, "data");
  return child;
}

describe("directory lock", () => {
  it("creates the directory and lets one holder in at a time", () => {
    using scratch = new ScratchDirectory();
    const directory = join(scratch.path, "a", "b");
    const lock = acquireDirectoryLock(directory);
    expect(() => acquireDirectoryLock(directory)).toThrow(DirectoryLockedError);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(() => acquireDirectoryLock(directory)).toThrow(`${directory} is in use by another streamfleet process`);
    lock.release();
    lock.release();
    acquireDirectoryLock(directory).release();
  });

  it("is refused while another process holds it, and free at once after kill -9", async () => {
    using scratch = new ScratchDirectory();
    const child = await holder(scratch.path);
    try {
      expect(() => acquireDirectoryLock(scratch.path)).toThrow(DirectoryLockedError);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    acquireDirectoryLock(scratch.path).release();
  });

  it("says what is wrong with a directory that cannot be used", () => {
    using scratch = new ScratchDirectory();
    const file = join(scratch.path, "file");
    writeFileSync(file, "");
    expect(() => acquireDirectoryLock(file)).toThrow(DirectoryUnusableError);
    mkdirSync(join(scratch.path, "x", "lock"), { recursive: true });
    expect(() => acquireDirectoryLock(join(scratch.path, "x"))).toThrow(DirectoryUnusableError);
    mkdirSync(join(scratch.path, "y"));
    writeFileSync(join(scratch.path, "y", "lock"), "no database at all, and long enough to be looked at");
    expect(() => acquireDirectoryLock(join(scratch.path, "y"))).toThrow(DirectoryUnusableError);
  });
});
