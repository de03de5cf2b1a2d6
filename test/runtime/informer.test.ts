import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { systemClock } from "../../runtime/clock.ts";
import { Informer, type InformerOptions, type ObjectChange } from "../../runtime/informer.ts";
import { KubeClient } from "../../runtime/kube-client.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { createMetrics, type Metrics } from "../../runtime/metrics.ts";
import { eventually, until } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { FlakyServer, widgetType } from "../support/flaky-server.ts";
import { plainKubeConfig } from "../support/kube-config.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

let server: FlakyServer;
let client: KubeClient;
let metrics: Metrics;
let logger: RecordingLogger;
let informer: Informer<KubernetesObject>;
let changes: string[];

function open(options: Partial<InformerOptions<KubernetesObject>> = {}): Informer<KubernetesObject> {
  informer = new Informer<KubernetesObject>({
    api: client,
    type: widgetType,
    namespace: "default",
    parse: (raw) => raw,
    clock: systemClock(),
    random: () => 0,
    logger,
    metrics,
    backOff: { baseMs: 5, capMs: 20 },
    ...options,
  });
  informer.onChange((change) => changes.push(describeChange(change)));
  informer.start();
  return informer;
}

function describeChange(change: ObjectChange<KubernetesObject>): string {
  return `${change.kind} ${change.key}`;
}

function names(): string[] {
  return informer.list().map((object) => object.metadata.name);
}

/** The informer has seen everything and watches. */
async function following(): Promise<void> {
  await informer.whenSynced();
  await until("a watch is open", () => server.openWatches === 1);
}

async function restarts(cause: string): Promise<number> {
  const line = (await metrics.text()).split("\n").find((text) => text.includes(`cause="${cause}"`));
  return Number(line?.split(" ").at(-1) ?? 0);
}

/** Keys of objects that could not be read. */
function unreadable(): ReadonlySet<unknown> {
  return new Set(
    logger.lines.filter(({ message }) => message === "could not read object").map(({ fields }) => fields["key"]),
  );
}

async function countOfUnreadable(): Promise<number> {
  const line = (await metrics.text())
    .split("\n")
    .find((text) => text.startsWith("streamfleet_informer_unreadable_objects{"));
  return Number(line?.split(" ").at(-1));
}

beforeEach(async () => {
  server = new FlakyServer();
  changes = [];
  metrics = createMetrics();
  logger = new RecordingLogger();
  client = new KubeClient({ config: plainKubeConfig(await server.start()), clock: systemClock() });
});

afterEach(async () => {
  await informer.stop();
  client.close();
  await server.stop();
});

describe("a handler that throws", () => {
  it("takes no change from the others, before or after it, and is told in the log", async () => {
    informer = new Informer<KubernetesObject>({
      ...{ api: client, type: widgetType, namespace: "default", parse: (raw) => raw, clock: systemClock() },
      ...{ random: () => 0, logger, metrics, backOff: { baseMs: 5, capMs: 20 } },
    });
    const throws = (): never => {
      throw new Error("defect");
    };
    const later: string[] = [];
    informer.onChange(() => throws());
    informer.onChange((change) => changes.push(describeChange(change)));
    informer.onChange(() => throws());
    informer.onChange((change) => later.push(describeChange(change)));
    server.put("one");
    informer.start();
    await following();
    server.put("two");
    await until("both are seen", () => later.length === 2);
    expect(changes).toEqual(later);
    expect(informer.list()).toHaveLength(2);
    const told = logger.lines.filter(({ message }) => message === "handler of a change failed");
    expect(told).toHaveLength(4);
    expect(told[0]).toMatchObject({ level: "error", fields: { key: "default/one", kind: "Added" } });
    informer.onChange(throws);
    expect(logger.lines.filter(({ message }) => message === "handler of a change failed")).toHaveLength(6);
  });
});

describe("informer, when all goes well", () => {
  it("lists page by page, then watches from the list's version", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) server.put(name);
    open({ pageSize: 2 });
    expect(informer.hasSynced()).toBe(false);
    await following();
    expect(informer.hasSynced()).toBe(true);
    expect(names()).toEqual(["a", "b", "c", "d", "e"]);
    expect(server.requests).toEqual(["LIST", "LIST continue", "LIST continue", "WATCH from 105"]);
  });

  it("follows additions, changes and deletions, and drops managedFields", async () => {
    open();
    await following();
    server.put("a");
    server.put("a", { fields: { spec: { size: 2 } } });
    server.put("b");
    server.remove("b");
    await until("b is gone", () => changes.includes("Deleted default/b"));
    expect(changes).toEqual(["Added default/a", "Updated default/a", "Added default/b", "Deleted default/b"]);
    expect(informer.get("default/a")).toMatchObject({ spec: { size: 2 } });
    expect(informer.get("default/a")?.metadata).not.toHaveProperty("managedFields");
  });

  it("hands handlers the old object with an update", async () => {
    server.put("a", { fields: { size: 1 } });
    open();
    const seen: ObjectChange<KubernetesObject>[] = [];
    await following();
    informer.onChange((change) => seen.push(change));
    server.put("a", { fields: { size: 2 } });
    await until("the update is seen", () => seen.length === 2);
    expect(seen).toMatchObject([
      { kind: "Added", object: { size: 1 } },
      { kind: "Updated", object: { size: 2 }, old: { size: 1 } },
    ]);
  });

  it("finds objects by index as they change", async () => {
    server.put("a", { fields: { group: "live" } });
    server.put("b", { fields: { group: "live" } });
    open({ indexers: { group: (object) => [String(object["group"])] } });
    await following();
    expect(informer.byIndex("group", "live").map((object) => object.metadata.name)).toEqual(["a", "b"]);
    server.put("b", { fields: { group: "test" } });
    server.remove("a");
    await until("a is gone", () => changes.includes("Deleted default/a"));
    expect(informer.byIndex("group", "live")).toEqual([]);
    expect(informer.byIndex("group", "test").map((object) => object.metadata.name)).toEqual(["b"]);
    expect(["live", "test"].map((group) => informer.indexHas("group", group))).toEqual([false, true]);
    expect(() => informer.byIndex("colour", "red")).toThrow("there is no index colour");
  });

  it("keeps the last good form of an object that does not parse, and names it", async () => {
    const parse = (raw: KubernetesObject): KubernetesObject => {
      if (raw["broken"] === true) throw new Error("spec.size: write a number");
      return raw;
    };
    server.put("a", { fields: { size: 1 } });
    server.put("b", { fields: { broken: true } });
    open({ parse });
    await following();
    server.put("a", { fields: { broken: true } });
    await until("a is unreadable", () => unreadable().has("default/a"));
    expect(await countOfUnreadable()).toBe(2);
    expect(informer.get("default/a")).toMatchObject({ size: 1 });
    expect(informer.get("default/b")).toBeUndefined();
    expect([...unreadable()].sort()).toEqual(["default/a", "default/b"]);
    server.put("a", { fields: { size: 3 } });
    server.remove("b");
    await eventually(async () => expect(await countOfUnreadable()).toBe(0));
    expect(informer.get("default/a")).toMatchObject({ size: 3 });
  });

  it("stops, and leaves no watch behind", async () => {
    open();
    await following();
    await informer.stop();
    await until("the watch is closed", () => server.openWatches === 0);
    expect(logger.lines.filter((line) => line.level === "error")).toEqual([]);
  });
});

describe("informer, when the connection fails", () => {
  it("goes on where it stopped after a reset", async () => {
    server.put("a");
    open();
    await following();
    server.put("b");
    await until("b is seen", () => names().includes("b"));
    server.resetWatches();
    await until("it watches again", () => server.requests.length === 3 && server.openWatches === 1);
    server.put("c");
    await until("c is seen", () => names().includes("c"));
    expect(server.requests).toEqual(["LIST", "WATCH from 101", "WATCH from 102"]);
    expect(await restarts("broken")).toBe(1);
  });

  it("goes on where it stopped after a clean end, also from a bookmark", async () => {
    open();
    await following();
    server.send({ type: "BOOKMARK", object: { kind: "Widget", metadata: { resourceVersion: "150" } } });
    server.endWatches();
    await until("it watches again", () => server.requests.length === 3 && server.openWatches === 1);
    expect(server.requests).toEqual(["LIST", "WATCH from 100", "WATCH from 150"]);
    expect(await restarts("ended")).toBe(1);
  });

  it("opens a silent watch anew", async () => {
    open({ silenceMs: 40 });
    await following();
    await until("it watches again", () => server.requests.length >= 3);
    expect(server.requests.slice(0, 3)).toEqual(["LIST", "WATCH from 100", "WATCH from 100"]);
    await until("there is one watch", () => server.openWatches === 1);
    expect(await restarts("silent")).toBeGreaterThan(0);
  });

  it("counts silence from the last event", async () => {
    const clock = new FakeClock();
    open({ clock, silenceMs: 90_000 });
    await following();
    for (const name of ["a", "b", "c"]) {
      await clock.advance(60_000);
      server.put(name);
      await until(`${name} is seen`, () => names().includes(name));
    }
    expect(server.requests).toEqual(["LIST", "WATCH from 100"]);
    await clock.advance(90_000);
    await until("it waits to try again", () => clock.pendingTimers === 1);
    await clock.advance(1_000);
    await until("it watches again", () => server.requests.length === 3 && server.openWatches === 1);
    expect(server.requests.at(-1)).toBe("WATCH from 103");
  });

  it("needs no new list while every watch gives a sign of life", async () => {
    open();
    await following();
    for (const name of ["a", "b", "c", "d"]) {
      server.put(name);
      await until(`${name} is seen`, () => names().includes(name));
      const requests = server.requests.length;
      server.resetWatches();
      await until("it watches again", () => server.requests.length > requests && server.openWatches === 1);
    }
    expect(server.requests.filter((request) => request === "LIST")).toHaveLength(1);
  });

  it("lists anew after an ERROR frame that says 410, and reports what was missed", async () => {
    server.put("a");
    server.put("b");
    open();
    await following();
    server.remove("a", { heard: false });
    server.put("c", { heard: false });
    server.sendExpired();
    await until("c is seen", () => names().includes("c"));
    expect(changes).toEqual(["Added default/a", "Added default/b", "Deleted default/a", "Added default/c"]);
    expect(server.requests.filter((request) => request === "LIST")).toHaveLength(2);
    expect(await restarts("expired")).toBe(1);
  });

  it("lists anew after HTTP 410", async () => {
    server.refuseWatches.push({ code: 410, body: JSON.stringify({ kind: "Status", code: 410, reason: "Expired" }) });
    open();
    await following();
    expect(server.requests).toEqual(["LIST", "WATCH from 100", "LIST", "WATCH from 100"]);
  });

  it("starts over when a page has expired", async () => {
    for (const name of ["a", "b", "c"]) server.put(name);
    server.refusePages.push({ code: 410 });
    open({ pageSize: 2 });
    await following();
    expect(server.requests.slice(0, 4)).toEqual(["LIST", "LIST continue", "LIST", "LIST continue"]);
    expect(names()).toEqual(["a", "b", "c"]);
  });

  it.each([500, 502, 503, 429])("backs off and lists anew when the server answers %d", async (code) => {
    server.refuseLists.push({ code }, { code });
    server.refuseWatches.push({ code });
    open();
    await following();
    expect(server.requests).toEqual(["LIST", "LIST", "LIST", "WATCH from 100", "LIST", "WATCH from 100"]);
    const waits = logger.lines.filter((line) => line.message === "lost the watch").map((line) => line.fields["waitMs"]);
    expect(waits).toEqual([5, 10, 20]);
    expect(await restarts("refused")).toBe(3);
    expect(informer.lastError).toBeUndefined();
  });

  it("lists anew after a line that it cannot read keeps coming", async () => {
    open();
    await following();
    const next = async (requests: number): Promise<void> => {
      server.send({ type: "NONSENSE" });
      await until("it asks again", () => server.requests.length >= requests && server.openWatches === 1);
    };
    await next(3);
    await next(4);
    await next(6);
    expect(server.requests.filter((request) => request === "LIST")).toHaveLength(2);
  });

  it("waits for a server that is not there yet", async () => {
    const late = new FlakyServer();
    const address = await late.start();
    await late.stop();
    open({ api: new KubeClient({ config: plainKubeConfig(address), clock: systemClock() }) });
    await until("it has failed twice", () => logger.lines.length >= 2);
    expect(informer.hasSynced()).toBe(false);
    expect(String(informer.lastError)).toContain("ECONNREFUSED");
  });

  it("tells a deletion and an addition when an object was replaced by another of its name", async () => {
    server.put("a", { uid: "first" });
    open();
    await following();
    server.remove("a", { heard: false });
    server.put("a", { uid: "second", heard: false });
    server.sendExpired();
    await until("the second is seen", () => informer.get("default/a")?.metadata.uid === "second");
    expect(changes).toEqual(["Added default/a", "Deleted default/a", "Added default/a"]);
  });

  it("says nothing of objects that a new list finds unchanged", async () => {
    server.put("a");
    open();
    await following();
    server.sendExpired();
    await until("it lists again", () => server.requests.length === 4);
    expect(changes).toEqual(["Added default/a"]);
  });

  it("follows through a storm of failures", async () => {
    open({ silenceMs: 60 });
    await following();
    const faults = [
      () => server.resetWatches(),
      () => server.endWatches(),
      () => server.sendExpired(),
      () => server.refuseWatches.push({ code: 500 }),
      () => server.refuseLists.push({ code: 429 }, { code: 503 }),
    ];
    for (let round = 0; round < 25; round++) {
      await until("it watches", () => server.openWatches > 0);
      faults[round % faults.length]!();
      server.put(`n${round}`, { heard: round % 3 !== 0 });
      if (round % 4 === 3) server.remove(`n${round - 1}`, { heard: round % 8 === 3 });
    }
    server.sendExpired();
    const expected = Array.from({ length: 25 }, (_, round) => round).filter((round) => round % 4 !== 2);
    server.put("last", { heard: false });
    await until("it has caught up", () => {
      server.sendExpired();
      return names().length === expected.length + 1 && names().includes("last");
    });
    expect(names().sort()).toEqual([...expected.map((round) => `n${round}`), "last"].sort());
  });
});

describe("a kind that the server does not know", () => {
  const unknown = { code: 404, body: "404 page not found" };

  it("is waited for: nothing is known of its objects", async () => {
    for (let turn = 0; turn < 3; turn += 1) server.refuseLists.push(unknown);
    open();
    const syncedWith: number[] = [];
    void informer.whenSynced().then(() => syncedWith.push(server.refuseLists.length));
    await until("it is complete", () => syncedWith.length > 0);
    expect(syncedWith).toEqual([0]);
  });

  it("has no objects where that is what it means, until the server knows it again", async () => {
    for (let turn = 0; turn < 1_000; turn += 1) server.refuseLists.push(unknown);
    open({ missingIsNone: true });
    await informer.whenSynced();
    expect(names()).toEqual([]);
    expect(server.refuseLists.length).toBeGreaterThan(0);
  });
});
