import { describe, expect, it } from "@jest/globals";
import { instrumented } from "../../platforms/instrumented.ts";
import type { PlatformCall } from "../../domain/launch/platform-call.ts";
import type { CloudPlatform } from "../../platforms/platform.ts";
import { describeCloudPlatform } from "../conformance/cloud-platform.ts";
import { launchRequest, simulatedCloudUnderTest, simulatedWorld } from "../support/simulated-cloud.ts";

const { signal } = new AbortController();

function measured(change: Partial<CloudPlatform> = {}, callMs = 0) {
  const world = simulatedWorld({ callMs, visibilityLagMs: 7, listIntervalMs: 9 });
  const calls: PlatformCall[] = [];
  const inner: CloudPlatform = {
    name: "simulated",
    visibilityLagMs: world.platform.visibilityLagMs,
    listIntervalMs: world.platform.listIntervalMs,
    launch: (request, abort) => world.platform.launch(request, abort),
    terminate: (region, ids, abort) => world.platform.terminate(region, ids, abort),
    read: (region, id, abort) => world.platform.read(region, id, abort),
    readMany: (region, ids, abort) => world.platform.readMany(region, ids, abort),
    list: (query, abort) => world.platform.list(query, abort),
    updateTags: (region, id, tags, abort) => world.platform.updateTags(region, id, tags, abort),
    ...change,
  };
  const metrics = { observe: (call: PlatformCall) => void calls.push(call) };
  return { ...world, calls, platform: instrumented(inner, metrics, () => world.clock.monotonicMs()) };
}

describe("instrumented platform", () => {
  describeCloudPlatform(() => {
    const cloud = simulatedCloudUnderTest();
    return { ...cloud, platform: instrumented(cloud.platform, { observe: () => undefined }, () => 0) };
  });

  it("observes each method with its outcome", async () => {
    const { platform, calls } = measured();
    await platform.launch(launchRequest(), signal);
    await platform.terminate("sim-east", ["sim-0"], signal);
    await platform.read("sim-east", "sim-0", signal);
    await platform.readMany("sim-east", ["sim-0"], signal);
    await platform.list({ region: "sim-east", tags: {} }, signal);
    await platform.updateTags("sim-east", "sim-0", {}, signal);
    expect(calls.map(({ method, outcome }) => `${method} ${outcome}`)).toEqual([
      "launch ok",
      "terminate ok",
      "read NotFound",
      "readMany ok",
      "list ok",
      "updateTags NotFound",
    ]);
  });

  it("measures how long a call took, in seconds", async () => {
    const { platform, calls, clock } = measured({}, 500);
    const answer = platform.launch(launchRequest(), signal);
    await clock.advance(500);
    await answer;
    expect(calls).toEqual([{ platform: "simulated", method: "launch", outcome: "ok", seconds: 0.5 }]);
  });

  it("observes a call that throws, and lets it throw", async () => {
    const { platform, calls } = measured({ list: () => Promise.reject(new Error("defect")) });
    await expect(platform.list({ region: "sim-east", tags: {} }, signal)).rejects.toThrow("defect");
    expect(calls).toMatchObject([{ method: "list", outcome: "Unavailable" }]);
  });

  it("passes the cloud's properties on", () => {
    expect(measured().platform).toMatchObject({ name: "simulated", visibilityLagMs: 7, listIntervalMs: 9 });
  });
});
