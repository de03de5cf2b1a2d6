/** The process is killed before and after each of its calls while a node is drained because the maximum was lowered. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { surviveEveryCall } from "../../support/crash-steps.ts";
import { Fleet } from "../../support/fleet.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = new Fleet();
  await fleet.start();
});
afterEach(() => fleet.close());

describe.each(["Before", "After"] as const)("killed %s any call", (moment) => {
  it("lets one node go, and never the other", async () => {
    let fewest = Infinity;
    let endWatch: () => void = () => undefined;
    const calls = await surviveEveryCall(fleet, moment, {
      prepare: async () => {
        await fleet.applyOrigins(2);
        await fleet.until("two origins", () => fleet.inService() === 2 && fleet.machinesLeft().length === 2, 120_000);
        fewest = 2;
        endWatch();
        endWatch = fleet.watch(() => (fewest = Math.min(fewest, fleet.machines().length)));
      },
      act: () => fleet.applyOrigins(1),
      done: () => fleet.machinesLeft().length === 1 && fleet.nodes().length === 1,
      check: () => {
        expect(fleet.contradictions()).toEqual([]);
        expect(fleet.nodes()[0]?.spec.drain).toBeUndefined();
        expect(fewest).toBe(1);
      },
    });
    expect(calls).toBeGreaterThan(moment === "Before" ? 20 : 5);
  });
});
