import { describe, expect, it } from "@jest/globals";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually } from "../support/eventually.ts";
import { ChildProcesses } from "./child-processes.ts";

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "streamfleet-children-"));

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("child processes", () => {
  it("say how they ended, and what they wrote", async () => {
    const processes = new ChildProcesses(await newFolder());
    const child = processes.start("speaker", "sh", ["-c", "echo out; echo err >&2; exit 3"]);
    expect(await child.ended).toEqual({ kind: "Exited", code: 3 });
    expect(child.output()).toBe("out\nerr\n");
    await processes.close();
  });

  it("say that there is no such program", async () => {
    const processes = new ChildProcesses(await newFolder());
    const child = processes.start("nothing", "/no/such/program", []);
    expect(await child.ended).toMatchObject({
      kind: "NotStarted",
      message: expect.stringContaining("ENOENT") as unknown,
    });
    await processes.close();
  });

  it("end when they are closed, and leave no folder", async () => {
    const processes = new ChildProcesses(await newFolder());
    const child = processes.start("sleeper", "sleep", ["600"]);
    await processes.close();
    expect(child.ending()).toEqual({ kind: "Killed", signal: "SIGKILL" });
    expect(existsSync(processes.folder)).toBe(false);
  });

  it("do not outlive a parent that was killed", async () => {
    const folder = await newFolder();
    const parent = spawn(process.execPath, ["--input-type=module-typescript", "-e", parentScript(folder)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await createInterface(parent.stdout)[Symbol.asyncIterator]().next()).value?.split(" ") ?? [];
    const pid = Number(line);
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    await eventually(() => {
      expect(isRunning(pid)).toBe(false);
      expect(existsSync(folder)).toBe(false);
    });
  });
});

/** Starts one process that would stay, one that has ended already, and tells the pid of the first. */
function parentScript(folder: string): string {
  return `
    import { ChildProcesses } from ${JSON.stringify(new URL("child-processes.ts", import.meta.url).href)};
    const processes = new ChildProcesses(${JSON.stringify(folder)});
    await processes.start("gone", "true", []).ended;
    console.log(processes.start("sleeper", "sleep", ["600"]).pid);
    setInterval(() => undefined, 1000);
  `;
}
