import { describe, expect, it } from "@jest/globals";
import type { DecidedActivity, History, NodeLifeTransition } from "../../domain/history.ts";
import type { Instant } from "../../domain/time.ts";
import { addMs, instant } from "../../domain/time.ts";
import { BufferedHistory } from "../../prisma/buffered-history.ts";
import type { BufferedHistoryOptions } from "../../prisma/buffered-history.ts";
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
  readonly calls: string[] = [];
  memory: History = memoryHistory();

  readonly history: History = {
    nodeLives: {
      ...{ closeAllExcept: never, open: never, read: never },
      record: (rows) => this.#write("record", rows, () => this.memory.nodeLives.record(rows)),
      close: (rows) => this.#write("close", rows, () => this.memory.nodeLives.close(rows)),
    },
    streams: {
      see: (rows) => this.#write("see", rows, () => this.memory.streams.see(rows)),
      endOthers: (rows) => this.#write("endOthers", rows, () => this.memory.streams.endOthers(rows)),
      live: never,
    },
    load: {
      ...{ read: never, prune: never },
      add: (rows) => this.#write("add", rows, () => this.memory.load.add(rows)),
    },
    activities: {
      ...{ last: never, prune: never },
      record: (row, at, count) => this.#write("activity", [row], () => this.memory.activities.record(row, at, count)),
    },
  };

  async #write(call: string, rows: readonly unknown[], write: () => Promise<void>): Promise<void> {
    if (rows.length === 0) return;
    await Promise.resolve();
    this.calls.push(`${call} ${rows.length}`);
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
  const errors: unknown[] = [];
  const onError = (error: unknown): number => errors.push(error);
  const buffer = new BufferedHistory({ history: database.history, clock, onError, ...options });
  return { clock, database, errors, buffer, start: clock.now() };
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
    expect(database.calls).toEqual(["record 3", "close 1", "add 1"]);
    expect(buffer.backlog).toBe(0);
    expect(clock.pendingTimers).toBe(0);
    const open = await database.memory.nodeLives.open({});
    expect(open.map(({ uid }) => uid)).toEqual(["uid-b", "uid-c"]);
  });

  it("waits longer and longer while the database is down, and then catches up", async () => {
    const { buffer, clock, database, errors, start } = setUp();
    database.isDown = true;
    buffer.recordTransition(transition("a", start));
    await clock.advance(1_000 + 2_000 + 4_000 + 8_000 + 16_000 + 30_000 + 30_000);
    expect(database.calls).toHaveLength(7);
    expect(errors).toHaveLength(7);
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
    const racing = new BufferedHistory({ history, clock, onError: fail });
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
    expect(buffer.dropped).toEqual({ nodeLives: 0, streams: 0, activities: 0, load: 1 });
    for (const name of ["a", "b", "c", "d"]) buffer.recordTransition(transition(name, start));
    expect(buffer.dropped).toEqual({ nodeLives: 1, streams: 0, activities: 0, load: 4 });
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
    expect(buffer.dropped).toEqual({ nodeLives: 0, streams: 3, activities: 0, load: 0 });
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
    const { buffer, clock, database, errors, start } = setUp();
    database.refuses = (row) => (row as NodeLifeTransition).life.name === "c";
    for (const name of ["a", "b", "c", "d", "e"]) buffer.recordTransition(transition(name, start));
    await clock.advance(1_000);
    const names = (await database.memory.nodeLives.open({})).map(({ name }) => name);
    expect(names).toEqual(["a", "b", "d", "e"]);
    expect(buffer.dropped.nodeLives).toBe(1);
    expect(errors).toHaveLength(1);
    expect(buffer.backlog).toBe(0);
  });

  it("prepares the database before the first write, and tries again until that succeeds", async () => {
    let preparations = 0;
    const prepare = (): Promise<void> => {
      preparations += 1;
      return preparations < 3 ? Promise.reject(new Error("down")) : Promise.resolve();
    };
    const { buffer, clock, database, errors, start } = setUp({ prepare });
    buffer.recordTransition(transition("a", start));
    await clock.advance(3_000);
    expect(database.calls).toEqual([]);
    await clock.advance(4_000);
    buffer.recordTransition(transition("b", start));
    await clock.advance(1_000);
    expect(database.calls).toEqual(["record 1", "record 1"]);
    expect([preparations, errors.length]).toEqual([3, 2]);
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

  describe("activities", () => {
    it("writes a change at once and its repetitions now and then", async () => {
      const { buffer, clock, database, start } = setUp();
      for (let second = 0; second < 35; second += 1) {
        buffer.recordActivity(activity("Hold"), addMs(start, second * 1_000));
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
