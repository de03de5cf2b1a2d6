import { describe, expect, it } from "@jest/globals";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { DeadlineError, startDeadline } from "../../runtime/deadline.ts";
import { describeClock } from "../conformance/clock.ts";
import { until } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";

const never = new AbortController().signal;

describe("system clock", () => {
  describeClock(() => ({
    clock: systemClock(),
    passUntil: (holds) => until("the timers have fired", holds),
  }));

  it("tells the time of this machine", () => {
    expect(Math.abs(systemClock().now() - Date.now())).toBeLessThan(1_000);
  });
});

describe("sleep", () => {
  it("ends when time has passed", async () => {
    const clock = new FakeClock();
    let awake = false;
    void sleep(clock, 100, never).then(() => (awake = true));
    await clock.advance(99);
    expect(awake).toBe(false);
    await clock.advance(1);
    expect(awake).toBe(true);
  });

  it("ends at once when the signal aborts, and leaves no timer", async () => {
    const clock = new FakeClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 100, abort.signal);
    abort.abort();
    await sleeping;
    await sleep(clock, 100, abort.signal);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("deadline", () => {
  it("aborts when time is up", async () => {
    const clock = new FakeClock();
    const deadline = startDeadline(clock, 100, "the work");
    await clock.advance(99);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toEqual(new DeadlineError("the work took longer than 100 ms"));
  });

  it("starts anew when extended, and ends when cleared", async () => {
    const clock = new FakeClock();
    const deadline = startDeadline(clock, 100, "the work");
    await clock.advance(90);
    deadline.extend();
    await clock.advance(90);
    expect(deadline.signal.aborted).toBe(false);
    deadline.clear();
    await clock.advance(1_000);
    expect(deadline.signal.aborted).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it("follows its parent, also one that has aborted before", () => {
    const clock = new FakeClock();
    const parent = new AbortController();
    const deadline = startDeadline(clock, 100, "the work", parent.signal);
    parent.abort("enough");
    expect(deadline.signal.reason).toBe("enough");
    expect(startDeadline(clock, 100, "the work", parent.signal).signal.reason).toBe("enough");
  });
});

describe("fake clock", () => {
  describeClock(() => {
    const clock = new FakeClock();
    const passUntil = async (holds: () => boolean): Promise<void> => {
      for (let ms = 0; ms < 1_000 && !holds(); ms++) await clock.advance(1);
      expect(holds()).toBe(true);
    };
    return { clock, passUntil };
  });

  it("runs what is due at its own time, and stops where it was told to", async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const note = (text: string): void => void seen.push(`${clock.monotonicMs()} ${text}`);
    clock.after(20, () => note("b"));
    clock.after(10, () => {
      note("a");
      clock.after(5, () => note("a2"));
    });
    clock.after(31, () => note("late"));
    const start = clock.now();
    await clock.advance(30);
    expect(seen).toEqual(["10 a", "15 a2", "20 b"]);
    expect(clock.now() - start).toBe(30);
  });
});
