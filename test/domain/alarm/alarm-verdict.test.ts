import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { comparisonOperators, missingDataTreatments } from "../../../crds/names.ts";
import { alarmState, type AlarmState, type Datapoint } from "../../../domain/alarm/alarm-state.ts";
import type { AlarmDefinition } from "../../../domain/alarm/alarm-definitions.ts";
import { alarmReason, alarmVerdict, newAlarm } from "../../../domain/alarm/alarm-verdict.ts";
import { at } from "../../support/domain-values.ts";

function definition(fields: Partial<AlarmDefinition> = {}): AlarmDefinition {
  return {
    name: "edges-full",
    role: "edge",
    metric: "ConnectionUtilization",
    statistic: "Average",
    periodSeconds: 10,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    threshold: 60,
    comparisonOperator: "GreaterThanThreshold",
    treatMissingData: "missing",
    action: "ScaleOut",
    ...fields,
  };
}

const _ = undefined;
const threeOf60 = { evaluationPeriods: 3, datapointsToAlarm: 2, periodSeconds: 60 };

describe("the reason of a state", () => {
  it.each<readonly [string, Partial<AlarmDefinition>, readonly Datapoint[], AlarmState]>([
    ["ConnectionUtilization 71.3 > 60 in 1 of 1 periods of 10 s", {}, [_, 10, 71.3], "ALARM"],
    ["ConnectionUtilization 45: > 60 in 0 of 1 periods of 10 s, 1 to alarm", {}, [_, 90, 45], "OK"],
    ["ConnectionUtilization > 60 in 0 of 1 periods of 10 s, no data in 1, 1 to alarm", {}, [_], "INSUFFICIENT_DATA"],
    ["ConnectionUtilization 90 > 60 in 2 of 3 periods of 60 s, 2 to alarm", threeOf60, [_, _, 70, 90, 10], "ALARM"],
    ["ConnectionUtilization 90 > 60 in 1 of 3 periods of 60 s, 2 to alarm", threeOf60, [_, _, 10, 20, 90], "OK"],
    [
      "ConnectionUtilization > 60 in 0 of 1 periods of 10 s, no data in 1 (breaching)",
      { treatMissingData: "breaching" },
      [_, _, _],
      "ALARM",
    ],
    [
      "ConnectionUtilization 90 > 60 in 1 of 3 periods of 60 s, no data in 2 (notBreaching), 2 to alarm",
      { ...threeOf60, treatMissingData: "notBreaching" },
      [_, _, _, _, 90],
      "OK",
    ],
    [
      "p99.9 of CPUUtilization 90.13 >= 90 in 1 of 1 periods of 10 s",
      {
        metric: "CPUUtilization",
        statistic: "p99.9",
        threshold: 90,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
      },
      [90.125_9],
      "ALARM",
    ],
    [
      "FreeSlots 3 < 10.5 in 1 of 1 periods of 10 s",
      { metric: "FreeSlots", threshold: 10.5, comparisonOperator: "LessThanThreshold" },
      [3],
      "ALARM",
    ],
    ["ConnectionUtilization 60.001 > 60 in 1 of 1 periods of 10 s", {}, [60.001], "ALARM"],
    ["ConnectionUtilization 60: > 60 in 0 of 1 periods of 10 s, 1 to alarm", {}, [60], "OK"],
  ])("is %j", (expected, fields, range, state) => {
    expect(alarmReason(definition(fields), range, state)).toBe(expected);
  });

  const anyRule = fc
    .record({
      comparisonOperator: fc.constantFrom(...comparisonOperators),
      treatMissingData: fc.constantFrom(...missingDataTreatments),
      evaluationPeriods: fc.integer({ min: 1, max: 5 }),
      m: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ m, ...rule }) => definition({ ...rule, datapointsToAlarm: 1 + (m % rule.evaluationPeriods) }));
  const anyRange = fc.array(fc.option(fc.constantFrom(10, 60, 90), { nil: undefined }), { minLength: 3, maxLength: 7 });

  it("fits into a status, and never shows a value that is not among the datapoints", () => {
    fc.assert(
      fc.property(anyRule, anyRange, (rule, range) => {
        const reason = alarmReason(rule, range, alarmState(rule, range, "OK"));
        const shown = /^ConnectionUtilization (\d+)/.exec(reason)?.[1];
        expect(reason.length).toBeLessThan(1_024);
        if (shown !== undefined) expect(range).toContain(Number(shown));
      }),
    );
  });
});

describe("a verdict", () => {
  it("is the previous one, as it is, while the state stays", () => {
    const previous = { state: "ALARM", since: at(0), reason: "then" } as const;
    expect(alarmVerdict(definition(), [75], { previous, now: at(5_000) })).toBe(previous);
  });

  it("has a time and a reason of its own when the state is another", () => {
    expect(alarmVerdict(definition(), [75], { previous: newAlarm(at(0)), now: at(5_000) })).toEqual({
      state: "ALARM",
      since: at(5_000),
      reason: "ConnectionUtilization 75 > 60 in 1 of 1 periods of 10 s",
    });
  });
});
