import { describe, expect, it } from "@jest/globals";
import { roles } from "../../../crds/names.ts";
import { alarmsOf } from "../../../domain/alarm/alarm-definitions.ts";
import { alarm, edgeLimits } from "../../support/manifests.ts";
import { scalePolicy } from "../../support/resources.ts";

const defaults = { scaleOutThreshold: { origin: 40, edge: 60, relay: 70, transcoder: 80 } };

describe("the alarms of a policy", () => {
  it("are one that scales out and one that scales in for each of its roles, where it names none", () => {
    const { spec } = scalePolicy({ roles: [edgeLimits({ role: "origin" }), edgeLimits()] });
    expect(alarmsOf(spec, defaults)).toEqual([
      expect.objectContaining({ name: "origin-scale-out", threshold: 40 }),
      expect.objectContaining({ name: "origin-scale-in", threshold: 20 }),
      {
        name: "edge-scale-out",
        role: "edge",
        metric: "ConnectionUtilization",
        statistic: "Average",
        periodSeconds: 10,
        evaluationPeriods: 1,
        datapointsToAlarm: 1,
        threshold: 60,
        comparisonOperator: "GreaterThanThreshold",
        treatMissingData: "ignore",
        action: "ScaleOut",
      },
      {
        name: "edge-scale-in",
        role: "edge",
        metric: "ConnectionUtilization",
        statistic: "Average",
        periodSeconds: 60,
        evaluationPeriods: 3,
        datapointsToAlarm: 3,
        threshold: 30,
        comparisonOperator: "LessThanThreshold",
        treatMissingData: "notBreaching",
        action: "ScaleIn",
      },
    ]);
  });

  it("are those of a role that one region alone asks for as well", () => {
    const regionOverrides = [{ region: "region-b", roles: [edgeLimits(), edgeLimits({ role: "relay" })] }];
    const { spec } = scalePolicy({ roles: [edgeLimits()], regionOverrides });
    const names = ["edge-scale-out", "edge-scale-in", "relay-scale-out", "relay-scale-in"];
    expect(alarmsOf(spec, defaults).map(({ name }) => name)).toEqual(names);
  });

  it("are none where its list is empty", () => {
    expect(alarmsOf(scalePolicy({ alarms: [] }).spec, defaults)).toEqual([]);
  });

  it("are exactly those that it lists, of whatever role", () => {
    const { spec } = scalePolicy({ alarms: [alarm(), alarm({ name: "relays-full", role: "relay", threshold: 5 })] });
    expect(alarmsOf(spec, defaults).map(({ name, role, threshold }) => [name, role, threshold])).toEqual([
      ["edges-full", "edge", 60],
      ["relays-full", "relay", 5],
    ]);
  });

  it.each([
    ["all periods, where it does not say how many must breach", {}, 3],
    ["as many as it says", { datapointsToAlarm: 2 }, 2],
  ])("need %s", (_name, fields, expected) => {
    const { spec } = scalePolicy({ alarms: [alarm({ evaluationPeriods: 3, ...fields })] });
    expect(alarmsOf(spec, defaults)[0]?.datapointsToAlarm).toBe(expected);
  });

  it("have names by default that an alarm may have, and no two the same", () => {
    const { spec } = scalePolicy({ roles: roles.map((role) => edgeLimits({ role })) });
    const names = alarmsOf(spec, defaults).map(({ name }) => name);
    expect(new Set(names).size).toBe(8);
    expect(() => scalePolicy({ alarms: names.map((name) => alarm({ name })) })).not.toThrow();
  });
});
