/** What a crash left open in the history is closed soon after the next start, and nothing else is; what is old goes. */
import { expect, it } from "@jest/globals";
import { HistoryKeeper, type KeptHistory } from "../../../controllers/history/keeper.ts";
import type { StreamNode } from "../../../crds/stream-node.ts";
import { addMs, type Instant } from "../../../domain/time.ts";
import { memoryHistory } from "../../../prisma/memory-history.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { streamNode } from "../../support/node-api.ts";
import { RecordingLogger } from "../../support/recording-logger.ts";

const dayMs = 86_400_000;

async function open(
  lives: ReturnType<typeof memoryHistory>["nodeLives"],
  uid: string,
  clock: FakeClock,
  agoMs: number,
) {
  const at = addMs(clock.now(), -agoMs);
  const life = {
    uid,
    namespace: "default",
    group: "live",
    name: uid,
    role: "edge",
    region: "r",
    platform: "simulated",
  };
  await lives.record([{ life: { ...life, role: "edge", openedAt: at }, phase: "Pending", at, reason: "Pending" }]);
}

it("closes the lives of nodes that are no more within seconds, and leaves the young ones and the living", async () => {
  const clock = new FakeClock();
  const stores = memoryHistory();
  const lives = stores.nodeLives;
  const living: StreamNode = streamNode();
  await open(lives, living.metadata.uid, clock, 60_000);
  await open(lives, "lost", clock, 60_000);
  await open(lives, "young", clock, 0);
  const metrics = createMetrics();
  const nodes = { list: () => [living] };
  const keeper = new HistoryKeeper({ nodes, stores, retentionMs: dayMs, clock, logger: silentLogger, metrics });
  keeper.start();
  await clock.advance(2_000);
  expect((await lives.open({})).map(({ uid }) => uid)).toEqual([living.metadata.uid, "young"]);
  await clock.advance(10_000);
  expect((await lives.open({})).map(({ uid }) => uid)).toEqual([living.metadata.uid]);
  expect(await metrics.text()).toContain(
    'streamfleet_stream_nodes{namespace="media",group="live",role="edge",phase="Pending"} 1',
  );
  await keeper.stop();
  expect(clock.pendingTimers).toBe(0);
});

interface Pruning {
  readonly kind: string;
  readonly afterMs: number;
  readonly before: Instant;
}

/** Stores that write down what they are asked to remove; `fails` says which of them cannot. */
function prunedStores(clock: FakeClock, fails: (kind: string) => boolean) {
  const prunings: Pruning[] = [];
  const start = clock.now();
  const store = (kind: string) => ({
    prune: (before: Instant) => {
      prunings.push({ kind, afterMs: clock.now() - start, before });
      return fails(kind) ? Promise.reject(new Error("the database is down")) : Promise.resolve(3);
    },
  });
  const stores: KeptHistory = {
    ...{ streams: store("streams"), load: store("load"), activities: store("activities") },
    ...{ alarms: store("alarms"), lastReports: store("lastReports") },
    nodeLives: { ...store("nodeLives"), closeAllExcept: () => Promise.resolve(0) },
  };
  return { prunings, stores };
}

it("removes what is older than the retention period a minute after the start and then each hour", async () => {
  const clock = new FakeClock();
  const start = clock.now();
  const { prunings, stores } = prunedStores(clock, () => false);
  const metrics = createMetrics();
  const nodes = { list: () => [] };
  const keeper = new HistoryKeeper({ nodes, stores, retentionMs: 2 * dayMs, clock, logger: silentLogger, metrics });
  keeper.start();
  await clock.advance(59_999);
  expect(prunings).toEqual([]);
  await clock.advance(1);
  const kinds = prunings.map(({ kind }) => kind).sort();
  expect(kinds).toEqual(["activities", "alarms", "lastReports", "load", "nodeLives", "streams"]);
  expect(new Set(prunings.map(({ before }) => before))).toEqual(new Set([addMs(start, 60_000 - 2 * dayMs)]));
  await clock.advance(2 * 3_600_000);
  expect(new Set(prunings.map(({ afterMs }) => afterMs))).toEqual(new Set([60_000, 3_660_000, 7_260_000]));
  await keeper.stop();
  expect(clock.pendingTimers).toBe(0);
});

it("tries the others and the next hour when one cannot be pruned, and says so for those who look", async () => {
  const clock = new FakeClock();
  const logger = new RecordingLogger();
  let isDown = true;
  const { prunings, stores } = prunedStores(clock, (kind) => isDown && kind === "load");
  const metrics = createMetrics();
  const keeper = new HistoryKeeper({ nodes: { list: () => [] }, stores, retentionMs: dayMs, clock, logger, metrics });
  keeper.start();
  await clock.advance(60_000);
  expect(prunings).toHaveLength(6);
  const said = logger.lines.filter(({ message }) => message === "could not remove old history");
  expect(said).toMatchObject([{ level: "debug", fields: { kind: "load" } }]);
  isDown = false;
  await clock.advance(3_600_000);
  expect(prunings).toHaveLength(12);
  expect(logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  await keeper.stop();
});

it("begins no other pruning once it is stopped", async () => {
  const clock = new FakeClock();
  const { prunings, stores } = prunedStores(clock, () => false);
  const { promise, resolve } = Promise.withResolvers<number>();
  const slow: KeptHistory = { ...stores, activities: { prune: () => promise } };
  const keeper = new HistoryKeeper({
    ...{ nodes: { list: () => [] }, stores: slow, retentionMs: dayMs, clock },
    ...{ logger: silentLogger, metrics: createMetrics() },
  });
  keeper.start();
  await clock.advance(60_000);
  const stopped = keeper.stop();
  resolve(1);
  await stopped;
  expect(prunings).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});
