/** What is known of alarms belongs to a term of leadership: another process may have gone on with them since. */
import type { LeaderTask } from "../../runtime/manager.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { AlarmStates } from "../../fleet/alarm-states.ts";

export interface AlarmTermDeps {
  readonly alarmStates: AlarmStates;
  readonly metrics: Pick<Metrics, "forgetAlarmStates">;
}

/** Starts before the controllers: each term goes on from what the status of the groups says. */
export function alarmTerm({ alarmStates, metrics }: AlarmTermDeps): LeaderTask {
  return {
    name: "alarm-term",
    start: () => alarmStates.clear(),
    stop: () => {
      metrics.forgetAlarmStates();
      return Promise.resolve();
    },
  };
}
