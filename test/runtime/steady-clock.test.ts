/** Time that does not jump with the wall clock. */
import { describe, expect, it } from "@jest/globals";
import { addMs } from "../../domain/time.ts";
import { steadied } from "../../runtime/steady-clock.ts";
import { describeClock } from "../conformance/clock.ts";
import { FakeClock } from "../support/fake-clock.ts";

const hour = 3_600_000;

function stepped() {
  const world = new FakeClock();
  const wall = { stepMs: 0 };
  const clock = {
    now: () => addMs(world.now(), wall.stepMs),
    monotonicMs: () => world.monotonicMs(),
    after: (ms: number, callback: () => void) => world.after(ms, callback),
  };
  return { world, wall, clock, steady: steadied(clock) };
}

describeClock(() => {
  const world = new FakeClock();
  const passUntil = async (holds: () => boolean): Promise<void> => {
    for (let passed = 0; !holds() && passed < 10_000; passed += 1) await world.advance(1);
  };
  return { clock: steadied(world), passUntil };
});

describe("a steady clock", () => {
  it("is the wall's while that goes on evenly, and follows a step of a second at once", async () => {
    const { world, wall, clock, steady } = stepped();
    await world.advance(12_345);
    expect(steady.now()).toBe(clock.now());
    wall.stepMs = 900;
    expect(steady.now()).toBe(clock.now());
    wall.stepMs = -50;
    expect(steady.now()).toBe(clock.now());
  });

  it.each([30_000, hour, 24 * hour])(
    "goes on by the monotonic clock when the wall is put %d ms forward or back",
    async (ms) => {
      for (const stepMs of [ms, -ms]) {
        const { world, wall, steady } = stepped();
        const before = steady.now();
        wall.stepMs = stepMs;
        expect(steady.now() - before).toBe(0);
        await world.advance(10_000);
        // A hundredth of the time that has passed is made up for.
        expect(steady.now() - before).toBe(10_000 + (stepMs > 0 ? 100 : -100));
        expect(steady.wall() - before).toBe(10_000 + stepMs);
        wall.stepMs = 0;
        await world.advance(1);
        expect(steady.wall() - before).toBe(10_001);
      }
    },
  );

  it("comes to agree with the wall, and never goes back", async () => {
    const { world, wall, clock, steady } = stepped();
    wall.stepMs = -30_000;
    let last = steady.now();
    for (let minute = 0; minute < 60; minute += 1) {
      await world.advance(60_000);
      expect(steady.now()).toBeGreaterThan(last);
      last = steady.now();
    }
    expect(steady.now()).toBe(clock.now());
  });

  it("is one for each clock, and itself", () => {
    const { clock, steady } = stepped();
    expect(steadied(clock)).toBe(steady);
    expect(steadied(steady)).toBe(steady);
    expect(steadied({ ...clock })).not.toBe(steady);
  });
});
