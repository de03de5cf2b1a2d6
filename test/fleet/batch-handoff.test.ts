import { describe, expect, it } from "@jest/globals";
import { BatchHandoff } from "../../fleet/batch-handoff.ts";
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { FakeClock } from "../support/fake-clock.ts";

const key = { namespace: "default", name: "live-edge-b1" };
const batch = { metadata: { ...key, uid: "u1" } } as LaunchBatch;

/** As after its creation. */
async function handOver(to: BatchHandoff): Promise<void> {
  await to.creating(key, () => Promise.resolve({ kind: "Created", object: batch } as const));
}

describe("batches that were just created", () => {
  it("are handed on once", async () => {
    const handoff = new BatchHandoff(new FakeClock());
    await handOver(handoff);
    expect(handoff.take({ ...key, name: "live-edge-b2" })).toBeUndefined();
    expect(handoff.take(key)).toBe(batch);
    expect(handoff.take(key)).toBeUndefined();
  });

  it("are told when they are handed over", async () => {
    const handoff = new BatchHandoff(new FakeClock());
    const told: string[] = [];
    await handOver(handoff);
    handoff.onHandedOver((handed) => told.push(handed));
    await handOver(handoff);
    expect(told).toEqual(["default/live-edge-b1"]);
  });

  it("are under way until their creation is answered, and told then", async () => {
    const handoff = new BatchHandoff(new FakeClock());
    const told: [string, boolean, boolean][] = [];
    handoff.onHandedOver((handed) => told.push([handed, handoff.isUnderWay(key), handoff.take(key) === batch]));
    const creation = Promise.withResolvers<{ readonly kind: "Created"; readonly object: LaunchBatch }>();
    const creating = handoff.creating(key, () => creation.promise);
    expect(handoff.isUnderWay(key)).toBe(true);
    expect(told).toEqual([]);
    creation.resolve({ kind: "Created", object: batch });
    await creating;
    expect(told).toEqual([["default/live-edge-b1", false, true]]);
  });

  it.each([
    ["was taken", () => Promise.resolve({ kind: "AlreadyExists" } as const)],
    ["was refused", () => Promise.reject(new Error("refused"))],
  ])("that are not created are told, so that nobody waits: the number %s", async (_how, create) => {
    const handoff = new BatchHandoff(new FakeClock());
    const told: string[] = [];
    handoff.onHandedOver((handed) => told.push(handed));
    await handoff.creating(key, create).catch(() => undefined);
    expect(told).toEqual(["default/live-edge-b1"]);
    expect(handoff.isUnderWay(key)).toBe(false);
    expect(handoff.take(key)).toBeUndefined();
  });

  it("are forgotten after two seconds: another may have launched them by then", async () => {
    const clock = new FakeClock();
    const handoff = new BatchHandoff(clock);
    await handOver(handoff);
    await clock.advance(2_001);
    expect(handoff.take(key)).toBeUndefined();
  });
});
