/** The process is killed before and after each of its calls to the Kubernetes API and to the cloud while it launches. */
import { afterEach, expect, it } from "@jest/globals";
import { surviveEveryCall } from "../../support/crash-steps.ts";
import { Fleet } from "../../support/fleet.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

it.each(["Before", "After"] as const)("launches each machine once, killed %s any call", async (moment) => {
  fleet = new Fleet();
  await fleet.start();
  let known = new Set<string>();
  const calls = await surviveEveryCall(fleet, moment, {
    prepare: async () => {
      if (fleet.objects().includes("NodeGroup/live")) await fleet.delete("NodeGroup", "live");
      await fleet.until("nothing is left", () => fleet.machinesLeft().length === 0 && fleet.nodes().length === 0);
      known = new Set(fleet.cloud.machines().map(({ providerId }) => providerId));
    },
    act: () => fleet.applyOrigins(2),
    done: () => fleet.inService() === 2,
    check: () => {
      expect(fleet.contradictions()).toEqual([]);
      expect(fleet.names()).toEqual(["live-origin-0", "live-origin-1"]);
      expect(fleet.cloud.machines().filter(({ providerId }) => !known.has(providerId))).toHaveLength(2);
    },
  });
  expect(calls).toBeGreaterThan(moment === "Before" ? 40 : 15);
});
