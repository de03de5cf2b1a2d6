/** An alarm and the reports that it is judged by, at every pair of report interval and period. */
import { describe, expect, it } from "@jest/globals";
import { type AlarmDefinition, alarmsOf } from "../../../domain/alarm/alarm-definitions.ts";
import { type AlarmVerdict, alarmVerdict, newAlarm } from "../../../domain/alarm/alarm-verdict.ts";
import { staleIntervals } from "../../../domain/load/report.ts";
import { SampleWindow, windowShape } from "../../../domain/load/sample-window.ts";
import { at } from "../../support/domain-values.ts";
import { seededRandom } from "../../support/random.ts";

const thresholds = { origin: 60, edge: 60, relay: 60, transcoder: 60 };
const edge = { role: "edge", minLimit: 0, maxLimit: 9, scaleOutWaitSeconds: 0, scaleInWaitSeconds: 0 } as const;
const [scaleOut, scaleIn] = alarmsOf(
  { roles: [{ ...edge, estimatedWarmUpSeconds: 150 }] },
  { scaleOutThreshold: thresholds },
) as readonly [AlarmDefinition, AlarmDefinition];

const periods = (
  base: AlarmDefinition,
  periodSeconds: number,
  evaluationPeriods: number,
  datapointsToAlarm: number,
) => ({
  ...base,
  ...{ periodSeconds, evaluationPeriods, datapointsToAlarm },
});

const alarms: readonly (readonly [name: string, alarm: AlarmDefinition])[] = [
  ["the default scale-out", scaleOut],
  ["the default scale-in", scaleIn],
  ...[scaleOut, scaleIn].flatMap((base) =>
    [
      [1, 5, 5],
      [3, 3, 2],
      [10, 3, 3],
      [10, 20, 20],
      [60, 3, 3],
    ].flatMap(([period = 0, n = 0, m = 0]) =>
      (["missing", "notBreaching"] as const).map((treatMissingData) => {
        const name = `${base.action} ${m} of ${n} in ${period} s, ${treatMissingData}`;
        return [name, { ...periods(base, period, n, m), treatMissingData }] as const;
      }),
    ),
  ),
];

const intervals = Array.from({ length: 30 }, (_, index) => index + 1);

interface Played {
  /** When (s) the first breaching report came. */
  readonly brokeAt: number;
  /** Each look: when (s), and what was found. */
  readonly looks: readonly (readonly [seconds: number, state: AlarmVerdict["state"]])[];
}

/**
 * One node whose reports come every `interval` s, up to a tenth late: calm for a while, and then breaching for as long as
 * `breaching` says. The alarm is looked at with each report and each second.
 */
function played(
  alarm: AlarmDefinition,
  interval: number,
  { reports, seconds }: { reports: number; seconds: number },
): Played {
  const random = seededRandom(interval);
  const window = new SampleWindow(windowShape(alarm), staleIntervals * interval * 1_000);
  const [calm, breach] = alarm.action === "ScaleOut" ? [20, 90] : [50, 5];
  const calmFor = alarm.periodSeconds * (alarm.evaluationPeriods + 2);
  let [verdict, brokeAt, breached, due] = [newAlarm(at(0)), Infinity, 0, 0];
  const looks: [number, AlarmVerdict["state"]][] = [];
  for (let second = 0; second <= calmFor + interval + seconds; second++) {
    const times = [second];
    if (due < second + 1) times.unshift(due);
    for (const time of times.toSorted((a, b) => a - b)) {
      const now = at(time * 1_000);
      if (time === due) {
        const isBreach = time > calmFor && breached < reports;
        if (isBreach) [brokeAt, breached] = [Math.min(brokeAt, time), breached + 1];
        window.record(isBreach ? breach : calm, now);
        due = Math.max(time + 0.001, (Math.floor(time / interval) + 1) * interval + random() * 0.1 * interval);
      }
      verdict = alarmVerdict(alarm, window.datapoints(alarm, now), { previous: verdict, now });
      looks.push([time, verdict.state]);
    }
  }
  return { brokeAt, looks };
}

const range = ({ periodSeconds, evaluationPeriods }: AlarmDefinition) => periodSeconds * evaluationPeriods;

describe.each(alarms)("%s", (_name, alarm) => {
  const { periodSeconds, datapointsToAlarm } = alarm;

  it("comes when it is due at every report interval from 1 to 30 s, and stays while it lasts", () => {
    for (const interval of intervals) {
      const seconds = range(alarm) + 2 * periodSeconds + 20 * interval;
      const { brokeAt, looks } = played(alarm, interval, { reports: Infinity, seconds });
      const raisedAt = looks.find(([, state]) => state === "ALARM")?.[0] ?? Infinity;
      // Not before as many periods breach, and not later than all of them do and the next two reports have come.
      expect([interval, raisedAt >= brokeAt + (datapointsToAlarm - 1) * periodSeconds - 0.001]).toEqual([
        interval,
        true,
      ]);
      expect([interval, raisedAt <= brokeAt + range(alarm) + 2.2 * interval + 1]).toEqual([interval, true]);
      const after = looks.filter(([second]) => second >= raisedAt).filter(([, state]) => state !== "ALARM");
      expect([interval, after]).toEqual([interval, []]);
    }
  });

  it("is not raised by one report, where more than one period has to breach", () => {
    if (datapointsToAlarm === 1) return;
    for (const interval of intervals) {
      const { looks } = played(alarm, interval, { reports: 1, seconds: range(alarm) + 4 * interval });
      expect([interval, looks.filter(([, state]) => state === "ALARM")]).toEqual([interval, []]);
    }
  });

  it("does not lose its data between two reports", () => {
    for (const interval of intervals) {
      const { looks } = played(alarm, interval, { reports: 0, seconds: range(alarm) });
      const known = looks.slice(1).filter(([second]) => second > range(alarm) + periodSeconds);
      expect([interval, known.filter(([, state]) => state !== "OK")]).toEqual([interval, []]);
    }
  });
});
