/** Samples for tests: one a second, quiet unless said otherwise. */
import type { CrowdCounts } from "../../../local/simulation/crowd-counts.ts";
import type { Sample } from "../../../local/simulation/sample.ts";

export function sample(seconds: number, fields: Partial<Sample> = {}): Sample {
  const nodes = { capacity: 200, inService: 2, starting: 0, draining: 0, threshold: 60 };
  return { seconds, wanted: 100, watching: 100, waiting: 0, ...nodes, inAlarm: false, rejected: 0, ...fields };
}

export function crowdCounts(fields: Partial<CrowdCounts> = {}): CrowdCounts {
  return {
    ...{ watching: 100, publishing: 1, waiting: 0, arrivals: 200, lookUps: 210, rejected: 0, gaveUp: 0 },
    ...{
      rejectedPublishers: 0,
      rejectedWithRoom: 0,
      rejectedWhileReserved: 0,
      postponed: 0,
      refused: 0,
      cut: 0,
      lost: 0,
    },
    ...fields,
  };
}
