import { describe, expect, it } from "@jest/globals";
import { BatchHandoff } from "../../fleet/batch-handoff.ts";
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import { FakeClock } from "../support/fake-clock.ts";

const key = { namespace: "default", name: "live-edge-b1" };
const batch = { metadata: { ...key, uid: "u1" } } as LaunchBatch;

describe("fresh batches", () => {
  it("are handed on once", () => {
    const fresh = new BatchHandoff(new FakeClock());
    fresh.put(batch);
    expect(fresh.take({ ...key, name: "live-edge-b2" })).toBeUndefined();
    expect(fresh.take(key)).toBe(batch);
    expect(fresh.take(key)).toBeUndefined();
  });

  it("are told when they are put", () => {
    const fresh = new BatchHandoff(new FakeClock());
    const told: string[] = [];
    fresh.put(batch);
    fresh.onPut((put) => told.push(put));
    fresh.put(batch);
    expect(told).toEqual(["default/live-edge-b1"]);
  });

  it("are under way until their creation is answered, and told then", async () => {
    const fresh = new BatchHandoff(new FakeClock());
    const told: [string, boolean, boolean][] = [];
    fresh.onPut((put) => told.push([put, fresh.isUnderWay(key), fresh.take(key) === batch]));
    const creation = Promise.withResolvers<{ readonly kind: "Created"; readonly object: LaunchBatch }>();
    const creating = fresh.creating(key, () => creation.promise);
    expect(fresh.isUnderWay(key)).toBe(true);
    expect(told).toEqual([]);
    creation.resolve({ kind: "Created", object: batch });
    await creating;
    expect(told).toEqual([["default/live-edge-b1", false, true]]);
  });

  it.each([
    ["was taken", () => Promise.resolve({ kind: "AlreadyExists" } as const)],
    ["was refused", () => Promise.reject(new Error("refused"))],
  ])("that are not created are told, so that nobody waits: the number %s", async (_how, create) => {
    const fresh = new BatchHandoff(new FakeClock());
    const told: string[] = [];
    fresh.onPut((put) => told.push(put));
    await fresh.creating(key, create).catch(() => undefined);
    expect(told).toEqual(["default/live-edge-b1"]);
    expect(fresh.isUnderWay(key)).toBe(false);
    expect(fresh.take(key)).toBeUndefined();
  });

  it("are forgotten after two seconds: another may have launched them by then", async () => {
    const clock = new FakeClock();
    const fresh = new BatchHandoff(clock);
    fresh.put(batch);
    await clock.advance(2_001);
    expect(fresh.take(key)).toBeUndefined();
  });
});
