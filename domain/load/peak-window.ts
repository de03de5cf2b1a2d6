/** The highest value of the last day, or of any shorter time, in memory that stays small however often it is recorded. */
import { addMs, type Instant } from "../time.ts";

/** Longest window (ms) that can be asked for. */
export const longestPeakMs = 86_400_000;

/** Values closer together than this (ms) are one: the higher. */
const resolutionMs = 1_000;

/** What is older is kept coarser: a peak may be held for its age divided by this longer than it lasted. */
const ageParts = 256;

const leastBetweenCompactions = 64;

/** The highest of the values that were recorded from `from` to `until`, both included. */
interface Step {
  readonly from: Instant;
  until: Instant;
  readonly peak: number;
}

/**
 * Steps that fall from the oldest to the newest: what a later value reaches can be no peak any more. Recording is constant on
 * average. A peak is never given too low; it may be held too long, by a second or by its age / 256.
 */
export class PeakWindow {
  #steps: Step[] = [];
  /** Values to be recorded before old steps are merged again: as many as there are steps, for a constant cost on average. */
  #untilCompaction = leastBetweenCompactions;

  /** Steps held: for tests of the bound on memory. */
  get size(): number {
    return this.#steps.length;
  }

  /** Takes a value; `now` never goes back. */
  record(value: number, now: Instant): void {
    while ((this.#steps.at(-1)?.peak ?? Infinity) <= value) this.#steps.pop();
    const last = this.#steps.at(-1);
    if (last !== undefined && now - last.from < resolutionMs) last.until = now;
    else this.#steps.push({ from: now, until: now, peak: value });
    this.#untilCompaction--;
    if (this.#untilCompaction <= 0) this.#compact(now);
  }

  /** The highest value recorded after `from`, or undefined when there was none. */
  after(from: Instant): number | undefined {
    let [low, high] = [0, this.#steps.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#steps[middle]?.until ?? Infinity) > from) high = middle;
      else low = middle + 1;
    }
    return this.#steps[low]?.peak;
  }

  #compact(now: Instant): void {
    const oldest = addMs(now, -longestPeakMs);
    const kept: Step[] = [];
    for (const step of this.#steps) {
      const last = kept.at(-1);
      if (step.until <= oldest) continue;
      if (last !== undefined && step.until - last.from <= (now - step.until) / ageParts) last.until = step.until;
      else kept.push(step);
    }
    this.#steps = kept;
    this.#untilCompaction = Math.max(leastBetweenCompactions, kept.length);
  }
}
