import { expect, it } from "@jest/globals";
import { WaitTimes } from "../../api/wait-times.ts";

it("rises to a minute for each caller apart, and begins anew once it has found what it waited for", () => {
  const waits = new WaitTimes();
  expect(Array.from({ length: 8 }, () => waits.next("a"))).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(waits.next("b")).toBe(1);
  waits.found("a");
  expect([waits.next("a"), waits.next("b")]).toEqual([1, 2]);
});

it("remembers no more than 10,000 callers, and forgets first who came longest ago", () => {
  const waits = new WaitTimes();
  for (let caller = 0; caller < 10_000; caller++) waits.next(`caller-${caller}`);
  waits.next("caller-0");
  waits.next("one more");
  expect([waits.next("caller-0"), waits.next("caller-1")]).toEqual([4, 1]);
});
