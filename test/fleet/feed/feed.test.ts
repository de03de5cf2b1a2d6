import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { FeedClient } from "../../../fleet/feed/feed-client.ts";
import { parseFeedLine, reportLine } from "../../../fleet/feed/feed-lines.ts";
import { type FeedSink, FeedStream } from "../../../fleet/feed/feed-stream.ts";
import { LatestReports } from "../../../fleet/latest-reports.ts";
import type { NodeReport, ReportRefusal, ScaleInRequest } from "../../../domain/load/report.ts";
import { addMs } from "../../../domain/time.ts";
import { signFeedToken } from "../../../runtime/node-tokens.ts";
import { describeLoadFeed, type LoadFeedUnderTest } from "../../conformance/load-feed.ts";
import { until } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { NodeApiWorld } from "../../support/node-api.ts";
import { RecordingLogger } from "../../support/recording-logger.ts";

let clock: FakeClock;
let worlds: NodeApiWorld[];
let client: FeedClient | undefined;

beforeEach(() => {
  clock = new FakeClock();
  worlds = [];
  client = undefined;
});
afterEach(async () => {
  await client?.stop();
  await Promise.all(worlds.map((world) => world.close()));
});

async function openWorld(): Promise<NodeApiWorld> {
  const world = await NodeApiWorld.open({ clock });
  worlds.push(world);
  return world;
}

function report(uid: string, change: Partial<NodeReport> = {}): NodeReport {
  return {
    uid,
    namespace: "media",
    name: uid,
    bootId: "boot-1",
    sequence: 1,
    receivedAt: clock.now(),
    connections: 0,
    publishers: 0,
    subscribers: 0,
    accepting: true,
    children: [],
    links: [{ parent: "live-origin-0", state: "established" }],
    streams: [{ scope: "live", name: "one", subscribers: 2 }],
    acknowledged: [],
    ...change,
  };
}

function request(change: Partial<ScaleInRequest> = {}): ScaleInRequest {
  const place = { namespace: "media", group: "live", region: "sim-east", origin: "live-origin-0" };
  return { ...place, receivedAt: clock.now(), ...change };
}

function follow(...urls: string[]): FeedClient {
  const [world] = worlds;
  if (world === undefined) throw new Error("open a world first");
  client = new FeedClient({ ...own(world), urls });
  client.start();
  return client;
}

const skipped: string[] = [];
function own({ keys }: Pick<NodeApiWorld, "keys">) {
  const metrics = { feedLineSkipped: (reason: string) => void skipped.push(reason) };
  return { keys, clock, random: () => 0, fetch, logger: new RecordingLogger(), metrics };
}

describe("the feed route", () => {
  it.each([
    ["no token", undefined],
    ["garbage", "abc"],
  ])("refuses a reader with %s: 401", async (_name, token) => {
    const world = await openWorld();
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    expect((await world.get("/internal/feed", headers)).status).toBe(401);
  });

  it("refuses a node: 401", async () => {
    const world = await openWorld();
    expect((await world.get("/internal/feed", { Authorization: `Bearer ${world.joinToken()}` })).status).toBe(401);
  });

  it("tells a snapshot, its end, changes, what is gone, and that it lives", async () => {
    const world = await openWorld();
    world.reports.record(report("a", { receivedAt: addMs(clock.now(), -1_500) }));
    const headers = { Authorization: `Bearer ${signFeedToken(world.keys.current)}` };
    const response = await fetch(`${world.url}/internal/feed`, { headers });
    expect(response.headers.get("Content-Type")).toBe("application/x-ndjson");
    const lines: Record<string, unknown>[] = [];
    const read = (async () => {
      let text = "";
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        for (const line of text.split("\n").slice(0, -1)) lines.push(JSON.parse(line) as Record<string, unknown>);
        text = text.slice(text.lastIndexOf("\n") + 1);
      }
    })();
    await until("the snapshot is read", () => lines.length === 2);
    world.reports.record(report("b"));
    world.reports.forget("a");
    await clock.advance(5_000);
    await until("the changes are read", () => lines.length === 5);
    expect(lines.map(({ kind }) => kind)).toEqual(["Report", "SnapshotEnd", "Report", "Gone", "Heartbeat"]);
    expect(lines[0]).toMatchObject({ ageMs: 1_500, report: { uid: "a" } });
    expect(JSON.stringify(lines)).not.toContain("receivedAt");
    await world.close();
    await read;
  });
});

describe("a subscriber that reads slowly", () => {
  it("gets the newest report of each node once it reads again", () => {
    const lines: { kind: string; report?: NodeReport }[] = [];
    let open = true;
    let drain = (): void => undefined;
    const sink: FeedSink = {
      write: (text) => {
        lines.push(JSON.parse(text) as { kind: string });
        return open;
      },
      once: (_event, listener) => (drain = listener),
    };
    const book = new LatestReports();
    const stream = new FeedStream(sink, book, clock);
    open = false;
    for (let sequence = 1; sequence <= 100; sequence++) book.record(report("a", { sequence }));
    book.record(report("b"));
    expect(lines.map(({ kind }) => kind)).toEqual(["SnapshotEnd", "Report"]);
    open = true;
    drain();
    expect(lines.slice(2).map((line) => [line.report?.uid, line.report?.sequence])).toEqual([
      ["a", 100],
      ["b", 1],
    ]);
    stream.stop();
    book.record(report("c"));
    expect(lines).toHaveLength(4);
    expect(clock.pendingTimers).toBe(0);
  });

  it("gets the newest request of each origin and node once it reads again, and none that is forgotten by then", async () => {
    const lines: { kind: string; ageMs?: number; request?: ScaleInRequest }[] = [];
    let open = false;
    let drain = (): void => undefined;
    const sink: FeedSink = {
      write: (text) => {
        lines.push(JSON.parse(text) as { kind: string });
        return open;
      },
      once: (_event, listener) => (drain = listener),
    };
    const book = new LatestReports();
    const stream = new FeedStream(sink, book, clock);
    book.requestScaleIn(request({ node: "live-edge-0" }));
    await clock.advance(59_000);
    book.requestScaleIn(request({ node: "live-edge-1", reason: "first" }));
    await clock.advance(1_500);
    book.requestScaleIn(request({ node: "live-edge-1", reason: "second" }));
    await clock.advance(500);
    open = true;
    drain();
    const told = lines.flatMap((line) => (line.kind === "ScaleInRequest" ? [line] : []));
    const place = { namespace: "media", group: "live", region: "sim-east", origin: "live-origin-0" };
    expect(told).toEqual([
      { kind: "ScaleInRequest", ageMs: 500, request: { ...place, node: "live-edge-1", reason: "second" } },
    ]);
    stream.stop();
    book.requestScaleIn(request({ node: "live-edge-2" }));
    expect(lines.filter(({ kind }) => kind === "ScaleInRequest")).toHaveLength(1);
  });

  it("is told nothing after its end, although it had not taken all", () => {
    const book = new LatestReports();
    book.record(report("a"));
    book.record(report("b"));
    let drain = (): void => undefined;
    let written = 0;
    const sink: FeedSink = { write: () => ++written > 9, once: (_event, listener) => (drain = listener) };
    const stream = new FeedStream(sink, book, clock);
    expect(written).toBe(1);
    stream.stop();
    drain();
    book.record(report("c"));
    expect(written).toBe(1);
  });
});

/** A client of two processes, to which reports go in turn. */
async function followTwo(): Promise<LoadFeedUnderTest> {
  const sources = [await openWorld(), await openWorld()].map(({ url, reports }) => ({ url, reports }));
  const feed = follow(...sources.map(({ url }) => url));
  await until("both feeds are live", () => feed.isComplete());
  let count = 0;
  /** What follows on a source is read later: once it is known, all before it is known. */
  const read = async (reports: LatestReports): Promise<void> => {
    const uid = `marker-${++count}`;
    reports.record(report(uid));
    await until("the feed is read so far", () => feed.latest(uid) !== undefined);
  };
  return {
    feed,
    now: clock.now(),
    tell: async (told) => {
      const { reports } = sources[count % 2]!;
      reports.record(told);
      await read(reports);
    },
    ask: async (request) => {
      const { reports } = sources[0]!;
      reports.requestScaleIn(request);
      await read(reports);
    },
    lose: async (uid) => {
      for (const { reports } of sources) reports.forget(uid);
      for (const { reports } of sources) await read(reports);
    },
    close: () => Promise.resolve(),
  };
}

describe("the feed client", () => {
  describeLoadFeed(followTwo);

  it("merges feeds: the newest report of a node wins, aged on our own clock", async () => {
    const [one, two] = [await openWorld(), await openWorld()];
    one.reports.record(report("a", { sequence: 5, connections: 5, receivedAt: addMs(clock.now(), -3_000) }));
    two.reports.record(report("a", { sequence: 4, connections: 4, receivedAt: addMs(clock.now(), -8_000) }));
    two.reports.record(report("b"));
    const feed = follow(one.url, two.url);
    expect(feed.isComplete()).toBe(false);
    await until("both feeds are live", () => feed.isComplete());
    expect(feed.latest("a")).toEqual(
      report("a", { sequence: 5, connections: 5, receivedAt: addMs(clock.now(), -3_000) }),
    );
    expect(feed.latest("b")).toBeDefined();
  });

  it("tells the requests of the last minute that were made before it came, on our own clock", async () => {
    const world = await openWorld();
    world.reports.requestScaleIn(request({ node: "live-edge-0", receivedAt: addMs(clock.now(), -60_001) }));
    world.reports.requestScaleIn(request({ node: "live-edge-1", receivedAt: addMs(clock.now(), -60_000) }));
    world.reports.requestScaleIn(request({ receivedAt: addMs(clock.now(), -1_000) }));
    const heard: ScaleInRequest[] = [];
    client = new FeedClient({ ...own(world), urls: [world.url] });
    client.onScaleInRequest((told) => heard.push(told));
    client.start();
    await until("the feed is live", () => client?.isComplete() === true);
    expect(heard).toEqual([
      request({ node: "live-edge-1", receivedAt: addMs(clock.now(), -60_000) }),
      request({ receivedAt: addMs(clock.now(), -1_000) }),
    ]);
  });

  it("takes a report of an older process, which says nothing of acceptance and of children", () => {
    const line = reportLine(report("a"), clock.now());
    const older = JSON.stringify(line, (key, value: unknown) => (/accepting|children/.test(key) ? undefined : value));
    const parsed = parseFeedLine(older);
    expect(parsed).toMatchObject({ kind: "Report", report: { uid: "a", accepting: true, children: [] } });
  });

  it("keeps what it knows when a feed is lost, says so, and comes back", async () => {
    const world = await openWorld();
    world.reports.record(report("a"));
    const feed = follow(world.url);
    await until("the feed is live", () => feed.isComplete());
    const port = Number(new URL(world.url).port);
    await world.close();
    await until("the loss is seen", () => !feed.isComplete());
    expect(feed.latest("a")).toBeDefined();
    await clock.advance(1_000);
    const again = await NodeApiWorld.open({ clock, port });
    worlds.push(again);
    again.reports.record(report("a", { sequence: 2 }));
    for (let tries = 0; tries < 50 && !feed.isComplete(); tries++) {
      await clock.advance(10_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(feed.isComplete()).toBe(true);
    expect(feed.latest("a")?.sequence).toBe(2);
  });

  it("stays on a feed that has no news but lives", async () => {
    const world = await openWorld();
    const feed = follow(world.url);
    await until("the feed is live", () => feed.isComplete());
    let lost = false;
    for (let beats = 0; beats < 6; beats++) {
      await clock.advance(5_000);
      world.reports.record(report("a", { sequence: beats }));
      await until("the beat is read", () => feed.latest("a")?.sequence === beats || !feed.isComplete());
      lost ||= !feed.isComplete();
    }
    expect(lost).toBe(false);
  });

  it("passes over lines that it cannot read, counts them, and takes all others", async () => {
    const lines = [
      '{"kind":"Weather","of":"tomorrow"}',
      "nonsense",
      '{"kind":"Report","report":{}}',
      "null",
      JSON.stringify(reportLine(report("a"), clock.now())),
      '{"kind":"SnapshotEnd","version":7}',
      '{"kind":"Mood"}',
      JSON.stringify(reportLine(report("b", { connections: 7 }), clock.now())),
    ];
    const server = createServer((_req, res) => {
      res.writeHead(200, { "Streamfleet-Feed-Version": "2" }).write(`${lines.join("\n")}\n`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await openWorld();
    skipped.length = 0;
    const feed = follow(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await until("all is read", () => feed.latest("b") !== undefined);
    expect(feed.isComplete()).toBe(true);
    expect(feed.latest("a")).toBeDefined();
    expect(skipped).toEqual(["UnknownKind", "Malformed", "Malformed", "Malformed", "UnknownKind"]);
    await feed.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("tells its version, and of reports that were not taken, also those from before it was opened", async () => {
    const world = await openWorld();
    const refusal = (uid: string) => ({
      uid,
      namespace: "media",
      name: uid,
      reason: "Counts",
      receivedAt: clock.now(),
    });
    world.reports.refuse(refusal("a"));
    const response = await fetch(`${world.url}/internal/feed`, {
      headers: { Authorization: `Bearer ${signFeedToken(world.keys.current)}` },
    });
    expect(response.headers.get("Streamfleet-Feed-Version")).toBe("1");
    await response.body?.cancel();
    client = new FeedClient({ ...own(world), urls: [world.url] });
    const heard: ReportRefusal[] = [];
    client.onRefused((told) => heard.push(told));
    client.start();
    await until("the feed is live", () => client?.isComplete() === true);
    world.reports.refuse(refusal("b"));
    await until("both are heard of", () => heard.length === 2);
    expect(heard).toEqual([refusal("a"), refusal("b")]);
  });

  it("drops a feed that falls silent and opens it again", async () => {
    let opened = 0;
    const silent = createServer((_req, res) => {
      opened += 1;
      res.writeHead(200).write('{"kind":"SnapshotEnd"}\n');
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    await openWorld();
    const feed = follow(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    await until("the feed is live", () => feed.isComplete());
    await clock.advance(14_999);
    expect(feed.isComplete()).toBe(true);
    await clock.advance(1);
    await until("the silence is noticed", () => !feed.isComplete());
    await clock.advance(250);
    await until("it is opened again", () => opened === 2 && feed.isComplete());
    await feed.stop();
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });

  it.each([
    ["refuses", 503, ""],
    ["talks nonsense", 200, "nonsense\n"],
    ["says a kind that is not known", 200, '{"kind":"Weather"}\n'],
    ["ends", 200, ""],
  ])("tries again, ever more slowly, when the server %s", async (_name, status, body) => {
    let opened = 0;
    const server = createServer((_req, res) => {
      opened += 1;
      res.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await openWorld();
    const feed = follow(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    for (const [tries, waitMs] of [250, 500, 1_000].entries()) {
      await until("it waits", () => opened === tries + 1 && clock.pendingTimers === 1);
      await clock.advance(waitMs - 1);
      expect(opened).toBe(tries + 1);
      await clock.advance(1);
    }
    expect(feed.isComplete()).toBe(false);
    await feed.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("a name with several addresses", () => {
  /** Worlds on ports of this machine as processes at addresses of a name; the port stands for the address. */
  let addresses: string[];
  const byAddress = (input: unknown, init?: RequestInit): Promise<Response> => {
    const url = new URL(String(input));
    const index = Number(url.hostname.replaceAll(/[^0-9]/g, "").slice(-1));
    const world = worlds[index];
    if (!url.hostname.startsWith("10.0.0.") || world === undefined) return Promise.reject(new Error("refused"));
    return fetch(new URL(url.pathname, world.url), init);
  };
  let failing: boolean;
  const resolve = (): Promise<readonly string[]> =>
    failing ? Promise.reject(new Error("no such name")) : Promise.resolve(addresses);

  async function followName(url = "http://api.example:8080"): Promise<FeedClient> {
    const [world] = worlds;
    client = new FeedClient({ ...own(world!), fetch: byAddress, urls: [url], resolve });
    client.start();
    await clock.advance(0);
    return client;
  }

  beforeEach(async () => {
    failing = false;
    for (let count = 0; count < 3; count++) await openWorld();
    addresses = ["10.0.0.0", "10.0.0.1"];
  });

  it("is every process: the feed is complete once all are heard", async () => {
    const feed = await followName();
    await until("complete", () => feed.isComplete());
    worlds[0]!.reports.record(report("a"));
    worlds[1]!.reports.record(report("b"));
    await until("both are heard", () => feed.latest("a") !== undefined && feed.latest("b") !== undefined);
    expect(feed.latest("c")).toBeUndefined();
  });

  it("is not complete before it is known, or while one of its processes is not heard", async () => {
    failing = true;
    const feed = await followName();
    expect(feed.isComplete()).toBe(false);
    failing = false;
    addresses = ["10.0.0.0", "10.0.0.9"];
    await clock.advance(2_000);
    worlds[0]!.reports.record(report("a"));
    await until("one is heard", () => feed.latest("a") !== undefined);
    expect(feed.isComplete()).toBe(false);
  });

  it("is looked up again: who has come is followed, who has gone is not waited for, and a failure changes nothing", async () => {
    const feed = await followName();
    await until("complete", () => feed.isComplete());
    failing = true;
    await clock.advance(10_000);
    expect(feed.isComplete()).toBe(true);
    failing = false;
    addresses = ["10.0.0.1", "10.0.0.2"];
    await clock.advance(2_000);
    worlds[2]!.reports.record(report("c"));
    await until("the new one is heard", () => feed.latest("c") !== undefined);
    // The name server may know less than we do: who is heard is followed on.
    worlds[0]!.reports.record(report("a"));
    await until("the old one is heard", () => feed.latest("a") !== undefined);
    await worlds[0]!.close();
    worlds.splice(0, 1, await NodeApiWorld.open({ clock }));
    await until("the old one is given up", () => feed.isComplete());
    worlds[0]!.reports.record(report("d"));
    await clock.advance(20_000);
    expect(feed.latest("d")).toBeUndefined();
  });

  it.each(["https://api.example", "http://localhost:8080", "http://10.0.0.0:8080", "http://[::1]:8080"])(
    "is not asked for of %s",
    async (url) => {
      let asked = false;
      const [world] = worlds;
      const names = () => Promise.resolve(((asked = true), []));
      client = new FeedClient({ ...own(world!), fetch: byAddress, urls: [url], resolve: names });
      client.start();
      await clock.advance(5_000);
      expect(asked).toBe(false);
    },
  );
});
