/** Alarms of a group: judged at once and published before anything is awaited; told to people afterwards, once. */
import { describe, expect, it } from "@jest/globals";
import { AlarmStates } from "../../../fleet/alarm-states.ts";
import { AlarmReconciler } from "../../../controllers/alarm/reconciler.ts";
import { AlarmReporter } from "../../../controllers/alarm/report.ts";
import { alarmTerm } from "../../../controllers/alarm/term.ts";
import type { ConfigMap } from "../../../fleet/cluster.ts";
import { groupAlarms } from "../../../fleet/group-alarms.ts";
import { resourceType } from "../../../crds/names.ts";
import { type NodeGroup, nodeGroupSchema } from "../../../crds/node-group.ts";
import type { ScalePolicy } from "../../../crds/scale-policy.ts";
import type { Datapoint } from "../../../domain/alarm/alarm-state.ts";
import type { AlarmTransition } from "../../../domain/history.ts";
import type { EmbeddedApi } from "../../../local/kube/embedded-api.ts";
import type { EventNote } from "../../../runtime/events.ts";
import { silentLogger } from "../../../runtime/logger.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { ResourceClient } from "../../../runtime/resource-client.ts";
import { productApi } from "../../support/embedded-api.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { alarm, nodeGroupManifest } from "../../support/manifests.ts";
import { accepted, scalePolicy } from "../../support/resources.ts";

const key = { namespace: "default", name: "live" };
const type = resourceType("NodeGroup");

/** A group in an API server, its policy, and a load that the test dictates. */
class Stage {
  readonly clock = new FakeClock();
  readonly api: EmbeddedApi = productApi({ clock: this.clock, namespaces: ["default"] });
  readonly alarmStates = new AlarmStates();
  readonly metrics = createMetrics();
  /** What the alarm `name/region` finds in its range, oldest first. */
  readonly #points = new Map<string, readonly Datapoint[]>();
  #revision = 0;
  /** How often datapoints were asked for. */
  asked = 0;
  readonly transitions: AlarmTransition[] = [];
  readonly notes: EventNote[] = [];
  /** The groups of which the board has told. */
  readonly woken: string[] = [];
  policy: ScalePolicy | undefined = scalePolicy({ alarms: [alarm()] });
  defaults: ConfigMap | undefined;
  /** The local copy of the group. */
  group: NodeGroup | undefined;
  readonly #client = new ResourceClient({ api: this.api, type, parse: (raw) => nodeGroupSchema.parse(raw) });
  #reconciler: AlarmReconciler;
  #reporter: AlarmReporter;

  private constructor() {
    this.alarmStates.onChange((group) => this.woken.push(group));
    const nodeGroups = { cache: { get: () => this.group }, client: this.#client };
    const scalePolicies = { cache: { get: () => this.policy } };
    const cluster = { nodeGroups, scalePolicies, defaults: { get: () => this.defaults } };
    const { alarmStates, clock, metrics } = this;
    const load = {
      datapoints: ({ name }: { readonly name: string }, { region }: { readonly region: string }) => {
        this.asked++;
        return this.#points.get(`${name}/${region}`) ?? [];
      },
      revision: () => this.#revision,
    };
    const alarms = groupAlarms({ cluster, namespace: "streamfleet" });
    this.#reconciler = new AlarmReconciler({ cluster, alarms, load, alarmStates, clock });
    const history = { recordAlarm: (transition: AlarmTransition) => void this.transitions.push(transition) };
    const events = { record: (_subject: unknown, note: EventNote) => void this.notes.push(note) };
    this.#reporter = new AlarmReporter({ cluster, alarms, alarmStates, events, history, metrics, clock });
  }

  static async of(regions: readonly string[] = ["region-a"]): Promise<Stage> {
    const stage = new Stage();
    const manifest = nodeGroupManifest({ regions });
    await stage.api.create(type, { ...manifest, metadata: key });
    await stage.read();
    return stage;
  }

  /** A report makes these the datapoints of the alarm `name/region`, oldest first. */
  hear(name: string, points: readonly Datapoint[]): void {
    this.#points.set(name, points);
    this.#revision++;
  }

  /** Nothing is heard, until no data is left. */
  async silence(): Promise<void> {
    this.#points.clear();
    await this.clock.advance(5_000);
  }

  /** The local copy catches up. */
  async read(): Promise<void> {
    this.group = await this.#client.get(key);
  }

  judge() {
    return this.#reconciler.reconcile(key);
  }

  report() {
    return this.#reporter.reconcile(key, { signal: new AbortController().signal, logger: silentLogger });
  }

  /** One look, and people told of it: a second after the last, for they are told no more often. */
  async look(): Promise<void> {
    await this.clock.advance(1_000);
    await this.judge();
    await this.report();
    await this.read();
  }

  states(): readonly string[] {
    return this.alarmStates
      .ofGroup("default/live")
      .map(({ definition, region, state }) => `${definition.name}/${region} ${state}`);
  }

  status(): readonly string[] | undefined {
    return this.group?.status?.alarms?.map(({ alarm, region, state }) => `${alarm}/${region} ${state}`);
  }

  async series(name: string): Promise<readonly string[]> {
    const text = await this.metrics.text();
    return text.split("\n").filter((line) => line.startsWith(`streamfleet_${name}{`) && !line.endsWith(" 0"));
  }
}

describe("an alarm", () => {
  it("starts without data, is raised by a datapoint and cleared by the next", async () => {
    const stage = await Stage.of();
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a INSUFFICIENT_DATA"]);
    stage.hear("edges-full/region-a", [undefined, undefined, 71.25]);
    await stage.clock.advance(5_000);
    await stage.look();
    expect(stage.group?.status?.alarms).toEqual([
      {
        alarm: "edges-full",
        region: "region-a",
        role: "edge",
        state: "ALARM",
        reason: "ConnectionUtilization 71.25 > 60 in 1 of 1 periods of 10 s",
        since: "2026-01-01T00:00:07.000Z",
      },
    ]);
    stage.hear("edges-full/region-a", [undefined, 71.25, 42]);
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a OK"]);
    expect(stage.transitions.map(({ from, to, at }) => [from, to, at - stage.clock.now()])).toEqual([
      ["INSUFFICIENT_DATA", "ALARM", -1_000],
      ["ALARM", "OK", 0],
    ]);
    expect(stage.transitions[0]).toMatchObject({
      namespace: "default",
      group: "live",
      alarm: "edges-full",
      role: "edge",
      region: "region-a",
    });
    expect(stage.notes).toEqual([
      {
        type: "Warning",
        reason: "AlarmRaised",
        message: "edges-full in region-a: ALARM: ConnectionUtilization 71.25 > 60 in 1 of 1 periods of 10 s",
      },
      {
        type: "Normal",
        reason: "AlarmCleared",
        message: "edges-full in region-a: OK: ConnectionUtilization 42: > 60 in 0 of 1 periods of 10 s, 1 to alarm",
      },
    ]);
  });

  it("that hovers at its threshold is told of no more than once a second, and of each change", async () => {
    const stage = await Stage.of();
    await stage.look();
    for (const value of [71, 42, 71]) {
      stage.hear("edges-full/region-a", [undefined, undefined, value]);
      await stage.judge();
      await stage.report();
    }
    expect(await stage.report()).toMatchObject({ kind: "RequeueAfter", ms: 1_000 });
    expect(stage.transitions.map(({ to }) => to)).toEqual(["ALARM"]);
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a ALARM"]);
    expect(stage.transitions.map(({ to }) => to)).toEqual(["ALARM", "OK", "ALARM"]);
  });

  it("is judged in each region apart, and told of in one write", async () => {
    const stage = await Stage.of(["region-a", "region-b"]);
    stage.hear("edges-full/region-b", [90]);
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a INSUFFICIENT_DATA", "edges-full/region-b ALARM"]);
    expect(stage.transitions.map(({ region }) => region)).toEqual(["region-b"]);
  });

  it("is published, and the listeners told, before anything is awaited; people hear of it later", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    const judged = stage.judge();
    expect(stage.woken).toEqual(["default/live"]);
    expect(stage.states()).toEqual(["edges-full/region-a ALARM"]);
    expect([stage.transitions, stage.notes, await stage.series("alarm_state")]).toEqual([[], [], []]);
    await judged;
  });

  it.each([
    ["missing", "INSUFFICIENT_DATA"],
    ["ignore", "ALARM"],
    ["breaching", "ALARM"],
    ["notBreaching", "OK"],
  ])("whose data is gone, with what is missing treated as %s, is %s", async (treatMissingData, expected) => {
    const stage = await Stage.of();
    stage.policy = scalePolicy({ alarms: [alarm({ treatMissingData })] });
    stage.hear("edges-full/region-a", [undefined, undefined, 90]);
    await stage.look();
    stage.hear("edges-full/region-a", [undefined, undefined, undefined]);
    await stage.look();
    expect(stage.states()).toEqual([`edges-full/region-a ${expected}`]);
    expect(stage.status()).toEqual([`edges-full/region-a ${expected}`]);
  });

  it("whose data is gone says so, as a warning", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [10]);
    await stage.look();
    await stage.silence();
    await stage.look();
    expect(stage.notes.at(-1)).toEqual({
      type: "Warning",
      reason: "AlarmDataMissing",
      message:
        "edges-full in region-a: INSUFFICIENT_DATA: ConnectionUtilization > 60 in 0 of 1 periods of 10 s, no data in 1, 1 to alarm",
    });
  });

  it("that removes nodes is no cause for worry", async () => {
    const stage = await Stage.of();
    stage.policy = scalePolicy({
      alarms: [alarm({ name: "edges-idle", comparisonOperator: "LessThanThreshold", action: "ScaleIn" })],
    });
    stage.hear("edges-idle/region-a", [10]);
    await stage.look();
    expect(stage.notes.map(({ type, reason }) => [type, reason])).toEqual([["Normal", "AlarmRaised"]]);
  });
});

describe("the alarms that hold", () => {
  it("are the defaults of each role where the policy names none, at the fleet's threshold", async () => {
    const stage = await Stage.of();
    stage.policy = scalePolicy();
    const metadata = { namespace: "streamfleet", name: "streamfleet-defaults" };
    stage.defaults = { metadata, data: { "scaleOutThreshold.edge": "50" } };
    stage.hear("edge-scale-out/region-a", [55]);
    await stage.look();
    expect(stage.states()).toEqual(["edge-scale-out/region-a ALARM", "edge-scale-in/region-a OK"]);
    stage.defaults = { metadata, data: { "scaleOutThreshold.edge": "60" } };
    await stage.look();
    expect(stage.states()).toEqual(["edge-scale-out/region-a OK", "edge-scale-in/region-a OK"]);
  });

  it("are none where the policy says so", async () => {
    const stage = await Stage.of();
    await stage.look();
    stage.policy = scalePolicy({ alarms: [] });
    expect(await stage.judge()).toEqual({ kind: "Done" });
    await stage.look();
    expect([stage.states(), stage.status(), await stage.series("alarm_state")]).toEqual([[], [], []]);
  });

  it("are remembered, but not shown, while the policy is not there or is refused", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    await stage.look();
    await stage.silence();
    for (const policy of [undefined, scalePolicy({ alarms: [] }, accepted("False", "it is refused"))]) {
      stage.policy = policy;
      await stage.look();
      expect([stage.states(), stage.status()]).toEqual([["edges-full/region-a ALARM"], []]);
    }
    stage.policy = scalePolicy({ alarms: [alarm()] });
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a INSUFFICIENT_DATA"]);
  });

  it("keep their state and its time when their definition changes, and are judged by the new one", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [65]);
    await stage.look();
    await stage.clock.advance(10_000);
    stage.policy = scalePolicy({ alarms: [alarm({ threshold: 61 })] });
    await stage.look();
    expect(stage.woken).toHaveLength(2);
    const [standing] = stage.alarmStates.ofGroup("default/live");
    expect(standing).toMatchObject({ state: "ALARM", definition: { threshold: 61 } });
    expect(stage.clock.now() - (standing?.since ?? NaN)).toBe(11_000);
    stage.policy = scalePolicy({ alarms: [alarm({ threshold: 70 })] });
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a OK"]);
  });

  it("start anew when they watch another role", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    await stage.look();
    await stage.silence();
    stage.policy = scalePolicy({ alarms: [alarm({ role: "origin", treatMissingData: "ignore" })] });
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a INSUFFICIENT_DATA"]);
  });

  it("go with their region, and leave no series", async () => {
    const stage = await Stage.of(["region-a", "region-b"]);
    stage.hear("edges-full/region-b", [90]);
    await stage.look();
    expect(await stage.series("alarm_state")).toEqual([
      'streamfleet_alarm_state{namespace="default",group="live",alarm="edges-full",region="region-a",state="INSUFFICIENT_DATA"} 1',
      'streamfleet_alarm_state{namespace="default",group="live",alarm="edges-full",region="region-b",state="ALARM"} 1',
    ]);
    expect(await stage.series("alarm_transitions_total")).toHaveLength(1);
    await stage.api.mergePatch(type, key, { spec: { regions: ["region-a"] } });
    await stage.read();
    await stage.look();
    expect(stage.status()).toEqual(["edges-full/region-a INSUFFICIENT_DATA"]);
    expect(await stage.series("alarm_state")).toHaveLength(1);
    expect(await stage.series("alarm_transitions_total")).toEqual([]);
  });

  it("go with their group", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    await stage.look();
    stage.group = undefined;
    await stage.judge();
    expect(stage.alarmStates.knows("default/live")).toBe(false);
    expect(stage.woken).toHaveLength(2);
    await stage.report();
    expect([await stage.series("alarm_state"), await stage.series("alarm_transitions_total")]).toEqual([[], []]);
  });

  it("are no more once the group is being deleted, and nothing is written about it", async () => {
    const stage = await Stage.of();
    await stage.api.mergePatch(type, key, { metadata: { finalizers: ["example.com/kept"] } });
    await stage.read();
    await stage.look();
    await stage.api.delete(type, key);
    await stage.read();
    const before = stage.group?.metadata.resourceVersion;
    await stage.look();
    expect(stage.alarmStates.ofGroup("default/live")).toEqual([]);
    expect(stage.group?.metadata.resourceVersion).toBe(before);
  });
});

describe("a process that starts", () => {
  it("goes on from what the status says, without a transition", async () => {
    const stage = await Stage.of();
    stage.policy = scalePolicy({ alarms: [alarm({ treatMissingData: "ignore" })] });
    stage.hear("edges-full/region-a", [90]);
    await stage.look();
    const written = stage.group?.metadata.resourceVersion;
    await stage.silence();
    await stage.clock.advance(25_000);
    alarmTerm(stage).start();
    await stage.look();
    const [standing] = stage.alarmStates.ofGroup("default/live");
    expect(standing?.state).toBe("ALARM");
    expect(stage.clock.now() - (standing?.since ?? NaN)).toBe(31_000);
    expect(stage.transitions).toHaveLength(1);
    expect(stage.woken).toHaveLength(2);
    expect(stage.group?.metadata.resourceVersion).toBe(written);
    expect(await stage.series("alarm_state")).toHaveLength(1);
  });

  it("tells anew what a crash kept from being told", async () => {
    const stage = await Stage.of();
    await stage.look();
    stage.hear("edges-full/region-a", [90]);
    await stage.judge();
    alarmTerm(stage).start();
    await stage.look();
    expect(stage.transitions.map(({ from, to }) => [from, to])).toEqual([["INSUFFICIENT_DATA", "ALARM"]]);
    expect(stage.status()).toEqual(["edges-full/region-a ALARM"]);
  });

  it("says nothing of alarms whose policy it cannot read", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    await stage.look();
    alarmTerm(stage).start();
    stage.policy = undefined;
    await stage.look();
    expect([stage.states(), stage.status()]).toEqual([[], []]);
  });

  it("shows no states once it leads no more", async () => {
    const stage = await Stage.of();
    await stage.look();
    await alarmTerm(stage).stop();
    expect(await stage.series("alarm_state")).toEqual([]);
  });
});

describe("at rest", () => {
  it("nothing is written, said or passed on, however often it is looked at and whatever the load", async () => {
    const stage = await Stage.of(["region-a", "region-b"]);
    stage.hear("edges-full/region-a", [61]);
    await stage.look();
    const before = stage.group?.metadata.resourceVersion;
    for (const load of [62, 75, 90]) {
      stage.hear("edges-full/region-a", [load]);
      stage.policy = scalePolicy({ alarms: [alarm()] });
      await stage.clock.advance(10_000);
      await stage.look();
    }
    expect(stage.group?.metadata.resourceVersion).toBe(before);
    expect([stage.woken.length, stage.transitions.length, stage.notes.length]).toEqual([1, 1, 1]);
  });

  it("an alarm is not looked at again while nothing is heard of its place, but for what time does", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    await stage.judge();
    await stage.judge();
    await stage.clock.advance(2_499);
    await stage.judge();
    expect(stage.asked).toBe(1);
    await stage.clock.advance(1);
    await stage.judge();
    expect(stage.asked).toBe(2);
    stage.hear("edges-full/region-a", [91]);
    await stage.judge();
    expect(stage.asked).toBe(3);
  });

  it.each([
    [1, 1_000],
    [4, 2_000],
    [10, 5_000],
    [60, 5_000],
  ])("a group with periods of %d s is looked at again after %d ms", async (periodSeconds, ms) => {
    const stage = await Stage.of();
    stage.policy = scalePolicy({ alarms: [alarm({ periodSeconds: 3600, name: "slow" }), alarm({ periodSeconds })] });
    expect(await stage.judge()).toMatchObject({ kind: "RequeueAfter", ms });
  });

  it("each version of a policy is read once for each version of the defaults", async () => {
    const { group } = await Stage.of();
    const metadata = { namespace: "streamfleet", name: "streamfleet-defaults" };
    let [policy, defaults]: readonly [ScalePolicy, ConfigMap] = [scalePolicy(), { metadata }];
    const nodeGroups = { cache: { get: () => group } };
    const scalePolicies = { cache: { get: () => policy } };
    const cluster = { nodeGroups, scalePolicies, defaults: { get: () => defaults } };
    const alarms = groupAlarms({ cluster, namespace: "streamfleet" });
    const first = alarms("default/live");
    expect(first).toHaveLength(2);
    expect(alarms("default/live")).toBe(first);
    defaults = { metadata, data: { "scaleOutThreshold.edge": "50" } };
    expect(alarms("default/live")?.[0]).toMatchObject({ name: "edge-scale-out", threshold: 50 });
    policy = scalePolicy({ alarms: [] });
    expect(alarms("default/live")).toEqual([]);
  });
});

describe("a group that has changed meanwhile", () => {
  it("is written to once the local copy has followed, and nothing is told twice", async () => {
    const stage = await Stage.of();
    stage.hear("edges-full/region-a", [90]);
    await stage.judge();
    await stage.api.mergePatch(type, key, { metadata: { labels: { team: "live" } } });
    expect(await stage.report()).toMatchObject({ kind: "RequeueAfter" });
    expect([stage.transitions.length, stage.notes.length]).toEqual([1, 1]);
    await stage.read();
    expect(await stage.report()).toEqual({ kind: "Done" });
    await stage.read();
    expect(stage.status()).toEqual(["edges-full/region-a ALARM"]);
    expect([stage.transitions.length, stage.notes.length]).toEqual([1, 1]);
  });
});
