/** Time for decisions: the wall's, but without its jumps. */
import { type Instant, instant } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";

/** A clock whose `now` does not jump. */
export interface SteadyClock extends Clock {
  /** What the wall clock says, jumps and all: for times that people set. */
  wall(): Instant;
}

/** A step (ms) that is followed at once: less than what any wait here is made of. */
const followedMs = 1_000;
/** By how much of the time that has passed a greater step is made up for. */
const slewing = 0.01;

/** One for each clock, so that all parts of a process agree on the time. */
const steadyClocks = new WeakMap<Clock, SteadyClock>();

/**
 * The clock with a `now` that goes on evenly, by the monotonic clock, when the wall clock is put forward or back: waits end when they were
 * to end, and what was heard a moment ago is not an hour old. It makes up for a step by a hundredth of the time that passes, so that what is
 * written comes to agree with the wall. Of the same clock always the same.
 */
export function steadied(clock: Clock): SteadyClock {
  const known = isSteady(clock) ? clock : steadyClocks.get(clock);
  if (known !== undefined) return known;
  let last = { steady: clock.now() as number, monotonicMs: clock.monotonicMs() };
  const now = (): Instant => {
    const [wall, monotonicMs] = [clock.now(), clock.monotonicMs()];
    const passedMs = monotonicMs - last.monotonicMs;
    const expected = last.steady + passedMs;
    const step = wall - expected;
    const most = passedMs * slewing;
    const steady = Math.abs(step) <= followedMs ? wall : expected + Math.max(-most, Math.min(most, step));
    last = { steady, monotonicMs };
    return instant(Math.floor(steady));
  };
  const steady: SteadyClock = {
    now,
    wall: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    after: (ms, callback) => clock.after(ms, callback),
  };
  steadyClocks.set(clock, steady);
  return steady;
}

function isSteady(clock: Clock): clock is SteadyClock {
  return "wall" in clock;
}
