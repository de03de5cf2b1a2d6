import { describe, expect, it } from "@jest/globals";
import type { AlarmTransition, DecidedActivity, LastReport, NodeLifeTransition } from "../../domain/history.ts";
import type { History } from "../../domain/ports.ts";
import { addMs, type Instant, instant } from "../../domain/time.ts";
import {
  BufferedHistory,
  type BufferedHistoryOptions,
  type HistoryBufferState,
  type Refused,
} from "../../prisma/buffered-history.ts";
import { Prisma } from "../../prisma/generated/client.ts";
import type { NodeStreams } from "../../prisma/history-recorder.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { FakeClock } from "../support/fake-clock.ts";

const group = { namespace: "default", group: "live" };
const region = { ...group, role: "edge", region: "region-1" } as const;

/** A history that can be down, that can refuse, and that writes down which statements reached it. */
class Database {
  isDown = false;
  refuses: (row: unknown) => boolean = () => false;
  isEmpty = false;
  /** The call that is never answered. */
  hangs: string | undefined;
  readonly calls: string[] = [];
  memory: History = memoryHistory();

  readonly history: History = {
    nodeLives: {
      ...{ closeAllExcept: never, open: never, during: never, read: never, prune: never },
      record: (rows) => this.#write("record", rows, () => this.memory.nodeLives.record(rows)),
      close: (rows) => this.#write("close", rows, () => this.memory.nodeLives.close(rows)),
    },
    streams: {
      see: (rows) => this.#write("see", rows, () => this.memory.streams.see(rows)),
      endOthers: (rows) => this.#write("endOthers", rows, () => this.memory.streams.endOthers(rows)),
      ...{ live: never, during: never, prune: never },
    },
    load: {
      ...{ read: never, during: never, prune: never },
      add: (rows) => this.#write("add", rows, () => this.memory.load.add(rows)),
    },
    activities: {
      ...{ last: never, prune: never },
      record: (row, at, count) => this.#write("activity", [row], () => this.memory.activities.record(row, at, count)),
    },
    alarms: {
      ...{ during: never, prune: never },
      record: (rows) => this.#write("alarms", rows, () => this.memory.alarms.record(rows)),
    },
    lastReports: {
      ...{ read: never, prune: never },
      record: (rows) => this.#write("reports", rows, () => this.memory.lastReports.record(rows)),
    },
  };

  async #write(call: string, rows: readonly unknown[], write: () => Promise<void>): Promise<void> {
    if (rows.length === 0) return;
    await Promise.resolve();
    this.calls.push(`${call} ${rows.length}`);
    if (call === this.hangs) await new Promise(() => undefined);
    if (this.isDown) throw new Error("the database is down");
    if (this.isEmpty) throw refusal("42P01");
    if (rows.some((row) => this.refuses(row))) throw refusal("22003");
    await write();
  }
}

function never(): Promise<never> {
  return Promise.reject(new Error("a buffer only writes"));
}

function refusal(originalCode: string): Error {
  const meta = { driverAdapterError: { cause: { originalCode } } };
  return new Prisma.PrismaClientKnownRequestError("refused", { code: "P2010", clientVersion: "7", meta });
}

function setUp(options: Partial<BufferedHistoryOptions> = {}) {
  const clock = new FakeClock();
  const database = new Database();
  const refused: Refused[] = [];
  const outages: unknown[] = [];
  const buffer = new BufferedHistory({
    ...{ history: database.history, clock, flushIntervalMs: 1_000 },
    onRefused: (entries) => refused.push(entries),
    onOutage: ({ error }) => outages.push(error),
    onRecovery: (recovery) => outages.push(recovery),
    ...options,
  });
  return { clock, database, refused, outages, buffer, start: clock.now() };
}

function transition(name: string, at: Instant, change: Partial<NodeLifeTransition> = {}): NodeLifeTransition {
  const life = { ...region, uid: `uid-${name}`, name, platform: "simulated", openedAt: at };
  return { life, phase: "Pending", at, reason: "Launched", ...change };
}

function streams(at: Instant, names: Readonly<Record<string, number>>): NodeStreams {
  const list = Object.entries(names).map(([name, subscribers]) => ({ scope: "live", name, subscribers }));
  return { ...group, nodeUid: "uid-edge-0", streams: list, at };
}

function sample(at: Instant, connections = 10) {
  return { ...region, at, connections, publishers: 1, subscribers: connections - 1 };
}

function activity(kind: string): DecidedActivity {
  return { ...region, kind, reason: "BelowMinimum", message: "", deciderVersion: 1, input: {} };
}

function report(change: Partial<LastReport> & Pick<LastReport, "lastReportAt">): LastReport {
  const node = { ...region, uid: "uid-edge-0", name: "edge-0", bootId: "b", sequence: 1 };
  return { ...node, connections: 0, publishers: 0, subscribers: 0, ...change };
}

function alarm(at: Instant, to: AlarmTransition["to"]): AlarmTransition {
  const from = to === "OK" ? "ALARM" : "OK";
  return { ...region, alarm: "edge-scale-out", from, to, reason: "", at };
}

const nothingDropped = { lastReports: 0, load: 0, nodeLives: 0, alarms: 0, streams: 0, activities: 0 };

describe("buffered history", () => {
  it("writes what was recorded within a second in one statement for each kind", async () => {
    const { buffer, clock, database, start } = setUp();
    for (const name of ["a", "b", "c"]) buffer.recordTransition(transition(name, start));
    buffer.recordClose({ uid: "uid-a", at: addMs(start, 1), reason: "Terminated" });
    buffer.recordLoad(sample(start));
    buffer.recordLoad(sample(addMs(start, 100)));
    expect(database.calls).toEqual([]);
    await clock.advance(999);
    expect(database.calls).toEqual([]);
    await clock.advance(1);
    expect(database.calls.toSorted()).toEqual(["add 1", "close 1", "record 3"]);
    expect(buffer.backlog).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    const open = await database.memory.nodeLives.open({});
    expect(open.map(({ uid }) => uid)).toEqual(["uid-b", "uid-c"]);
  });

  it("waits longer and longer while the database is down, and then catches up", async () => {
    const { buffer, clock, database, outages, start } = setUp();
    database.isDown = true;
    buffer.recordTransition(transition("a", start));
    await clock.advance(1_000 + 2_000 + 4_000 + 8_000 + 16_000 + 30_000 + 30_000);
    expect(database.calls).toHaveLength(7);
    expect(outages).toEqual([new Error("the database is down")]);
    buffer.recordClose({ uid: "uid-a", at: addMs(start, 10), reason: "Terminated" });
    database.isDown = false;
    await clock.advance(30_000);
    const found = await database.memory.nodeLives.read("uid-a");
    expect(found?.life.closeReason).toBe("Terminated");
    expect(buffer.backlog).toBe(0);
    buffer.recordTransition(transition("b", start));
    await clock.advance(1_000);
    expect(buffer.backlog).toBe(0);
  });

  it("tells an outage once, from its first failure until all that failed is written, with what waited", async () => {
    const { buffer, clock, database, outages, start } = setUp();
    database.isDown = true;
    buffer.recordTransition(transition("a", start));
    await clock.advance(3_000);
    buffer.recordLoad(sample(clock.now()));
    await clock.advance(60_000);
    expect(outages).toEqual([new Error("the database is down")]);
    expect(buffer.outage).toEqual({ since: addMs(start, 1_000), error: new Error("the database is down") });
    database.isDown = false;
    await clock.advance(60_000);
    expect(outages).toHaveLength(2);
    expect(outages[1]).toMatchObject({ backlog: 2 });
    expect(buffer.outage).toBeUndefined();
  });

  it.each(["see", "record", "add", "activity", "alarms", "reports"])(
    "writes everything else within a second while %s hangs",
    async (hanging) => {
      const { buffer, clock, database, start } = setUp({ flushIntervalMs: 750 });
      database.hangs = hanging;
      buffer.recordTransition(transition("a", start));
      buffer.recordStreams(streams(start, { one: 1 }));
      buffer.recordLoad(sample(start));
      buffer.recordActivity(activity("Hold"), start);
      buffer.recordAlarm(alarm(start, "ALARM"));
      buffer.recordReport(report({ lastReportAt: start }));
      await clock.advance(1_000);
      const written = database.calls.filter((call) => !call.startsWith(hanging)).map((call) => call.split(" ")[0]);
      const all = ["activity", "add", "alarms", "record", "reports", "see"].filter((call) => call !== hanging);
      expect(written.filter((call) => call !== "endOthers").sort()).toEqual(all);
    },
  );

  it("tells of refused entries once a minute, with their number", async () => {
    const { buffer, clock, database, refused } = setUp();
    database.refuses = () => true;
    for (let second = 0; second < 70; second += 1) {
      buffer.recordAlarm(alarm(clock.now(), "ALARM"));
      await clock.advance(1_000);
    }
    expect(refused.map(({ kind, entries }) => [kind, entries])).toEqual([
      ["alarms", 1],
      ["alarms", 60],
    ]);
    expect(buffer.dropped.alarms).toBe(70);
  });

  it("never writes the end of a life before a transition that was said before it", async () => {
    const { buffer, clock, database, start } = setUp();
    const history = {
      ...database.history,
      nodeLives: {
        ...database.history.nodeLives,
        record: async (rows: readonly NodeLifeTransition[]) => {
          await database.history.nodeLives.record(rows);
          if (rows.some(({ life }) => life.name === "b")) return;
          racing.recordTransition(transition("b", start));
          racing.recordClose({ uid: "uid-b", at: start, reason: "Terminated" });
        },
      },
    };
    const racing = new BufferedHistory({ history, clock, onOutage: fail });
    racing.recordTransition(transition("a", start));
    racing.recordClose({ uid: "uid-a", at: start, reason: "Terminated" });
    await clock.advance(5_000);
    expect(await database.memory.nodeLives.open({})).toEqual([]);
    expect((await database.memory.nodeLives.read("uid-b"))?.life.closedAt).toBe(start);
    expect(buffer.backlog).toBe(0);
  });

  it("opens a living node's life again after the database was wiped", async () => {
    const { buffer, clock, database, start } = setUp();
    buffer.recordTransition(transition("a", start));
    await clock.advance(1_000);
    database.memory = memoryHistory();
    buffer.recordTransition(transition("a", start, { phase: "InService", at: addMs(start, 2_000) }));
    await clock.advance(1_000);
    expect(await database.memory.nodeLives.open({})).toHaveLength(1);
  });

  it("drops the oldest load first when there is no room, and counts it", async () => {
    const { buffer, clock, database, start } = setUp({ capacity: 3 });
    database.isDown = true;
    for (let minute = 0; minute < 4; minute += 1) buffer.recordLoad(sample(addMs(start, minute * 60_000)));
    expect(buffer.dropped).toEqual({ ...nothingDropped, load: 1 });
    for (const name of ["a", "b", "c", "d"]) buffer.recordTransition(transition(name, start));
    expect(buffer.dropped).toEqual({ ...nothingDropped, nodeLives: 1, load: 4 });
    database.isDown = false;
    await clock.advance(60_000);
    const names = (await database.memory.nodeLives.open({})).map(({ name }) => name);
    expect(names).toEqual(["b", "c", "d"]);
  });

  it("gives up streams before what was decided, however many there are, and what is left fits together", async () => {
    const { buffer, clock, database, start } = setUp({ capacity: 2 });
    database.isDown = true;
    buffer.recordStreams(streams(start, { one: 1, two: 2 }));
    buffer.recordActivity(activity("ScaleOut"), start);
    buffer.recordTransition(transition("a", start));
    expect(buffer.dropped).toEqual({ ...nothingDropped, streams: 3 });
    expect(buffer.backlog).toBe(2);
    database.isDown = false;
    await clock.advance(60_000);
    expect(database.calls.filter((call) => call === "see 1" || call === "see 2")).toEqual([]);
    buffer.recordStreams(streams(clock.now(), { one: 5, two: 2 }));
    await clock.advance(1_000);
    const live = await database.memory.streams.live(group);
    expect(live.map(({ name, peakSubscribers }) => [name, peakSubscribers])).toEqual([
      ["one", 5],
      ["two", 2],
    ]);
  });

  it("adds up the load of a minute across failures", async () => {
    const { buffer, clock, database, start } = setUp();
    database.isDown = true;
    buffer.recordLoad(sample(start, 10));
    await clock.advance(1_500);
    buffer.recordLoad(sample(addMs(start, 1_500), 30));
    database.isDown = false;
    await clock.advance(10_000);
    const minutes = await database.memory.load.read({ ...group, from: instant(0), to: addMs(start, 1e6) });
    expect(minutes).toEqual([
      {
        ...region,
        minute: start,
        samples: 2,
        connectionsSum: 40,
        connectionsMax: 30,
        publishersSum: 2,
        subscribersSum: 38,
      },
    ]);
  });

  it("loses what the database refuses, and nothing else", async () => {
    const { buffer, clock, database, refused, outages, start } = setUp();
    database.refuses = (row) => (row as NodeLifeTransition).life.name === "c";
    for (const name of ["a", "b", "c", "d", "e"]) buffer.recordTransition(transition(name, start));
    await clock.advance(1_000);
    const names = (await database.memory.nodeLives.open({})).map(({ name }) => name);
    expect(names).toEqual(["a", "b", "d", "e"]);
    expect(buffer.dropped.nodeLives).toBe(1);
    expect(refused.map(({ kind, entries }) => [kind, entries])).toEqual([["nodeLives", 1]]);
    expect(outages).toEqual([]);
    expect(buffer.backlog).toBe(0);
  });

  it("prepares the database before the first write, and tries again until that succeeds", async () => {
    let preparations = 0;
    const prepare = (): Promise<void> => {
      preparations += 1;
      return preparations < 3 ? Promise.reject(new Error("down")) : Promise.resolve();
    };
    const { buffer, clock, database, outages, start } = setUp({ prepare });
    buffer.recordTransition(transition("a", start));
    await clock.advance(3_000);
    expect(database.calls).toEqual([]);
    await clock.advance(4_000);
    buffer.recordTransition(transition("b", start));
    await clock.advance(1_000);
    expect(database.calls).toEqual(["record 1", "record 1"]);
    expect(preparations).toBe(3);
    expect(outages).toEqual([new Error("down"), { outageMs: 6_000, backlog: 1 }]);
  });

  it("prepares the database again when its tables are gone, and loses nothing", async () => {
    const prepared: boolean[] = [];
    const prepare = (): Promise<void> => {
      prepared.push(database.isEmpty);
      database.isEmpty = false;
      return Promise.resolve();
    };
    const { buffer, clock, database, start } = setUp({ prepare });
    buffer.recordTransition(transition("a", start));
    await clock.advance(1_000);
    database.isEmpty = true;
    buffer.recordTransition(transition("b", start));
    await clock.advance(3_000);
    expect(prepared).toEqual([false, true]);
    expect(database.calls).toEqual(["record 1", "record 1", "record 1"]);
    expect(buffer.backlog).toBe(0);
    expect(buffer.dropped.nodeLives).toBe(0);
  });

  it("writes all that waits when it stops, and nothing more", async () => {
    const { buffer, clock, database, start } = setUp();
    buffer.recordActivity(activity("Hold"), start);
    buffer.recordActivity(activity("Hold"), start);
    await buffer.stop();
    expect((await database.memory.activities.last({ ...group, limit: 9 })).map(({ count }) => count)).toEqual([2]);
    buffer.recordTransition(transition("a", start));
    await clock.advance(60_000);
    expect(database.calls).toEqual(["activity 1", "activity 1"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("does not wait for a database that hangs when it stops", async () => {
    const { buffer, clock, start } = setUp({ prepare: () => new Promise(() => undefined) });
    buffer.recordTransition(transition("a", start));
    const stopped = buffer.stop(2_000);
    await clock.advance(2_000);
    await stopped;
    expect(buffer.backlog).toBe(1);
  });

  it("is at most a second behind, also while each write takes its time", async () => {
    const { clock, database, start } = setUp();
    const record = async (rows: readonly LastReport[]): Promise<void> => {
      await new Promise<void>((resolve) => clock.after(200, resolve));
      await database.memory.lastReports.record(rows);
    };
    const history = { ...database.history, lastReports: { ...database.history.lastReports, record } };
    const buffer = new BufferedHistory({ history, clock, onOutage: fail });
    let behindMs = 0;
    for (let ms = 0; ms < 5_000; ms += 50) {
      buffer.recordReport(report({ lastReportAt: clock.now(), sequence: ms }));
      await clock.advance(50);
      const [written] = await database.memory.lastReports.read(group);
      behindMs = Math.max(behindMs, clock.now() - (written?.lastReportAt ?? start));
    }
    expect(behindMs).toBeGreaterThan(700);
    expect(behindMs).toBeLessThanOrEqual(1_000);
  });

  it("tells how it stands after each attempt", async () => {
    const states: HistoryBufferState[] = [];
    const { buffer, clock, database, start } = setUp({ capacity: 1, onFlush: (state) => states.push(state) });
    database.isDown = true;
    for (const name of ["a", "b"]) buffer.recordTransition(transition(name, start));
    await clock.advance(1_000);
    database.isDown = false;
    await clock.advance(2_000);
    const dropped = { ...nothingDropped, nodeLives: 1 };
    expect(states).toEqual([
      { backlog: 1, dropped, failing: true },
      { backlog: 0, dropped, failing: false },
    ]);
  });

  describe("load", () => {
    it("writes the running minute as it grows", async () => {
      const { buffer, clock, database, start } = setUp();
      for (let second = 0; second < 3; second += 1) {
        buffer.recordLoad(sample(clock.now()));
        await clock.advance(1_000);
        const [minute] = await database.memory.load.read({ ...group, from: start, to: addMs(start, 60_000) });
        expect(minute?.samples).toBe(second + 1);
      }
    });
  });

  describe("last reports", () => {
    it("writes the newest of each node, with the latest traffic, in one statement", async () => {
      const { buffer, clock, database, start } = setUp();
      buffer.recordReport(report({ lastReportAt: start, lastTrafficAt: start, connections: 3 }));
      buffer.recordReport(report({ lastReportAt: addMs(start, 500), sequence: 2 }));
      buffer.recordReport(report({ lastReportAt: addMs(start, 250), sequence: 9 }));
      buffer.recordReport(report({ uid: "uid-edge-1", name: "edge-1", lastReportAt: start }));
      await clock.advance(1_000);
      expect(database.calls).toEqual(["reports 2"]);
      expect(await database.memory.lastReports.read(group)).toEqual([
        report({ lastReportAt: addMs(start, 500), sequence: 2, lastTrafficAt: start }),
        report({ uid: "uid-edge-1", name: "edge-1", lastReportAt: start }),
      ]);
    });

    it("holds one for each node however long the database is down, and loses none", async () => {
      const { buffer, clock, database, start } = setUp();
      database.isDown = true;
      for (let round = 0; round < 20; round += 1) {
        for (let node = 0; node < 100; node += 1) {
          const change = { uid: `uid-${node}`, name: `edge-${node}`, sequence: round };
          buffer.recordReport(report({ ...change, lastReportAt: addMs(start, round * 5_000) }));
        }
        await clock.advance(5_000);
        expect(buffer.backlog).toBe(100);
      }
      database.isDown = false;
      await clock.advance(60_000);
      const written = await database.memory.lastReports.read(group);
      expect(written.map(({ sequence }) => sequence)).toEqual(Array<number>(100).fill(19));
      expect(buffer.dropped).toEqual(nothingDropped);
    });

    it("is the first to be given up", () => {
      const { buffer, start } = setUp({ capacity: 1 });
      buffer.recordLoad(sample(start));
      buffer.recordReport(report({ lastReportAt: start }));
      expect(buffer.dropped).toEqual({ ...nothingDropped, lastReports: 1 });
    });
  });

  describe("alarms", () => {
    it("writes each transition, in order and once", async () => {
      const { buffer, clock, database, start } = setUp();
      database.isDown = true;
      buffer.recordAlarm(alarm(start, "ALARM"));
      await clock.advance(1_500);
      database.isDown = false;
      buffer.recordAlarm(alarm(clock.now(), "OK"));
      await clock.advance(60_000);
      expect(database.calls).toEqual(["alarms 1", "alarms 2"]);
      const last = await database.memory.alarms.during({ ...group, limit: 9, from: instant(0), to: clock.now() });
      expect(last.map(({ to }) => to)).toEqual(["OK", "ALARM"]);
    });
  });

  describe("activities", () => {
    it("counts what is decided again in memory, however often, and writes few statements", async () => {
      const { buffer, clock, database } = setUp();
      for (let second = 0; second < 60; second += 1) {
        for (let place = 0; place < 200; place += 1)
          buffer.recordActivity({ ...activity("Hold"), group: `group-${place}` }, clock.now());
        await clock.advance(1_000);
      }
      expect(database.calls.length).toBeLessThanOrEqual(600);
      expect(buffer.backlog).toBe(0);
      await buffer.flush();
      for (let place = 0; place < 200; place += 1) {
        const [only] = await database.memory.activities.last({ ...group, group: `group-${place}`, limit: 2 });
        expect(only?.count).toBe(60);
      }
    });

    it("takes its turns when many are to be counted, and passes over none", async () => {
      const { buffer, clock, database } = setUp();
      const places = Array.from({ length: 120 }, (_, place) => ({ ...activity("Hold"), group: `group-${place}` }));
      for (let decision = 0; decision < 2; decision += 1)
        for (const place of places) buffer.recordActivity(place, clock.now());
      await clock.advance(1_000);
      database.calls.length = 0;
      await clock.advance(28_000);
      const written: number[] = [];
      for (let second = 0; second < 4; second += 1) {
        await clock.advance(1_000);
        written.push(database.calls.splice(0).filter((call) => call === "activity 1").length);
      }
      expect(written).toEqual([50, 50, 20, 0]);
    });

    it("holds so many while the database is down, for each carries its input", () => {
      const { buffer, start } = setUp();
      for (let turn = 0; turn < 20_010; turn += 1) buffer.recordActivity(activity(turn % 2 === 0 ? "A" : "B"), start);
      expect(buffer.dropped).toEqual({ ...nothingDropped, activities: 10 });
      expect(buffer.backlog).toBe(20_000);
    });

    it("writes a change at once and its repetitions now and then", async () => {
      const { buffer, clock, database, start } = setUp();
      for (let second = 0; second < 35; second += 1) {
        buffer.recordActivity({ ...activity("Hold"), message: `at ${second} s` }, addMs(start, second * 1_000));
        await clock.advance(1_000);
      }
      expect(database.calls).toEqual(["activity 1", "activity 1"]);
      buffer.recordActivity(activity("ScaleOut"), clock.now());
      await clock.advance(1_000);
      const last = await database.memory.activities.last({ ...group, limit: 9 });
      expect(last.map(({ kind, count }) => [kind, count])).toEqual([
        ["ScaleOut", 1],
        ["Hold", 35],
      ]);
      expect(last[1]).toMatchObject({ message: "at 0 s", latestMessage: "at 34 s" });
    });
  });

  describe("streams", () => {
    it("writes the beginning and the end of a stream at once, and its course now and then", async () => {
      const { buffer, clock, database, start } = setUp();
      for (let second = 0; second < 29; second += 1) {
        buffer.recordStreams(streams(clock.now(), { one: second }));
        await clock.advance(1_000);
      }
      expect(database.calls).toEqual(["see 1", "endOthers 1"]);
      await clock.advance(1_000);
      buffer.recordStreams(streams(clock.now(), { one: 1 }));
      await clock.advance(1_000);
      const [stream] = await database.memory.streams.live(group);
      expect(stream).toMatchObject({ startedAt: start, lastSeenAt: addMs(start, 30_000), peakSubscribers: 28 });
      buffer.recordStreams(streams(clock.now(), { two: 1 }));
      await clock.advance(1_000);
      expect((await database.memory.streams.live(group)).map(({ name }) => name)).toEqual(["two"]);
      expect(buffer.backlog).toBe(0);
    });

    it("ends what a former process left open at the node's first report", async () => {
      const { buffer, clock, database, start } = setUp();
      const left = { ...group, nodeUid: "uid-edge-0", scope: "live", name: "left", subscribers: 1, at: start };
      await database.memory.streams.see([left]);
      buffer.recordStreams(streams(start, { one: 1 }));
      await clock.advance(1_000);
      expect((await database.memory.streams.live(group)).map(({ name }) => name)).toEqual(["one"]);
    });

    it("knows the end of a stream that began and ended while the database was down", async () => {
      const { buffer, clock, database } = setUp();
      database.isDown = true;
      buffer.recordStreams(streams(clock.now(), { one: 1, two: 1 }));
      await clock.advance(1_500);
      buffer.recordStreams(streams(clock.now(), { two: 5 }));
      await clock.advance(2_000);
      buffer.recordStreams(streams(clock.now(), { two: 1, three: 1 }));
      database.isDown = false;
      await clock.advance(60_000);
      expect((await database.memory.streams.live(group)).map(({ name }) => name)).toEqual(["three", "two"]);
      expect(buffer.backlog).toBe(0);
    });

    it("forgets a node whose life has ended", async () => {
      const { buffer, clock, database, start } = setUp();
      buffer.recordTransition(transition("edge-0", start));
      buffer.recordStreams(streams(start, { one: 1 }));
      await clock.advance(1_000);
      buffer.recordClose({ uid: "uid-edge-0", at: clock.now(), reason: "Terminated" });
      await clock.advance(1_000);
      expect(await database.memory.streams.live(group)).toEqual([]);
    });
  });
});

function fail(error: unknown): never {
  throw error;
}
