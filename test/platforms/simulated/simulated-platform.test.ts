import { describe, expect, it } from "@jest/globals";
import type { PlatformError } from "../../../domain/launch/platform-error.ts";
import { instrumented } from "../../../platforms/instrumented.ts";
import { CloudStoreError, MemoryCloudStore } from "../../../platforms/simulated/store.ts";
import { describeCloudPlatform } from "../../conformance/cloud-platform.ts";
import { launchRequest, simulatedCloudUnderTest, simulatedWorld, valueOf } from "../../support/simulated-cloud.ts";

const { signal } = new AbortController();
const throttled: PlatformError = { kind: "Throttled", message: "slow down", retryAfterMs: 500 };

describe("simulated platform", () => {
  describeCloudPlatform(simulatedCloudUnderTest);
});

describe("instrumented simulated platform", () => {
  describeCloudPlatform(() => {
    const cloud = simulatedCloudUnderTest();
    return { ...cloud, platform: instrumented(cloud.platform, { observe: () => undefined }, () => 0) };
  });
});

describe("failures to order", () => {
  it("fails as often as ordered, after as many calls as ordered, and does nothing then", async () => {
    const { platform, cloud } = simulatedWorld();
    platform.failNext("launch", throttled, { times: 2, after: 1 });
    const outcomes: string[] = [];
    for (const token of ["a", "b", "c", "d"]) {
      const result = await platform.launch(launchRequest({ token }), signal);
      outcomes.push(result.ok ? "ok" : result.error.kind);
    }
    expect(outcomes).toEqual(["ok", "Throttled", "Throttled", "ok"]);
    expect(cloud.machines()).toHaveLength(2);
  });

  it("fails a whole listing when one of its pages fails", async () => {
    const { platform } = simulatedWorld({ pageSize: 2 });
    await platform.launch(launchRequest({ count: 5 }), signal);
    platform.failNext("list", throttled, { after: 2 });
    expect(await platform.list({ region: "sim-east", tags: {} }, signal)).toEqual({ ok: false, error: throttled });
    expect(valueOf(await platform.list({ region: "sim-east", tags: {} }, signal))).toHaveLength(5);
  });

  it("answers nothing but Unavailable during an outage", async () => {
    const { platform, cloud } = simulatedWorld();
    const [machine] = valueOf(await platform.launch(launchRequest(), signal));
    platform.outage(true);
    const result = await platform.terminate("sim-east", [machine!.providerId], signal);
    expect(result).toMatchObject({ ok: false, error: { kind: "Unavailable" } });
    platform.outage(false);
    expect(cloud.machines()).toMatchObject([{ state: "Pending" }]);
    expect(valueOf(await platform.read("sim-east", machine!.providerId, signal)).state).toBe("Pending");
  });

  it("loses an answer after it carried the call out; the token finds the machines again", async () => {
    const { platform, cloud } = simulatedWorld();
    platform.loseAnswer("launch");
    const lost = await platform.launch(launchRequest({ count: 3 }), signal);
    expect(lost).toMatchObject({ ok: false, error: { kind: "Unavailable" } });
    expect(cloud.machines()).toHaveLength(3);
    expect(valueOf(await platform.launch(launchRequest({ count: 3 }), signal))).toHaveLength(3);
    expect(cloud.machines()).toHaveLength(3);
  });

  it("is Unavailable while its store fails, and has then done nothing", async () => {
    class BrokenStore extends MemoryCloudStore {
      broken = false;
      override save(change: Parameters<MemoryCloudStore["save"]>[0]): void {
        if (this.broken) throw new CloudStoreError("disk full");
        super.save(change);
      }
    }
    const store = new BrokenStore();
    const { platform, cloud } = simulatedWorld({ store });
    store.broken = true;
    const refused = await platform.launch(launchRequest(), signal);
    expect(refused).toEqual({ ok: false, error: { kind: "Unavailable", message: "disk full" } });
    expect(cloud.machines()).toEqual([]);
    store.broken = false;
    expect(valueOf(await platform.launch(launchRequest(), signal))).toHaveLength(1);
  });
});

describe("a call that takes time", () => {
  it("acts half-way", async () => {
    const { platform, cloud, clock } = simulatedWorld({ callMs: 100 });
    const answer = platform.launch(launchRequest(), signal);
    await clock.advance(49);
    expect(cloud.machines()).toHaveLength(0);
    await clock.advance(1);
    expect(cloud.machines()).toHaveLength(1);
    await clock.advance(50);
    expect(valueOf(await answer)).toHaveLength(1);
  });

  it.each([
    ["before the cloud acted", 10, 0],
    ["after the cloud acted", 60, 1],
  ])("answers Unavailable at once when aborted %s", async (_when, abortMs, machines) => {
    const { platform, cloud, clock } = simulatedWorld({ callMs: 100 });
    const abort = new AbortController();
    const answer = platform.launch(launchRequest(), abort.signal);
    await clock.advance(abortMs);
    abort.abort();
    expect(await answer).toMatchObject({ ok: false, error: { kind: "Unavailable" } });
    await clock.advance(100);
    expect(cloud.machines()).toHaveLength(machines);
  });
});
