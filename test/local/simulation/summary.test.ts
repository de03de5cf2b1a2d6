import { describe, expect, it } from "@jest/globals";
import type { Sample } from "../../../local/simulation/sample.ts";
import { secondsText, summarize, summaryText } from "../../../local/simulation/summary.ts";
import { crowdCounts, sample } from "./samples.ts";

/** The crowd comes at 2 s, more nodes serve at 6 s. */
const samples: readonly Sample[] = [
  sample(0),
  sample(1),
  sample(2, { wanted: 400, watching: 150 }),
  sample(3, { wanted: 400, watching: 200, inAlarm: true, starting: 5 }),
  sample(4, { wanted: 400, watching: 200, inAlarm: true, starting: 5, rejected: 20 }),
  sample(6, { wanted: 400, watching: 380, inAlarm: true, capacity: 700, inService: 7, rejected: 20 }),
  sample(7, { wanted: 400, watching: 400, capacity: 700, inService: 7, rejected: 20 }),
  sample(8, { wanted: 10, watching: 10, capacity: 700, inService: 5, draining: 2, rejected: 20 }),
];

const tally = (launched: number, drained: number, endedUndrained = 0) => ({ launched, drained, endedUndrained });

describe("the summary", () => {
  it("gives the numbers that a simulation is judged by", () => {
    const summary = summarize(samples, crowdCounts({ arrivals: 400, rejected: 20 }), tally(5, 2));
    expect(summary).toMatchObject({
      ...{ seconds: 8, peakViewers: 400, peakWanted: 400, peakNodes: 7, nodesAtEnd: 5 },
      ...{ secondsToCapacity: 3, hadAlarm: true, longestOverSeconds: 2, rejectedPercent: 5, launched: 5, drained: 2 },
    });
  });

  it("has nothing to say where nothing was seen", () => {
    const summary = summarize([], crowdCounts({ arrivals: 0 }), tally(0, 0));
    expect(summary).toMatchObject({ seconds: 0, peakNodes: 0, hadAlarm: false, rejectedPercent: 0 });
    expect(summary.secondsToCapacity).toBeUndefined();
    expect(summaryText(summary)).toContain("no alarm was raised");
  });

  it("says that capacity was not reached", () => {
    const summary = summarize(samples.slice(0, 5), crowdCounts(), tally(5, 0));
    expect(summaryText(summary)).toContain("enough for the peak: never");
  });

  it("gives no credit for capacity that is enough only because the crowd has left", () => {
    const gone = [sample(0, { inAlarm: true, wanted: 400 }), sample(1, { wanted: 10 })];
    expect(summarize(gone, crowdCounts(), tally(0, 0)).secondsToCapacity).toBeUndefined();
  });

  it("is loud about rejections while there was room", () => {
    const counts = crowdCounts({ rejected: 3, rejectedWithRoom: 1, gaveUp: 2, cut: 4, lost: 5 });
    const text = summaryText(summarize(samples, counts, tally(5, 2)));
    expect(text).toContain("3 of 200 viewers (1.5 %), 2 gave up, WHILE THERE WAS ROOM, which is a defect: 1");
    expect(text).toContain("4 on nodes that were ended or draining, 5 lost otherwise");
    expect(text).toMatch(/nodes drained +2\n/);
    expect(summaryText(summarize(samples, counts, tally(5, 2, 1)))).toContain("2, 1 more ended without a drain");
  });

  it.each([
    [0, "0 s"],
    [59.6, "1 min 0 s"],
    [95, "1 min 35 s"],
  ])("writes %d s as %s", (seconds, text) => expect(secondsText(seconds)).toBe(text));
});
