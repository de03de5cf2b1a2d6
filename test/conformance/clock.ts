/** What a Clock promises: one suite for the machine's clocks and for virtual time. */
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Clock } from "../../domain/ports.ts";

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets time pass until the condition holds; throws when it does not within some seconds. */
  readonly passUntil: (holds: () => boolean) => Promise<void>;
}

/** How much earlier (ms) a timer may seem to fire, where timers count whole milliseconds and the clock counts parts of them. */
const grainMs = 1;

/** The suite. `open` is called for each test. */
export function describeClock(open: () => ClockUnderTest): void {
  describe("clock", () => {
    let clock: Clock;
    let passUntil: ClockUnderTest["passUntil"];
    /** What was called back, in order. */
    let called: string[];

    beforeEach(() => {
      ({ clock, passUntil } = open());
      called = [];
    });

    function after(ms: number, name: string): () => void {
      return clock.after(ms, () => called.push(name));
    }

    /** Until a timer that is asked for now has fired: those that were due before it have had their turn. */
    async function pass(ms: number): Promise<void> {
      let over = false;
      clock.after(ms, () => (over = true));
      await passUntil(() => over);
    }

    it("tells wall time in whole milliseconds, and it moves on", async () => {
      const start = clock.now();
      await passUntil(() => clock.now() > start);
      expect(Number.isInteger(start)).toBe(true);
      expect(Number.isInteger(clock.now())).toBe(true);
    });

    it("never goes back on its monotonic side", async () => {
      const readings = [clock.monotonicMs(), clock.monotonicMs()];
      for (let turn = 0; turn < 5; turn++) {
        await pass(1);
        readings.push(clock.monotonicMs());
      }
      expect(readings).toEqual([...readings].sort((a, b) => a - b));
      expect(readings.at(-1)).toBeGreaterThan(readings[0]!);
    });

    it("calls back once, and not before its time", async () => {
      const start = clock.monotonicMs();
      let elapsedMs = 0;
      clock.after(10, () => {
        called.push("due");
        elapsedMs = clock.monotonicMs() - start;
      });
      await pass(30);
      expect(called).toEqual(["due"]);
      expect(elapsedMs).toBeGreaterThanOrEqual(10 - grainMs);
    });

    it("calls back in order of time, and then in the order of asking", async () => {
      after(20, "late, asked first");
      after(5, "early");
      after(20, "late, asked second");
      await pass(30);
      expect(called).toEqual(["early", "late, asked first", "late, asked second"]);
    });

    it.each([0, -5])("calls back soon, but never at once, when asked to wait for %d ms", async (ms) => {
      after(ms, "soon");
      expect(called).toEqual([]);
      await passUntil(() => called.length === 1);
    });

    it("lets a callback set the next timer", async () => {
      clock.after(2, () => after(2, "next"));
      await passUntil(() => called.length === 1);
    });

    it("does not call back what was cancelled, also by a callback of the same time", async () => {
      const cancelAtOnce = after(5, "cancelled at once");
      clock.after(10, () => cancelBefore());
      const cancelBefore = after(10, "cancelled by the one before");
      cancelAtOnce();
      await pass(20);
      expect(called).toEqual([]);
    });

    it("takes a cancellation at any time: twice, within the callback and after it", async () => {
      const cancel = clock.after(2, () => {
        called.push("due");
        cancel();
      });
      const cancelOther = after(4, "never");
      cancelOther();
      cancelOther();
      await pass(10);
      cancel();
      await pass(5);
      expect(called).toEqual(["due"]);
    });

    it("does not take months for now", async () => {
      const cancel = after(1e11, "months later");
      await pass(5);
      cancel();
      expect(called).toEqual([]);
    });
  });
}
