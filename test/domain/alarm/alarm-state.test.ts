import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  type AlarmRule,
  type AlarmState,
  alarmState,
  type Datapoint,
  rangeOf,
} from "../../../domain/alarm/alarm-state.ts";

const states: readonly AlarmState[] = ["OK", "ALARM", "INSUFFICIENT_DATA"];

function rule(fields: Partial<AlarmRule> = {}): AlarmRule {
  return {
    threshold: 60,
    comparisonOperator: "GreaterThanThreshold",
    evaluationPeriods: 3,
    datapointsToAlarm: 3,
    treatMissingData: "missing",
    ...fields,
  };
}

/** `0` fine, `X` breaching, `-` missing; oldest first. */
function range(text: string): readonly Datapoint[] {
  return text.split(" ").map((sign) => (sign === "-" ? undefined : sign === "X" ? 90 : 10));
}

/** Rows of the guide's tables: M, datapoints, then the state for missing, ignore, breaching, notBreaching. */
const rows = [
  [3, "0 - X - X", "OK", "OK", "OK", "OK"],
  [3, "0 - - - -", "OK", "OK", "OK", "OK"],
  [3, "- - - - -", "INSUFFICIENT_DATA", "stays", "ALARM", "OK"],
  [3, "0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"],
  [3, "- - - - X", "INSUFFICIENT_DATA", "stays", "ALARM", "OK"],
  [3, "- - X - -", "ALARM", "stays", "ALARM", "OK"],
  [3, "X - - - -", "ALARM", "stays", "ALARM", "OK"],
  [2, "0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"],
  [2, "0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"],
  [2, "0 - X - -", "OK", "OK", "ALARM", "OK"],
  [2, "- - - - 0", "OK", "OK", "ALARM", "OK"],
  [2, "- - - - X", "INSUFFICIENT_DATA", "stays", "ALARM", "OK"],
  [2, "- - - X -", "ALARM", "stays", "ALARM", "OK"],
] as const;

const treatments = ["missing", "ignore", "breaching", "notBreaching"] as const;

describe("alarm state", () => {
  describe.each(rows)("%s of 3, datapoints %s", (datapointsToAlarm, datapoints, ...expected) => {
    it.each(treatments.map((treatment, column) => [treatment, expected[column]!] as const))(
      "treats missing data as %s: %s",
      (treatMissingData, state) => {
        for (const previous of states) {
          const judged = alarmState(rule({ datapointsToAlarm, treatMissingData }), range(datapoints), previous);
          expect(judged).toBe(state === "stays" ? previous : state);
        }
      },
    );
  });

  it.each([
    ["GreaterThanThreshold", ["OK", "OK", "ALARM"]],
    ["GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]],
    ["LessThanThreshold", ["ALARM", "OK", "OK"]],
    ["LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]],
  ] as const)("compares by %s below, at and above the threshold", (comparisonOperator, expected) => {
    const one = rule({ comparisonOperator, evaluationPeriods: 1, datapointsToAlarm: 1 });
    expect([59, 60, 61].map((value) => alarmState(one, [undefined, undefined, value], "OK"))).toEqual(expected);
  });

  it("looks two periods further back than it judges", () => {
    expect(rangeOf(rule({ evaluationPeriods: 3 }))).toBe(5);
  });

  const anyDatapoint = fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined });
  const anyCase = fc.integer({ min: 1, max: 6 }).chain((evaluationPeriods) =>
    fc.record({
      evaluationPeriods: fc.constant(evaluationPeriods),
      datapointsToAlarm: fc.integer({ min: 1, max: evaluationPeriods }),
      treatMissingData: fc.constantFrom(...treatments),
      datapoints: fc.array(anyDatapoint, { minLength: evaluationPeriods + 2, maxLength: evaluationPeriods + 2 }),
      previous: fc.constantFrom(...states),
    }),
  );

  it("never leaves OK or ALARM for want of data unless missing data is to be shown as such", () => {
    fc.assert(
      fc.property(anyCase, ({ datapoints, previous, ...fields }) => {
        const judged = alarmState(rule(fields), datapoints, previous);
        if (fields.treatMissingData === "breaching" || fields.treatMissingData === "notBreaching") {
          expect(judged).not.toBe("INSUFFICIENT_DATA");
        }
        if (fields.treatMissingData === "ignore" && previous !== "INSUFFICIENT_DATA") {
          expect(judged).not.toBe("INSUFFICIENT_DATA");
        }
      }),
    );
  });

  it("does not depend on the treatment while N datapoints exist", () => {
    fc.assert(
      fc.property(anyCase, ({ datapoints, previous, ...fields }) => {
        const full = datapoints.map((datapoint) => datapoint ?? 0);
        const judged = treatments.map((treatMissingData) =>
          alarmState(rule({ ...fields, treatMissingData }), full, previous),
        );
        expect(new Set(judged).size).toBe(1);
      }),
    );
  });

  it("alarms no less when a datapoint breaches that did not", () => {
    fc.assert(
      fc.property(anyCase, fc.nat(), ({ datapoints, previous, ...fields }, chosen) => {
        const existing = datapoints.flatMap((datapoint, place) => (datapoint === undefined ? [] : [place]));
        fc.pre(existing.length > 0);
        const worse = datapoints.with(existing[chosen % existing.length]!, 100);
        const before = alarmState(rule(fields), datapoints, previous);
        fc.pre(before === "ALARM");
        expect(alarmState(rule(fields), worse, previous)).toBe("ALARM");
      }),
    );
  });
});
