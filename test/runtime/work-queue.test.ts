import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { WorkQueue } from "../../runtime/work-queue.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

const never = new AbortController().signal;

function queueOn(clock: FakeClock, random: () => number = () => 0): WorkQueue {
  return new WorkQueue({ clock, random });
}

describe("work queue", () => {
  it("gives keys in order of arrival, each once", async () => {
    const queue = queueOn(new FakeClock());
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(queue.depth).toBe(3);
    expect([await queue.take(never), await queue.take(never), await queue.take(never)]).toEqual(["a", "b", "c"]);
  });

  it("gives a key again after its release when it was added meanwhile", async () => {
    const queue = queueOn(new FakeClock());
    queue.add("a");
    await queue.take(never);
    queue.add("a");
    queue.add("a");
    expect(queue.depth).toBe(0);
    queue.release("a");
    expect(queue.depth).toBe(1);
    await queue.take(never);
    queue.release("a");
    expect(queue.depth).toBe(0);
  });

  it("hands a key to a taker that waits", async () => {
    const queue = queueOn(new FakeClock());
    const taken = queue.take(never);
    queue.add("a");
    await expect(taken).resolves.toBe("a");
  });

  it("gives undefined to takers whose signal aborts, and loses no key to them", async () => {
    const queue = queueOn(new FakeClock());
    const abort = new AbortController();
    const taken = queue.take(abort.signal);
    abort.abort();
    await expect(taken).resolves.toBeUndefined();
    await expect(queue.take(abort.signal)).resolves.toBeUndefined();
    queue.add("a");
    await expect(queue.take(never)).resolves.toBe("a");
  });

  it("of several delays keeps the earliest", async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    queue.addAfter("a", 500);
    queue.addAfter("a", 100);
    queue.addAfter("a", 300);
    await clock.advance(99);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it("adds at once what has no delay", () => {
    const queue = queueOn(new FakeClock());
    queue.addAfter("a", 0);
    expect(queue.depth).toBe(1);
  });

  it("backs off by doubling from 1 s to 60 s, shortened by up to 20 %", () => {
    const clock = new FakeClock();
    const waits = (random: number): number[] => {
      const queue = queueOn(clock, () => random);
      return Array.from({ length: 8 }, () => queue.retry("a"));
    };
    expect(waits(0)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(waits(0.5)).toEqual([900, 1_800, 3_600, 7_200, 14_400, 28_800, 54_000, 54_000]);
  });

  it("starts the back-off anew after a success", () => {
    const queue = queueOn(new FakeClock());
    queue.retry("a");
    queue.retry("a");
    queue.forget("a");
    expect(queue.failures("a")).toBe(0);
    expect(queue.retry("a")).toBe(1_000);
  });

  it("tells its metrics", async () => {
    const clock = new FakeClock();
    const told: (string | number)[] = [];
    const metrics = {
      depth: (keys: number) => void told.push("depth", keys),
      added: () => void told.push("added"),
      retried: () => void told.push("retried"),
      waited: (seconds: number) => void told.push("waited", seconds),
    };
    const queue = new WorkQueue({ clock, random: () => 0, metrics });
    queue.add("a");
    await clock.advance(2_000);
    await queue.take(never);
    queue.retry("a");
    expect(told).toEqual(["added", "depth", 1, "depth", 0, "waited", 2, "retried"]);
  });

  it("forgets everything on clear", async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    queue.add("a");
    queue.addAfter("b", 100);
    queue.clear();
    await clock.advance(1_000);
    expect(queue.depth).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});

type Step =
  | { readonly kind: "add" | "retry"; readonly key: string }
  | { readonly kind: "addAfter"; readonly key: string; readonly ms: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "take" | "release" };

const key = fc.constantFrom("a", "b", "c");
const ms = fc.integer({ min: 0, max: 5_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("add" as const, "retry" as const), key }),
  fc.record({ kind: fc.constant("addAfter" as const), key, ms }),
  fc.record({ kind: fc.constant("advance" as const), ms }),
  fc.record({ kind: fc.constantFrom("take" as const, "release" as const) }),
);

/** Drives a queue and notes what must hold of every history. */
class Driver {
  readonly clock = new FakeClock();
  readonly queue = queueOn(this.clock);
  readonly active: string[] = [];
  /** Keys asked for after they were last taken, with the time by which they must be available. */
  /** When the earliest delay of each key ends. */
  readonly delayed = new Map<string, number>();
  readonly owed = new Map<string, number>();

  async run(next: Step): Promise<void> {
    switch (next.kind) {
      case "add":
        this.queue.add(next.key);
        {
          this.owe(next.key, 0);
          return;
        }
      case "addAfter":
        this.queue.addAfter(next.key, next.ms);
        {
          this.owe(next.key, next.ms);
          return;
        }
      case "retry": {
        this.owe(next.key, this.queue.retry(next.key));
        return;
      }
      case "advance":
        return this.clock.advance(next.ms);
      case "take":
        return this.take();
      case "release": {
        this.release();
        return;
      }
    }
  }

  owe(name: string, afterMs: number): void {
    const due = this.clock.monotonicMs() + afterMs;
    const pending = this.delayed.get(name) ?? 0;
    if (afterMs > 0 && (pending <= this.clock.monotonicMs() || due < pending)) this.delayed.set(name, due);
    this.owed.set(name, Math.min(due, this.owed.get(name) ?? Infinity));
  }

  async take(): Promise<void> {
    if (this.queue.depth === 0) return;
    const taken = await this.queue.take(never);
    expect(this.active).not.toContain(taken);
    expect(this.owed.get(taken!)).toBeLessThanOrEqual(this.clock.monotonicMs());
    this.active.push(taken!);
    this.owed.delete(taken!);
    // A delay that is not over yet is still to come.
    const delayed = this.delayed.get(taken!);
    if (delayed !== undefined && delayed > this.clock.monotonicMs()) this.owed.set(taken!, delayed);
  }

  release(): void {
    const released = this.active.shift();
    if (released !== undefined) this.queue.release(released);
  }
}

describe("work queue, whatever happens", () => {
  it("never has a key active twice, never gives it early, and never loses one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const driver = new Driver();
        for (const next of steps) await driver.run(next);
        const asked = new Set(driver.owed.keys());
        while (driver.active.length > 0) driver.release();
        await driver.clock.advance(100_000);
        const given = new Set<string>();
        for (let left = driver.queue.depth; left > 0; left--) given.add((await driver.queue.take(never))!);
        for (const name of asked) expect(given).toContain(name);
        expect(given.size).toBeLessThanOrEqual(3);
      }),
      { numRuns: 150 },
    );
  });

  it("adds every delayed key at once when delays end, and leaves no timer", async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    queue.addAfter("a", 150_000);
    queue.retry("b");
    queue.endDelays();
    expect(clock.pendingTimers).toBe(0);
    expect([await queue.take(never), await queue.take(never)]).toEqual(["a", "b"]);
  });

  it("lets workers handle every key serially", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(key, { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), async (keys, workers) => {
        const clock = new FakeClock();
        const queue = queueOn(clock);
        const stop = new AbortController();
        const busy = new Set<string>();
        const handled = new Set<string>();
        const work = async (): Promise<void> => {
          for (let next = await queue.take(stop.signal); next !== undefined; next = await queue.take(stop.signal)) {
            expect(busy.has(next)).toBe(false);
            busy.add(next);
            await settle(1);
            busy.delete(next);
            handled.add(next);
            queue.release(next);
          }
        };
        const running = Array.from({ length: workers }, work);
        for (const name of keys) queue.add(name);
        await settle(keys.length + 3);
        stop.abort();
        await Promise.all(running);
        expect(handled).toEqual(new Set(keys));
      }),
      { numRuns: 40 },
    );
  });
});
