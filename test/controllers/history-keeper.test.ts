/** What a crash left open in the history is closed soon after the next start, and nothing else is. */
import { expect, it } from "@jest/globals";
import { HistoryKeeper } from "../../controllers/history-keeper.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import { addMs } from "../../domain/time.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { streamNode } from "../support/node-api.ts";

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
  const lives = memoryHistory().nodeLives;
  const living: StreamNode = streamNode();
  await open(lives, living.metadata.uid, clock, 60_000);
  await open(lives, "lost", clock, 60_000);
  await open(lives, "young", clock, 0);
  const metrics = createMetrics();
  const keeper = new HistoryKeeper({ nodes: { list: () => [living] }, lives, clock, logger: silentLogger, metrics });
  keeper.start();
  await clock.advance(2_000);
  expect((await lives.open({})).map(({ uid }) => uid)).toEqual([living.metadata.uid, "young"]);
  await clock.advance(10_000);
  expect((await lives.open({})).map(({ uid }) => uid)).toEqual([living.metadata.uid]);
  expect(await metrics.text()).toContain('streamfleet_stream_nodes{group="live",role="edge",phase="Pending"} 1');
  await keeper.stop();
  expect(clock.pendingTimers).toBe(0);
});
