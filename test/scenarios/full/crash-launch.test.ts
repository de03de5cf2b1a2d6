/** The process is killed before and after each of its calls to the Kubernetes API and to the cloud while it launches. */
import { afterEach, expect, it } from "@jest/globals";
import { launchScenario, surviveEveryCall } from "../../support/crash-steps.ts";
import { Fleet } from "../../support/fleet.ts";

let fleet: Fleet;
afterEach(() => fleet.close());

it.each(["Before", "After"] as const)("launches each machine once, killed %s any call", async (moment) => {
  fleet = new Fleet();
  await fleet.start();
  const calls = await surviveEveryCall(fleet, moment, launchScenario(fleet, 2));
  expect(calls).toBeGreaterThan(moment === "Before" ? 40 : 15);
});
