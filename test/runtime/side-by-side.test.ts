import { describe, expect, it } from "@jest/globals";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { settle } from "../support/fake-clock.ts";

describe("work side by side", () => {
  it("answers in the order of the items, and never does more at once than it may", async () => {
    const underWay = new Map<number, () => void>();
    let most = 0;
    const all = sideBySide([5, 1, 4, 2, 3], 2, async (item) => {
      await new Promise<void>((resolve) => underWay.set(item, resolve));
      return item * 10;
    });
    while (underWay.size > 0 || most === 0) {
      most = Math.max(most, underWay.size);
      const newest = [...underWay.keys()].at(-1)!;
      underWay.get(newest)?.();
      underWay.delete(newest);
      await settle();
    }
    expect(await all).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it("begins nothing after a failure, and throws it once all has ended", async () => {
    const begun: number[] = [];
    let ended = 0;
    const all = sideBySide([1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error("it failed");
      await settle();
      ended += 1;
    });
    await expect(all).rejects.toThrow("it failed");
    expect(begun).toEqual([1, 2]);
    expect(ended).toBe(1);
  });

  it("answers nothing for nothing", async () => {
    expect(await sideBySide([], 8, () => Promise.resolve(1))).toEqual([]);
  });
});
