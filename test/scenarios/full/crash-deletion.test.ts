/** The process is killed before and after each of its calls while it terminates, replaces, and grows. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { surviveEveryCall } from "../../support/crash-steps.ts";
import { Fleet } from "../../support/fleet.ts";

let fleet: Fleet;
beforeEach(async () => {
  fleet = new Fleet();
  await fleet.start();
  await fleet.applyOrigins(1);
  await fleet.until("in service", () => fleet.inService() === 1);
});
afterEach(() => fleet.close());

/** Virtual time (ms) after which housekeeping has closed every life that a crash left open. */
const housekeepingMs = 75_000;

describe.each(["Before", "After"] as const)("killed %s any call", (moment) => {
  it("ends each machine of a group that is deleted", async () => {
    await surviveEveryCall(fleet, moment, {
      prepare: async () => {
        await fleet.applyOrigins(1);
        await fleet.until("in service", () => fleet.inService() === 1);
      },
      act: () => fleet.delete("NodeGroup", "live"),
      done: () => fleet.objects().length === 2,
      check: () => expect(fleet.machinesLeft()).toEqual([]),
    });
    await fleet.advance(housekeepingMs);
    expect(await fleet.database.nodeLives.open({})).toEqual([]);
  });

  it("terminates and replaces a machine once", async () => {
    let known = new Set<string>();
    await surviveEveryCall(fleet, moment, {
      prepare: () => {
        known = new Set(fleet.cloud.machines().map(({ providerId }) => providerId));
        return Promise.resolve();
      },
      act: () => {
        fleet.cloud.stop(fleet.machines()[0]?.providerId ?? "");
        return Promise.resolve();
      },
      done: () => fleet.inService() === 1 && fleet.machinesLeft().length === 1 && fleet.nodes().length === 1,
      check: () => {
        expect(fleet.contradictions()).toEqual([]);
        expect(fleet.cloud.machines().filter(({ providerId }) => !known.has(providerId))).toHaveLength(1);
      },
    });
  });
});

describe("killed at random, with slow calls and late news", () => {
  it.each([1, 2, 3])("grows to 6 edges and shrinks to nothing (seed %i)", async (seed) => {
    fleet.close();
    fleet = new Fleet({ seed });
    const wrong = fleet.guard({ edge: 6, origin: 1 });
    const slow = { latencyMs: () => fleet.random() * 40, watchLagMs: () => fleet.random() * 500 };
    await fleet.start(slow);
    await fleet.applyExample();
    await fleet.limit("edge", 6, 6);
    await fleet.limit("origin", 1, 1);
    for (let crash = 0; crash < 12; crash += 1) {
      await fleet.advance(Math.floor(fleet.random() * 1_500));
      fleet.kill();
      await fleet.start(slow);
    }
    await fleet.until("in service", () => fleet.inService() === 7, 60_000);
    await fleet.advance(10_000);
    expect(fleet.contradictions()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(7);
    await fleet.delete("NodeGroup", "live");
    for (let crash = 0; crash < 8; crash += 1) {
      await fleet.advance(Math.floor(fleet.random() * 1_000));
      fleet.kill();
      await fleet.start(slow);
    }
    await fleet.until("gone", () => fleet.objects().length === 2, 60_000);
    expect(fleet.machinesLeft()).toEqual([]);
    expect(fleet.cloud.machines()).toHaveLength(7);
    expect(wrong()).toEqual([]);
    await fleet.advance(housekeepingMs);
    expect(await fleet.database.nodeLives.open({})).toEqual([]);
  });
});
