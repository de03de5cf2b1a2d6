import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openCloudFile, type CloudFile } from "../../local/cloud-file.ts";
import { SimulatedCloud } from "../../platforms/simulated/simulated-cloud.ts";
import { describeCloudPlatform } from "../conformance/cloud-platform.ts";
import { describeSharedCloudStore, describeSimulatedCloudStore } from "../conformance/simulated-cloud-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { launchRequest, simulatedCloudUnderTest, valueOf } from "../support/simulated-cloud.ts";

const execute = promisify(execFile);

let directory: string;
let files: CloudFile[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cloud-file-"));
  files = [];
});
afterEach(() => {
  for (const file of files) file.close();
  rmSync(directory, { recursive: true, force: true });
});

function opened(): CloudFile {
  const file = openCloudFile(directory);
  files.push(file);
  return file;
}

describe("simulated platform on a file", () => {
  describeCloudPlatform(() => simulatedCloudUnderTest({ store: opened() }));
});

describe("the store of a simulated cloud on a file", () => {
  const close = (): void => undefined;
  describeSimulatedCloudStore(() => ({ store: opened(), close }));
  describeSharedCloudStore(() => ({ one: opened(), other: opened(), close }));
});

describe("a cloud that is opened again", () => {
  it("has its machines, their user data, tags and ends, and its tokens", async () => {
    const clock = new FakeClock();
    const store = opened();
    const before = new SimulatedCloud({ clock, store });
    const ids = valueOf(before.launch(launchRequest({ count: 3, userData: "join me" }))).map((m) => m.providerId);
    await clock.advance(2_000);
    valueOf(before.updateTags("sim-east", ids[0]!, { "it's": 'a "tag"' }));
    before.kill(ids[1]!);
    before.stop(ids[2]!);
    const machines = before.machines();
    before.close();
    store.close();

    const after = new SimulatedCloud({ clock, store: opened() });
    expect(after.machines()).toEqual(machines);
    expect(after.userDataOf(ids[0]!)).toBe("join me");
    const repeated = valueOf(after.launch(launchRequest({ count: 3, userData: "join me" })));
    expect(repeated.map(({ providerId }) => providerId)).toEqual(ids);
    const [other] = valueOf(after.launch(launchRequest({ token: "token-2" })));
    expect(machines.map(({ privateAddress }) => privateAddress)).not.toContain(other!.privateAddress);
  });

  it("has gone on booting by wall time meanwhile, and tells of what is still to come", async () => {
    const clock = new FakeClock();
    const store = opened();
    const before = new SimulatedCloud({ clock, store, bootMs: 10_000 });
    valueOf(before.launch(launchRequest()));
    before.close();
    store.close();
    await clock.advance(9_000);
    const after = new SimulatedCloud({ clock, store: opened(), bootMs: 10_000 });
    const told: string[] = [];
    after.onStateChange(({ machine }) => told.push(machine.state));
    expect(after.machines()).toMatchObject([{ state: "Pending" }]);
    await clock.advance(1_000);
    expect(told).toEqual(["Running"]);
  });

  it("has every machine that a launch answered before the process was killed", () => {
    const launchAndDie = `
      import { openCloudFile } from ${JSON.stringify(moduleUrl("local/cloud-file.ts"))};
      import { SimulatedCloud } from ${JSON.stringify(moduleUrl("platforms/simulated/simulated-cloud.ts"))};
      const clock = { now: () => 1_800_000_000_000, monotonicMs: () => 0, after: () => () => undefined };
      const cloud = new SimulatedCloud({ clock, store: openCloudFile(${JSON.stringify(directory)}) });
      const request = ${JSON.stringify(launchRequest({ count: 50 }))};
      if (cloud.launch(request).ok) process.kill(process.pid, "SIGKILL");
    `;
    const child = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", launchAndDie], {
      env: { PATH: process.env["PATH"] },
    });
    expect({ signal: child.signal, stderr: child.stderr.toString() }).toMatchObject({ signal: "SIGKILL" });
    const cloud = new SimulatedCloud({ clock: new FakeClock(), store: opened() });
    expect(cloud.machines()).toHaveLength(50);
  });
});

describe("two processes on one file", () => {
  it("see each other's machines, and tell their listeners", () => {
    const clock = new FakeClock();
    const one = new SimulatedCloud({ clock, store: opened() });
    const other = new SimulatedCloud({ clock, store: opened() });
    const told: string[] = [];
    one.onStateChange(({ machine, before }) => told.push(`${before ?? "-"} ${machine.state}`));
    const [machine] = valueOf(other.launch(launchRequest()));
    expect(told).toEqual([]);
    expect(one.machines()).toMatchObject([{ providerId: machine!.providerId }]);
    other.kill(machine!.providerId);
    one.refresh();
    expect(told).toEqual(["- Pending", "Pending Terminated"]);
  });

  it("launch once for the same token, and give no address twice", () => {
    const clock = new FakeClock();
    const clouds = [opened(), opened()].map((store) => new SimulatedCloud({ clock, store }));
    const [one, again] = clouds.map((cloud) => valueOf(cloud.launch(launchRequest({ count: 2 }))));
    expect(again).toEqual(one);
    clouds.forEach((cloud, index) => valueOf(cloud.launch(launchRequest({ token: `own-${index}`, count: 5 }))));
    const machines = clouds[0]!.machines();
    expect(machines).toHaveLength(12);
    expect(new Set(machines.map(({ privateAddress }) => privateAddress)).size).toBe(12);
  });
});

describe("processes that write at once", () => {
  it("wait for each other: none overwrites what another has just written", async () => {
    opened();
    const countOn = `
      import { openCloudFile } from ${JSON.stringify(moduleUrl("local/cloud-file.ts"))};
      const store = openCloudFile(${JSON.stringify(directory)});
      for (let turn = 0; turn < 40; turn++) {
        store.exclusively(() => store.save({ lastOrdinal: store.load().lastOrdinal + 1 }));
      }
    `;
    const children = [1, 2].map(() => execute(process.execPath, ["--input-type=module-typescript", "-e", countOn]));
    await Promise.all(children);
    expect(opened().load().lastOrdinal).toBe(80);
  });
});

describe("a file that cannot be used", () => {
  const path = (): string => join(directory, "cloud.db");

  it.each([
    ["is text", () => writeFileSync(path(), "not a database, by far".repeat(100)), /cannot be used .*not a database/],
    ["is empty", () => writeFileSync(path(), ""), /is not the file of a simulated cloud/],
    ["is a directory", () => mkdirSync(path()), /cannot be used .*unable to open/],
    ["belongs to another program", () => foreignFile(path()), /is not the file of a simulated cloud/],
    ["is of a later version", () => changed(path(), "PRAGMA user_version = 99"), /later version/],
    ["was cut off", () => cutOff(path()), /damaged|malformed|disk image/],
  ])("is refused in one line when it %s, and stays as it is", (_what, spoil, why) => {
    spoil();
    const before = contentOf(path());
    const refusal = refusalOf(() => openCloudFile(directory));
    expect(refusal).toMatch(why);
    expect(refusal).toContain(path());
    expect(refusal).not.toContain("\n");
    expect(contentOf(path())).toEqual(before);
  });

  it("leaves nothing else in its directory", () => {
    opened().close();
    expect(readdirSync(directory)).toEqual(["cloud.db"]);
  });
});

function moduleUrl(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (cause) {
    if (cause instanceof Error) return `${cause.name}: ${cause.message}`;
  }
  return "no refusal";
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "base64");
  } catch {
    return "unreadable";
  }
}

function foreignFile(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE other (id INTEGER PRIMARY KEY)");
  database.close();
}

function changed(path: string, sql: string): void {
  openCloudFile(directory).close();
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function cutOff(path: string): void {
  const file = openCloudFile(directory);
  const cloud = new SimulatedCloud({ clock: new FakeClock(), store: file });
  valueOf(cloud.launch(launchRequest({ count: 50, userData: "x".repeat(1_000) })));
  cloud.close();
  file.close();
  truncateSync(path, 20_000);
}
