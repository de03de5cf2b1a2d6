import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { openObjectFile } from "../../../local/kube/object-file.ts";
import { DataFileError } from "../../../local/sqlite-file.ts";
import { ObjectStore } from "../../../local/kube/object-store.ts";
import { ScratchDirectory } from "../../support/scratch-directory.ts";

const widget = (name: string, size: number) => ({
  apiVersion: "v1",
  kind: "Widget",
  metadata: { name },
  spec: { size },
});
const keyOf = (name: string) => ({ resource: "widgets", namespace: "", name });

function foreignFile(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE songs (title TEXT)");
  database.close();
}

describe("the object file", () => {
  let scratch: ScratchDirectory;
  beforeEach(() => {
    scratch = new ScratchDirectory();
  });
  afterEach(() => scratch.remove());

  it("keeps objects, and the version they are at", () => {
    const first = new ObjectStore({ persistence: openObjectFile(scratch.path) });
    first.put(keyOf("a"), widget("a", 1));
    first.put(keyOf("b"), widget("b", 1));
    const changed = first.put(keyOf("a"), widget("a", 2));
    first.remove(keyOf("b"));
    const { revision } = first;
    first.close();
    const second = new ObjectStore({ persistence: openObjectFile(scratch.path) });
    expect(second.list("widgets")).toEqual([changed]);
    expect(second.revision).toBe(revision);
    expect(second.changesSince(revision - 1, {})).toBeUndefined();
    second.close();
  });

  it("keeps out a second process, and lets one in after the first was killed", async () => {
    const module = fileURLToPath(new URL("../../../local/kube/object-file.ts", import.meta.url));
    const script = `
      import { openObjectFile } from ${JSON.stringify(module)};
      const file = openObjectFile(${JSON.stringify(scratch.path)});
      const object = { apiVersion: "v1", kind: "Widget", metadata: { name: "a", resourceVersion: "7" } };
      file.put(${JSON.stringify(keyOf("a"))}, object, 7);
      process.stdout.write("ready");
      setInterval(() => undefined, 1000);`;
    const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(other.stdout, "data");
    expect(() => openObjectFile(scratch.path)).toThrow(/objects\.db: in use by another process; stop it/);
    other.kill("SIGKILL");
    await once(other, "exit");
    const store = new ObjectStore({ persistence: openObjectFile(scratch.path) });
    expect(store.revision).toBe(7);
    expect(store.read(keyOf("a"))).toBeDefined();
    store.close();
  });

  it("leaves a damaged file as it is", () => {
    const path = join(scratch.path, "objects.db");
    const damaged = "this is no database".repeat(1_000);
    writeFileSync(path, damaged);
    expect(() => openObjectFile(scratch.path)).toThrow(DataFileError);
    expect(() => openObjectFile(scratch.path)).toThrow(/^[^\n]*objects\.db: [^\n]*move it aside[^\n]*$/);
    expect(readFileSync(path, "utf8")).toBe(damaged);
  });

  it.each([
    ["that was emptied", (path: string) => writeFileSync(path, "")],
    ["of somebody else", (path: string) => foreignFile(path)],
  ])("leaves a file %s as it is", (_whose, write) => {
    const path = join(scratch.path, "objects.db");
    write(path);
    const before = readFileSync(path);
    expect(() => openObjectFile(scratch.path)).toThrow(/objects\.db: is empty or not a file of objects; move it aside/);
    expect(readFileSync(path)).toEqual(before);
  });

  it("refuses a file that holds what is no object, or that a later version wrote", () => {
    openObjectFile(scratch.path).close();
    const path = join(scratch.path, "objects.db");
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO objects VALUES ('widgets', '', 'a', '{')");
    database.close();
    expect(() => new ObjectStore({ persistence: openObjectFile(scratch.path) })).toThrow(/widgets \/a is not readable/);
  });

  it("refuses a file of a later version", () => {
    openObjectFile(scratch.path).close();
    const database = new DatabaseSync(join(scratch.path, "objects.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    expect(() => openObjectFile(scratch.path)).toThrow(/written by a later version/);
  });

  it("says so when the directory cannot be made", () => {
    writeFileSync(join(scratch.path, "file"), "");
    expect(() => openObjectFile(join(scratch.path, "file", "objects"))).toThrow(/cannot be used/);
  });

  it("says why an object cannot be kept, and keeps what there was", () => {
    const store = new ObjectStore({ persistence: openObjectFile(scratch.path) });
    const kept = store.put(keyOf("a"), widget("a", 1));
    const unwritable = { ...widget("a", 2), spec: { size: 2n } };
    expect(() => store.put(keyOf("a"), unwritable)).toThrow(/objects\.db: .*BigInt; nothing was changed/);
    expect(store.read(keyOf("a"))).toEqual(kept);
    store.close();
  });

  it("writes an object at the cost of the object", () => {
    const store = new ObjectStore({ persistence: openObjectFile(scratch.path) });
    const time = (count: number): number => {
      const start = performance.now();
      for (let i = 0; i < count; i++) store.put(keyOf("same"), widget("same", i));
      return performance.now() - start;
    };
    time(200);
    const empty = time(500);
    for (let i = 0; i < 10_000; i++) store.put(keyOf(`w-${i}`), widget(`w-${i}`, i));
    const full = time(500);
    store.close();
    expect(full).toBeLessThan(empty * 10 + 50);
  });
});
