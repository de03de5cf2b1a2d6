/** What is known of alarms belongs to a term of leadership: another process may have gone on with them since. */
import type { LeaderTask } from "../../runtime/manager.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import type { AlarmBoard } from "../../fleet/alarm-states.ts";

export interface AlarmTermDeps {
  readonly board: AlarmBoard;
  readonly metrics: Pick<Metrics, "forgetAlarmStates">;
}

/** Starts before the controllers: each term goes on from what the status of the groups says. */
export function alarmTerm({ board, metrics }: AlarmTermDeps): LeaderTask {
  return {
    name: "alarm-term",
    start: () => board.clear(),
    stop: () => {
      metrics.forgetAlarmStates();
      return Promise.resolve();
    },
  };
}
