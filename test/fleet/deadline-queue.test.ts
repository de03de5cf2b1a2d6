/** The deadline queue gives what has fallen due, the earliest first. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { DeadlineQueue } from "../../fleet/deadline-queue.ts";
import { at } from "../support/domain-values.ts";

function takeAll(queue: DeadlineQueue<number>, before: number): number[] {
  const taken: number[] = [];
  for (let due = queue.takeBefore(at(before)); due; due = queue.takeBefore(at(before))) taken.push(due.item);
  return taken;
}

describe("deadline queue", () => {
  it("gives what is due before the instant, not at it", () => {
    const queue = new DeadlineQueue<number>();
    queue.add(1, at(10));
    expect(queue.takeBefore(at(10))).toBeUndefined();
    expect(queue.takeBefore(at(11))).toEqual({ at: at(10), item: 1 });
    expect(queue.size).toBe(0);
  });

  it("gives everything once, in the order in which it falls due, however it was added", () => {
    const anyTimes = fc.array(fc.nat({ max: 50 }), { maxLength: 60 });
    fc.assert(
      fc.property(anyTimes, fc.nat({ max: 50 }), anyTimes, (first, until, second) => {
        const queue = new DeadlineQueue<number>();
        for (const ms of first) queue.add(ms, at(ms));
        const early = takeAll(queue, until);
        expect(early).toEqual(first.filter((ms) => ms < until).toSorted((a, b) => a - b));
        for (const ms of second) queue.add(ms, at(ms));
        const rest = [...first.filter((ms) => ms >= until), ...second].toSorted((a, b) => a - b);
        expect(takeAll(queue, 51)).toEqual(rest);
      }),
    );
  });
});
