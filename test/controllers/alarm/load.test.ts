/** Alarms on the load book itself: seen at the report that makes them, and let go as its data leaves the periods. */
import { describe, expect, it } from "@jest/globals";
import { AlarmStates } from "../../../fleet/alarm-states.ts";
import { AlarmReconciler } from "../../../controllers/alarm/reconciler.ts";
import { groupAlarms } from "../../../fleet/group-alarms.ts";
import { LoadTracker } from "../../../fleet/load-tracker.ts";
import type { StreamNode } from "../../../crds/stream-node.ts";
import type { NodeReport } from "../../../domain/load/report.ts";
import type { ObjectChange } from "../../../runtime/informer.ts";
import { keyText } from "../../../runtime/reconciler.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { alarm } from "../../support/manifests.ts";
import { edge, streamNode } from "../../support/node-api.ts";
import { nodeGroup, scalePolicy } from "../../support/resources.ts";

/** One edge in service with a hundred connections, and its group's alarms. */
class OneEdge {
  readonly clock = new FakeClock();
  readonly node = streamNode(edge(0, 100));
  readonly #alarmStates = new AlarmStates();
  readonly #reconciler: AlarmReconciler;
  #hear: (report: NodeReport) => void = () => undefined;
  #sequence = 0;

  constructor(alarms?: readonly unknown[]) {
    const { clock, node } = this;
    const { namespace } = node.metadata;
    const plain = nodeGroup({ regions: [node.spec.region, "region-empty"] });
    const group = { ...plain, metadata: { ...plain.metadata, namespace } };
    const policy = scalePolicy(alarms === undefined ? {} : { alarms });
    const cluster = {
      nodeGroups: { cache: { get: () => group } },
      scalePolicies: { cache: { get: () => policy } },
      defaults: { get: () => undefined },
    };
    const named = groupAlarms({ cluster, namespace: "streamfleet" });
    const nodes = {
      onChange: (listener: (change: ObjectChange<StreamNode>) => void) => {
        listener({ kind: "Added", key: keyText(node.metadata), object: node });
        return () => undefined;
      },
    };
    const feed = {
      latest: () => undefined,
      subscribe: (listener: (report: NodeReport) => void) => {
        this.#hear = listener;
        return () => undefined;
      },
    };
    const load = new LoadTracker({ nodes, feed, alarms: (key) => named(key) ?? [], staleMs: 10_000, clock });
    this.#reconciler = new AlarmReconciler({ cluster, alarms: named, load, alarmStates: this.#alarmStates, clock });
  }

  async reports(connections: number): Promise<readonly string[]> {
    this.#hear({
      uid: this.node.metadata.uid,
      namespace: this.node.metadata.namespace,
      name: this.node.metadata.name,
      bootId: "boot-1",
      sequence: this.#sequence++,
      receivedAt: this.clock.now(),
      connections,
      publishers: 0,
      subscribers: connections,
      accepting: true,
      links: [],
      streams: [],
      children: [],
      acknowledged: [],
    });
    return this.look();
  }

  /** Nothing is heard for so many seconds; the group is looked at when it asked to be. */
  async waits(seconds: number): Promise<readonly string[]> {
    for (let second = 0; second < seconds; second++) {
      await this.clock.advance(1_000);
      await this.look();
    }
    return this.look();
  }

  async look(): Promise<readonly string[]> {
    const group = { namespace: this.node.metadata.namespace, name: this.node.spec.group };
    await this.#reconciler.reconcile(group);
    const here = this.#alarmStates.ofGroup(keyText(group)).filter(({ region }) => region === this.node.spec.region);
    return here.map(({ definition, state }) => `${definition.name} ${state}`);
  }
}

describe("the default alarms", () => {
  it("are raised by the report that is over the threshold, and cleared when the load of the period is not", async () => {
    const fleet = new OneEdge();
    expect(await fleet.look()).toEqual(["edge-scale-out INSUFFICIENT_DATA", "edge-scale-in OK"]);
    expect(await fleet.reports(61)).toEqual(["edge-scale-out ALARM", "edge-scale-in OK"]);
    expect(await fleet.reports(59)).toEqual(["edge-scale-out OK", "edge-scale-in OK"]);
  });

  it("ask for fewer nodes once three minutes have little load in them, and no longer when nothing is heard", async () => {
    const fleet = new OneEdge();
    let states: readonly string[] = [];
    for (let seconds = 0; seconds <= 130; seconds += 5) {
      states = await fleet.reports(10);
      await fleet.clock.advance(5_000);
    }
    expect(states).toEqual(["edge-scale-out OK", "edge-scale-in ALARM"]);
    expect(await fleet.waits(310)).toEqual(["edge-scale-out OK", "edge-scale-in OK"]);
  });
});

describe("an alarm whose node falls silent", () => {
  it.each([
    ["missing", "INSUFFICIENT_DATA"],
    ["ignore", "ALARM"],
    ["breaching", "ALARM"],
    ["notBreaching", "OK"],
  ])("with what is missing treated as %s becomes %s as time goes on", async (treatMissingData, state) => {
    const fleet = new OneEdge([alarm({ treatMissingData })]);
    expect(await fleet.reports(80)).toEqual(["edges-full ALARM"]);
    expect(await fleet.waits(25)).toEqual(["edges-full ALARM"]);
    expect(await fleet.waits(15)).toEqual([`edges-full ${state}`]);
  });
});
