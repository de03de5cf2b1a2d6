import { beforeEach, describe, expect, it } from "@jest/globals";
import { type EventNote, EventRecorder, eventType } from "../../runtime/events.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { widgetApi } from "../support/embedded-api.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { OrderedFaults } from "../support/ordered-faults.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

const metadata = { namespace: "default", name: "live", uid: "u1", resourceVersion: "7" };
const group = { apiVersion: "streamfleet.dev/v1alpha1", kind: "NodeGroup", metadata };
const scaledOut: EventNote = { type: "Normal", reason: "ScaledOut", message: "asked for 2 edges" };

let clock: FakeClock;
let faults: OrderedFaults;
let api: EmbeddedApi;
let logger: RecordingLogger;

beforeEach(() => {
  clock = new FakeClock();
  faults = new OrderedFaults();
  api = widgetApi({ faults: faults.around });
  logger = new RecordingLogger();
});

function recorder(metrics = createMetrics()): EventRecorder {
  return new EventRecorder({ api, clock, logger, metrics, component: "streamfleet" });
}

async function events(): Promise<readonly KubernetesObject[]> {
  return (await api.list(eventType, {})).items;
}

describe("event recorder", () => {
  it("records who, what and why", async () => {
    const subject = recorder();
    subject.record(group, scaledOut);
    await subject.flush();
    expect(await events()).toMatchObject([
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { namespace: "default", name: expect.stringMatching(/^live\.[0-9a-f]{16}$/) as unknown },
        involvedObject: { kind: "NodeGroup", namespace: "default", name: "live", uid: "u1", resourceVersion: "7" },
        type: "Normal",
        reason: "ScaledOut",
        message: "asked for 2 edges",
        count: 1,
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:00:00Z",
        source: { component: "streamfleet" },
      },
    ]);
  });

  it("counts what is said again within the window, also by another process", async () => {
    const first = recorder();
    first.record(group, scaledOut);
    await first.flush();
    await clock.advance(90_000);
    const second = recorder();
    second.record(group, scaledOut);
    second.record(group, scaledOut);
    await second.flush();
    const times = { firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:01:30Z" };
    expect(await events()).toMatchObject([{ count: 3, ...times }]);
  });

  it.each([
    ["another message", group, { ...scaledOut, message: "asked for 3 edges" }, 0],
    ["another object", { ...group, metadata: { ...metadata, name: "live2", uid: "u2" } }, scaledOut, 0],
    ["a later object of the same name", { ...group, metadata: { ...metadata, uid: "u2" } }, scaledOut, 0],
    ["a later window", group, scaledOut, 600_000],
  ])("makes another event for %s", async (_name, about, note, ms) => {
    const subject = recorder();
    subject.record(group, scaledOut);
    await clock.advance(ms);
    subject.record(about, note);
    await subject.flush();
    expect(await events()).toHaveLength(2);
  });

  it("never throws: failures are counted and logged", async () => {
    const metrics = createMetrics();
    const subject = recorder(metrics);
    faults.refuseAll(new Error("ECONNREFUSED"));
    subject.record(group, scaledOut);
    await subject.flush();
    faults.end();
    subject.record(group, scaledOut);
    await subject.flush();
    expect(logger.lines).toMatchObject([{ level: "error", message: "could not record event" }]);
    expect(await metrics.text()).toContain('streamfleet_events_total{outcome="failed"} 1');
    expect(await events()).toHaveLength(1);
  });

  it("drops what one object says too often, and hears it again later", async () => {
    const subject = recorder();
    const say = (from: number, to: number): void => {
      for (let index = from; index < to; index++) subject.record(group, { ...scaledOut, message: `${index}` });
    };
    say(0, 100);
    subject.record({ ...group, metadata: { ...metadata, name: "other" } }, scaledOut);
    await subject.flush();
    expect(await events()).toHaveLength(26);
    await clock.advance(20_000);
    say(100, 110);
    await subject.flush();
    expect(await events()).toHaveLength(28);
  });

  it("cuts messages that are too long", async () => {
    const subject = recorder();
    subject.record(group, { ...scaledOut, message: "x".repeat(5_000) });
    await subject.flush();
    expect((await events())[0]!["message"]).toHaveLength(1_024);
  });

  it("is closed once all that was noted is sent, and takes no more", async () => {
    const subject = recorder();
    subject.record(group, scaledOut);
    await subject.close();
    expect(await events()).toHaveLength(1);
    subject.record(group, { ...scaledOut, message: "late" });
    await subject.flush();
    expect(await events()).toHaveLength(1);
    expect([logger.lines, clock.pendingTimers]).toEqual([[], 0]);
  });

  it("does not wait for a server that hangs, and logs and counts what is lost", async () => {
    const metrics = createMetrics();
    const subject = recorder(metrics);
    faults.before = () => new Promise(() => undefined);
    for (const message of ["one", "two", "three"]) subject.record(group, { ...scaledOut, message });
    const closing = subject.close();
    await clock.advance(2_000);
    await closing;
    expect(logger.lines).toMatchObject([{ level: "error", message: "lost events", fields: { events: 3 } }]);
    expect(await metrics.text()).toContain('outcome="dropped"} 3');
  });
});
