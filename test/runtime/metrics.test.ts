import { describe, expect, it } from "@jest/globals";
import { createMetrics } from "../../runtime/metrics.ts";

async function values(text: Promise<string>, name: string): Promise<string[]> {
  return (await text).split("\n").filter((line) => line.startsWith(name));
}

describe("metrics", () => {
  it("names what it counts, with labels", async () => {
    const metrics = createMetrics();
    metrics.reconciled("launch", "conflict", 0.2);
    metrics.queue("launch").depth(3);
    metrics.platformCalls.observe({ platform: "simulated", method: "launch", outcome: "Throttled", seconds: 2 });
    metrics.scalingDecided({
      namespace: "default",
      group: "live",
      role: "edge",
      decision: "ScaleOut",
      reason: "BelowMinimum",
    });
    metrics.launchedToService("edge", 12);
    metrics.leading(true);
    metrics.eventRecorded("dropped");
    metrics.requestAnswered({ method: "POST", route: "/v1/nodes/register", status: 200, seconds: 0.5 });
    const text = await metrics.text();
    for (const line of [
      'streamfleet_reconcile_total{controller="launch",result="conflict"} 1',
      'streamfleet_reconcile_duration_seconds_count{controller="launch"} 1',
      'streamfleet_queue_depth{controller="launch"} 3',
      'streamfleet_platform_call_duration_seconds_sum{platform="simulated",method="launch",outcome="Throttled"} 2',
      'streamfleet_scaling_decisions_total{namespace="default",group="live",role="edge",decision="ScaleOut",reason="BelowMinimum"} 1',
      'streamfleet_launch_to_service_seconds_count{role="edge"} 1',
      "streamfleet_leader 1",
      'streamfleet_events_total{outcome="dropped"} 1',
      'streamfleet_http_request_duration_seconds_sum{method="POST",route="/v1/nodes/register",status="200"} 0.5',
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("replaces the counts of nodes as a whole, adding up what has the same labels", async () => {
    const metrics = createMetrics();
    metrics.streamNodes([{ namespace: "default", group: "old", role: "edge", phase: "Pending", count: 1 }]);
    const inService = { namespace: "default", group: "live", role: "edge", phase: "InService" } as const;
    metrics.streamNodes([
      { ...inService, count: 2 },
      { ...inService, count: 3 },
    ]);
    expect(await values(metrics.text(), "streamfleet_stream_nodes")).toEqual([
      'streamfleet_stream_nodes{namespace="default",group="live",role="edge",phase="InService"} 5',
    ]);
  });

  it("tells two groups of one name apart, and forgets all of one and nothing of the other", async () => {
    const metrics = createMetrics();
    const [live, other] = ["default", "other"].map((namespace) => ({ namespace, group: "live" }));
    for (const group of [live!, other!]) {
      metrics.scalingDecided({ ...group, role: "edge", decision: "Hold", reason: "MinimumMet" });
      metrics.scalingDecided({ ...group, role: "origin", decision: "Hold", reason: "MinimumMet" });
    }
    const nodes = { role: "edge", phase: "InService", count: 2 } as const;
    metrics.streamNodes([
      { ...live!, ...nodes },
      { ...other!, ...nodes },
    ]);
    const series = async () => (await metrics.text()).split("\n").filter((line) => line.includes("group="));
    expect(await series()).toHaveLength(6);
    metrics.forgetGroup(live!);
    expect(await series()).toHaveLength(3);
    expect((await series()).every((line) => line.includes('namespace="other"'))).toBe(true);
    metrics.forgetGroup(live!);
    metrics.streamNodes([{ ...live!, ...nodes }]);
    expect(await series()).toHaveLength(3);
  });

  it("says what history waits and how much of each kind was lost, from the start on", async () => {
    const metrics = createMetrics();
    metrics.history({ backlog: 7, dropped: { load: 0, streams: 2 }, failing: true });
    expect(await values(metrics.text(), "streamfleet_history_failing")).toEqual(["streamfleet_history_failing 1"]);
    metrics.history({ backlog: 5, dropped: { load: 0, streams: 3 }, failing: false });
    expect(await values(metrics.text(), "streamfleet_history")).toEqual([
      "streamfleet_history_backlog 5",
      "streamfleet_history_failing 0",
      'streamfleet_history_dropped_total{kind="load"} 0',
      'streamfleet_history_dropped_total{kind="streams"} 3',
    ]);
  });

  it("shows the state that each alarm is in, and drops the alarms of a group that are gone", async () => {
    const metrics = createMetrics();
    const [live, other] = [
      { namespace: "default", group: "live" },
      { namespace: "other", group: "live" },
    ];
    const full = { alarm: "edges-full", region: "region-a", state: "ALARM" } as const;
    metrics.alarmStates(live, [full, { ...full, region: "region-b" }]);
    metrics.alarmStates(other, [full]);
    metrics.alarmChanged(live, full);
    metrics.alarmChanged(live, { ...full, region: "region-b" });
    metrics.alarmStates(live, [{ ...full, state: "OK" }]);
    const labelsOf = ({ namespace, group }: typeof live) =>
      `{namespace="${namespace}",group="${group}",alarm="edges-full",region="region-a",state=`;
    expect(await values(metrics.text(), "streamfleet_alarm_state")).toEqual([
      `streamfleet_alarm_state${labelsOf(live)}"OK"} 1`,
      `streamfleet_alarm_state${labelsOf(live)}"ALARM"} 0`,
      `streamfleet_alarm_state${labelsOf(live)}"INSUFFICIENT_DATA"} 0`,
      `streamfleet_alarm_state${labelsOf(other)}"OK"} 0`,
      `streamfleet_alarm_state${labelsOf(other)}"ALARM"} 1`,
      `streamfleet_alarm_state${labelsOf(other)}"INSUFFICIENT_DATA"} 0`,
    ]);
    expect(await values(metrics.text(), "streamfleet_alarm_transitions_total")).toEqual([
      `streamfleet_alarm_transitions_total${labelsOf(live)}"ALARM"} 1`,
    ]);
    metrics.forgetAlarmStates();
    expect(await values(metrics.text(), "streamfleet_alarm_state")).toEqual([]);
    metrics.alarmStates(live, []);
    expect(await values(metrics.text(), "streamfleet_alarm_transitions_total")).toEqual([]);
  });

  it("shares nothing between two of them", async () => {
    createMetrics().leading(true);
    expect(await values(createMetrics().text(), "streamfleet_leader")).toEqual(["streamfleet_leader 0"]);
  });
});
