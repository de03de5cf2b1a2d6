import { describe, expect, it } from "@jest/globals";
import { RecentRequests } from "../../fleet/recent-requests.ts";
import type { ScaleInRequest } from "../../domain/load/report.ts";
import { at } from "../support/domain-values.ts";

function wish(ms: number, change: Partial<ScaleInRequest> = {}): ScaleInRequest {
  const place = { namespace: "media", group: "live", region: "sim-east", origin: "live-origin-0" };
  return { ...place, receivedAt: at(ms), ...change };
}

describe("scale-in wishes", () => {
  it("are forgotten after a minute", () => {
    const wishes = new RecentRequests();
    wishes.add(wish(0));
    expect(wishes.at(at(60_000))).toEqual([wish(0)]);
    expect(wishes.at(at(60_001))).toEqual([]);
  });

  it("are kept once for each origin and node, the newest", () => {
    const wishes = new RecentRequests();
    const given = [wish(2), wish(1), wish(2), wish(3), wish(1, { node: "live-edge-0" })];
    expect(given.map((each) => wishes.add(each))).toEqual([true, false, false, true, true]);
    expect(wishes.at(at(10))).toEqual([wish(3), wish(1, { node: "live-edge-0" })]);
  });

  it("are bounded: the oldest go first", () => {
    const wishes = new RecentRequests({ most: 2 });
    for (const ms of [1, 2, 3]) wishes.add(wish(ms, { node: `live-edge-${ms}` }));
    expect(wishes.at(at(3)).map(({ node }) => node)).toEqual(["live-edge-2", "live-edge-3"]);
  });
});
