import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { LogFile } from "../../local/log-file.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

describe("the log file", () => {
  let scratch: ScratchDirectory;
  beforeEach(() => {
    scratch = new ScratchDirectory();
  });
  afterEach(() => scratch.remove());

  it("says once that it cannot be written, and goes on when it can", () => {
    const path = join(scratch.path, "log");
    const complaints: string[] = [];
    const log = new LogFile(path, (line) => complaints.push(line));
    mkdirSync(path);
    log.write("first\n");
    log.write("second\n");
    rmdirSync(path);
    log.write("third\n");
    log.write("fourth\n");
    expect(readFileSync(path, "utf8")).toBe("third\nfourth\n");
    expect(complaints).toEqual([expect.stringMatching(/^cannot write .*log: EISDIR/)]);
  });
});
