import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { beginFirstStart, dataDirectory, endFirstStart, nodeKey } from "../../local/data-directory.ts";
import { writeKubeconfig } from "../../local/kube/kubeconfig.ts";
import { DataFileError } from "../../local/sqlite-file.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

let scratch: ScratchDirectory;
beforeEach(() => {
  scratch = new ScratchDirectory();
});
afterEach(() => scratch.remove());

const bytes = (count: number): Uint8Array => new Uint8Array(count).fill(7);

describe("the first start", () => {
  it("is that on a folder that is missing or empty", () => {
    expect(beginFirstStart(dataDirectory(join(scratch.path, "new")))).toBe(true);
    expect(beginFirstStart(dataDirectory(scratch.path))).toBe(true);
  });

  it("is begun anew when it was cut short", () => {
    const data = dataDirectory(scratch.path);
    beginFirstStart(data);
    mkdirSync(data.objects);
    mkdirSync(data.cloud);
    expect(beginFirstStart(data)).toBe(true);
  });

  it("is over once it is complete", () => {
    const data = dataDirectory(scratch.path);
    beginFirstStart(data);
    mkdirSync(data.objects);
    endFirstStart(data);
    endFirstStart(data);
    expect(beginFirstStart(data)).toBe(false);
  });

  it.each(["objects", "cloud"] as const)("is over where there is %s", (folder) => {
    const data = dataDirectory(scratch.path);
    mkdirSync(data[folder]);
    expect(beginFirstStart(data)).toBe(false);
    expect(existsSync(data.firstStart)).toBe(false);
  });

  it("says in one line that it cannot be ended", () => {
    const data = dataDirectory(scratch.path);
    mkdirSync(data.firstStart);
    expect(() => endFirstStart(data)).toThrow(DataFileError);
  });

  it("says in one line that the folder cannot be written", () => {
    writeFileSync(join(scratch.path, "file"), "");
    expect(() => beginFirstStart(dataDirectory(join(scratch.path, "file")))).toThrow(DataFileError);
  });
});

describe("the kubeconfig", () => {
  it("says in one line that it cannot be written", () => {
    const { kubeconfig } = dataDirectory(scratch.path);
    mkdirSync(kubeconfig);
    expect(() => writeKubeconfig(kubeconfig, "http://127.0.0.1:1")).toThrow(DataFileError);
  });
});

describe("the node key", () => {
  it("is made once and kept beside the machines", () => {
    const data = dataDirectory(scratch.path);
    expect(nodeKey(data, bytes)).toEqual(Buffer.from(bytes(32)));
    expect(nodeKey(data, () => new Uint8Array(32))).toEqual(Buffer.from(bytes(32)));
  });

  it("is made anew when its making was cut short", () => {
    const data = dataDirectory(scratch.path);
    mkdirSync(data.cloud);
    writeFileSync(join(data.cloud, "node-key.new"), "short");
    expect(nodeKey(data, bytes)).toEqual(Buffer.from(bytes(32)));
    expect(readdirSync(data.cloud)).toEqual(["node-key"]);
  });

  it("is refused when it has another length", () => {
    const data = dataDirectory(scratch.path);
    mkdirSync(data.cloud);
    writeFileSync(join(data.cloud, "node-key"), "short");
    expect(() => nodeKey(data, bytes)).toThrow(DataFileError);
  });
});
