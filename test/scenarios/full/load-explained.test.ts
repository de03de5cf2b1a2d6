/** Whatever was decided in an hour under load can be decided again from what was recorded, and comes out the same. */
import { afterEach, describe, expect, it } from "@jest/globals";
import type { ScalingActivity } from "../../../domain/history.ts";
import { explain } from "../../../cli/decisions.ts";
import { replay } from "../../../cli/explanation.ts";
import { namespace } from "../../support/fleet.ts";
import { LoadScenario } from "../../support/load-scenario.ts";

let scenario: LoadScenario;
afterEach(() => scenario.close());

/** Records are kept as JSON. */
const asKept = (activity: ScalingActivity): ScalingActivity => ({
  ...activity,
  input: JSON.parse(JSON.stringify(activity.input)) as unknown,
});

describe("the decisions of an hour", () => {
  it("replay identically, the last hundred of them", async () => {
    scenario = await LoadScenario.open({ edge: { minLimit: 2, maxLimit: 5 } });
    const { fleet } = scenario;
    const start = scenario.seconds;
    scenario.restless = true;
    for (let round = 0; round < 12; round += 1) {
      await scenario.ramp(4, 30 + 8 * round, 40);
      await scenario.hold(round % 2 === 0 ? 50 : 4, 40);
      await scenario.hold(4, round % 3 === 2 ? 520 : 80);
    }
    expect(scenario.seconds - start).toBeGreaterThanOrEqual(3_600);
    await fleet.process.flushHistory();
    const { activities } = fleet.database;
    const last = await activities.last({ namespace, group: "live", limit: 100 });
    expect(last).toHaveLength(100);
    expect(last.map((activity) => replay(asKept(activity)).kind)).toEqual(last.map(() => "Identical"));
    // Why it acted, and why it did not.
    const reasons = new Set(last.filter(({ role }) => role === "edge").map(({ reason }) => reason));
    for (const reason of [
      "Alarm",
      "ScaleIn",
      "CapacityComing",
      "MaximumReached",
      "Stabilizing",
      "OperationInProgress",
    ]) {
      expect(reasons).toContain(reason);
    }
    const { text, exitCode } = await explain(
      { namespace: "default", name: "live", group: fleet.group(), last: 100 },
      activities,
    );
    expect(exitCode).toBe(0);
    expect(text).toContain(`${last.length} decisions, ${last.length} replay identically`);
    expect(scenario.wrong()).toEqual([]);
  }, 60_000);
});
