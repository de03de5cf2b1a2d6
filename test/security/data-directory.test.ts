/** A folder that others can read, or that leads elsewhere: `up` writes nothing into it. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { assertClosed, beginFirstStart, dataDirectory, nodeKey } from "../../local/data-directory.ts";
import { DataFileError } from "../../local/sqlite-file.ts";
import { LogFile } from "../../local/log-file.ts";
import { writeOwnFile } from "../../local/own-file.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

let scratch: ScratchDirectory;
beforeEach(() => {
  scratch = new ScratchDirectory();
});
afterEach(() => scratch.remove());

const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(7);

describe("the folder of `up`", () => {
  it("is made for its owner alone", () => {
    const data = dataDirectory(join(scratch.path, "new"));
    expect(() => assertClosed(data)).not.toThrow();
    beginFirstStart(data);
    nodeKey(data, bytes);
    expect(statSync(data.root).mode & 0o777).toBe(0o700);
    expect(statSync(join(data.cloud, "node-key")).mode & 0o777).toBe(0o600);
    expect(() => assertClosed(data)).not.toThrow();
  });

  it.each([0o755, 0o750, 0o701, 0o777])("is refused where it is open (%o), with the command that closes it", (mode) => {
    const root = join(scratch.path, "it is open");
    mkdirSync(root);
    chmodSync(root, mode);
    const data = dataDirectory(root);
    const error = thrownBy(() => assertClosed(data));
    expect(error).toBeInstanceOf(DataFileError);
    const [, command] = /by: (.*)$/.exec(error.message)!;
    execFileSync("/bin/sh", ["-c", command!]);
    expect(() => assertClosed(data)).not.toThrow();
  });

  it("is refused where it, or what it holds, leads elsewhere", () => {
    const elsewhere = join(scratch.path, "elsewhere");
    mkdirSync(elsewhere, { mode: 0o700 });
    const link = join(scratch.path, "link");
    symlinkSync(elsewhere, link);
    expect(() => assertClosed(dataDirectory(link))).toThrow(/is a link/);
    const root = join(scratch.path, "root");
    mkdirSync(root, { mode: 0o700 });
    symlinkSync(elsewhere, join(root, "cloud"));
    expect(() => assertClosed(dataDirectory(root))).toThrow(/cloud: is a link/);
  });

  it("is no file", () => {
    const path = join(scratch.path, "file");
    writeFileSync(path, "");
    expect(() => assertClosed(dataDirectory(path))).toThrow(/is no folder/);
  });
});

describe("a file in it", () => {
  it("is written in the place of a link, not through it, and so is the file beside it in which it is prepared", () => {
    const victim = join(scratch.path, "victim");
    writeFileSync(victim, "untouched");
    const path = join(scratch.path, "kubeconfig");
    symlinkSync(victim, path);
    symlinkSync(victim, `${path}.new`);
    writeOwnFile(path, "ours");
    expect(readFileSync(victim, "utf8")).toBe("untouched");
    expect(readFileSync(path, "utf8")).toBe("ours");
    expect(lstatSync(path).isSymbolicLink()).toBe(false);
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it("is not appended to through a link: the log says so, once", () => {
    const victim = join(scratch.path, "victim");
    writeFileSync(victim, "untouched");
    const path = join(scratch.path, "streamfleet.log");
    symlinkSync(victim, path);
    const complaints: string[] = [];
    const log = new LogFile(path, (line) => complaints.push(line));
    log.write("a\n");
    log.write("b\n");
    expect(readFileSync(victim, "utf8")).toBe("untouched");
    expect(complaints).toHaveLength(1);
  });
});

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
