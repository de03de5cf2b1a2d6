/** One node that says too much: names of streams without end, and clients that it cannot have. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { HistoryKeeper } from "../../controllers/history/keeper.ts";
import { LoadTally } from "../../domain/load/load-tally.ts";
import { addMs, type Instant } from "../../domain/time.ts";
import { newStreamsPerMinute } from "../../prisma/buffer/stream-lane.ts";
import { BufferedHistory } from "../../prisma/buffered-history.ts";
import { openEmbeddedDatabase } from "../../prisma/embedded-database.ts";
import type { HistoryDatabase } from "../../prisma/history-database.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NodeApiWorld } from "../support/node-api.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const group = { namespace: "default", group: "live" };
const stream = (name: string) => ({ scope: "live", name, subscribers: 1 });
const names = (count: number, round: number) => Array.from({ length: count }, (_, at) => stream(`${round}-${at}`));

describe("new stream names", () => {
  it("are recorded at a rate, the rest is counted, and what lives on is recorded when its turn has come", async () => {
    const clock = new FakeClock();
    const history = memoryHistory();
    const buffer = new BufferedHistory({ history, clock, onOutage: ({ error }) => expect(error).toBeUndefined() });
    const report = (streams: ReturnType<typeof names>) =>
      buffer.recordStreams({ ...group, nodeUid: "uid", streams, at: clock.now() });
    report([stream("first")]);
    const lasting = names(2 * newStreamsPerMinute, 0);
    report([stream("first"), ...lasting]);
    expect(buffer.dropped.streams).toBe(newStreamsPerMinute);
    await buffer.flush();
    expect(await history.streams.live(group)).toHaveLength(newStreamsPerMinute + 1);
    await clock.advance(60_000);
    report([stream("first"), ...lasting]);
    await buffer.flush();
    expect(await history.streams.live(group)).toHaveLength(2 * newStreamsPerMinute + 1);
    for (let round = 1; round <= 12; round++) {
      await clock.advance(5_000);
      report(names(2_000, round));
    }
    await buffer.flush();
    expect(buffer.dropped.streams).toBeGreaterThan(12 * 2_000 - 2 * newStreamsPerMinute);
    await buffer.stop();
  });
});

describe("history that is larger than its bound", () => {
  let scratch: ScratchDirectory;
  let database: HistoryDatabase;
  beforeEach(async () => {
    scratch = new ScratchDirectory();
    database = await openEmbeddedDatabase(join(scratch.path, "db"), "test");
  });
  afterEach(async () => {
    await database.close();
    scratch.remove();
  });

  const minute = (at: Instant) => ({
    ...{ ...group, role: "edge" as const, region: "r", minute: at, samples: 1 },
    ...{ connectionsSum: 1, connectionsMax: 1, publishersSum: 0, subscribersSum: 1 },
  });

  it("loses the oldest until it fits, and keeps the newest", async () => {
    const clock = new FakeClock();
    const { history, footprint } = database;
    const ages = Array.from({ length: 8_000 }, (_, at) => addMs(clock.now(), -(at + 1) * 60_000));
    for (let at = 0; at < ages.length; at += 2_000) await history.load.add(ages.slice(at, at + 2_000).map(minute));
    const bytes = 400_000;
    expect(await footprint.exceeds(bytes)).toBe(true);
    expect(await footprint.exceeds(100_000_000)).toBe(false);
    expect(await footprint.oldest()).toBe(ages.at(-1));
    const keeper = new HistoryKeeper({
      ...{ nodes: { list: () => [] }, stores: history, retentionMs: 365 * 86_400_000, clock },
      ...{ bound: { bytes, footprint }, logger: silentLogger, metrics: createMetrics() },
    });
    keeper.start();
    await clock.advance(90_000);
    await eventually(async () => expect(await footprint.exceeds(bytes)).toBe(false));
    await keeper.stop();
    const left = await history.load.read({
      ...group,
      ...{ from: addMs(clock.now(), -365 * 86_400_000), to: clock.now() },
    });
    expect(left.length).toBeGreaterThan(100);
    expect(left.at(-1)?.minute).toBe(ages[0]);
  });

  it("is that of this installation alone", async () => {
    expect(await database.footprint.oldest()).toBeUndefined();
    expect(await database.footprint.exceeds(1)).toBe(false);
  });
});

describe("a load that a node cannot bear", () => {
  it("counts for no more than 1.1 times its capacity, whatever it says", () => {
    const tally = new LoadTally();
    const told = { connections: 1_000, publishers: 1_000, subscribers: 1_000 };
    tally.add(told, 100);
    expect(tally.gauges()).toMatchObject({ connections: 110, publishers: 110, subscribers: 110, freeSlots: 0 });
    tally.remove(told, 100);
    expect(tally.gauges()).toMatchObject({ connections: 0, publishers: 0, subscribers: 0, freeSlots: 0, nodes: 0 });
  });

  it("is said: in the metric, and in the feed, from which the node has its condition", async () => {
    const world = await NodeApiWorld.open();
    try {
      const { spec } = await world.addNode();
      const { connectionCapacity } = spec.launch;
      const token = await world.registered();
      const answer = await world.report(token, { connections: 10 * connectionCapacity });
      expect(answer.status).toBe(200);
      const count = 10 * connectionCapacity - Math.ceil((11 * connectionCapacity) / 10);
      const losses = [{ part: "connections", reason: "OverCapacity", count }];
      expect(world.losses).toEqual(losses);
      expect(world.reports.latest((await world.node("live-edge-0")).metadata.uid)?.losses).toEqual(losses);
    } finally {
      await world.close();
    }
  });
});
