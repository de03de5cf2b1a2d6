/** The load of a role as nodes come, report, fall silent and go, against counting everything anew. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { LoadTracker, type LoadPlace } from "../../fleet/load-tracker.ts";
import type { Role } from "../../crds/names.ts";
import { type StreamNode, streamNodeSchema } from "../../crds/stream-node.ts";
import type { AlarmDefinition } from "../../domain/alarm/alarm-definitions.ts";
import type { ChildReport, NodeReport } from "../../domain/load/report.ts";
import type { LoadFeed } from "../../domain/ports.ts";
import type { RoleLoad } from "../../domain/load/role-load.ts";
import { addMs, type Instant } from "../../domain/time.ts";
import type { ChangeHandler } from "../../runtime/informer.ts";
import { at } from "../support/domain-values.ts";
import { FakeClock } from "../support/fake-clock.ts";

const staleMs = 10_000;
const windowMs = 300_000;
const edges: LoadPlace = { group: "default/live", role: "edge", region: "region-a" };
const origins: LoadPlace = { ...edges, role: "origin" };

interface NodeForm {
  readonly role?: Role;
  readonly region?: string;
  readonly group?: string;
  readonly uid?: string;
  readonly capacity?: number;
  readonly phase?: string;
  readonly draining?: boolean;
  readonly deleting?: boolean;
}

/** An edge in service in region-a with 100 connections, unless the form says otherwise. */
function nodeOf(name: string, form: NodeForm = {}): StreamNode {
  const time = "2026-01-01T00:00:00Z";
  const metadata = { name, namespace: "default", uid: form.uid ?? `uid-${name}`, resourceVersion: "1" };
  const names = { launchConfig: "live", revision: "r1", image: "media-1", instanceType: "sim.small" };
  return streamNodeSchema.parse({
    metadata: {
      ...metadata,
      creationTimestamp: time,
      ...(form.deleting === true && { deletionTimestamp: time }),
    },
    spec: {
      ...{ group: form.group ?? "live", role: form.role ?? "edge", slot: 0, region: form.region ?? "region-a" },
      ...{ batch: "live-edge-b1", index: 0 },
      launch: {
        ...names,
        ...{ platform: "simulated", connectionCapacity: form.capacity ?? 100, registrationTimeoutSeconds: 150 },
      },
      ...(form.draining === true && { drain: { reason: "ScaleIn", at: time } }),
    },
    status: { phase: form.phase ?? "InService" },
  });
}

/** The latest reports, in whatever order a test tells them. */
class Feed implements Pick<LoadFeed, "latest" | "subscribe"> {
  readonly #reports = new Map<string, NodeReport>();
  readonly #listeners = new Set<(report: NodeReport) => void>();

  latest(uid: string): NodeReport | undefined {
    return this.#reports.get(uid);
  }

  subscribe(listener: (report: NodeReport) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(report: NodeReport): void {
    this.#reports.set(report.uid, report);
    for (const listener of this.#listeners) listener(report);
  }
}

class SettableClock {
  ms = 0;
  now(): Instant {
    return at(this.ms);
  }
}

/** A book with the nodes and the feed that it follows. */
class World {
  readonly clock = new SettableClock();
  readonly feed = new Feed();
  readonly nodes = new Map<string, StreamNode>();
  readonly told: string[] = [];
  alarms: readonly AlarmDefinition[];
  readonly book: LoadTracker;
  readonly #handlers: ChangeHandler<StreamNode>[] = [];

  constructor(alarms: readonly AlarmDefinition[] = [], before: (world: World) => void = () => undefined) {
    this.alarms = alarms;
    before(this);
    this.book = new LoadTracker({
      nodes: { onChange: (handler) => this.#follow(handler) },
      feed: this.feed,
      alarms: () => this.alarms,
      staleMs,
      clock: this.clock,
    });
    this.book.onSample((group) => this.told.push(group));
  }

  put(...objects: readonly StreamNode[]): void {
    for (const object of objects) {
      const key = `default/${object.metadata.name}`;
      const old = this.nodes.get(key);
      this.nodes.set(key, object);
      for (const tell of this.#handlers)
        tell(old === undefined ? { kind: "Added", key, object } : { kind: "Updated", key, object, old });
    }
  }

  remove(name: string): void {
    const object = this.nodes.get(`default/${name}`);
    if (object === undefined) return;
    this.nodes.delete(`default/${name}`);
    for (const tell of this.#handlers) tell({ kind: "Deleted", key: `default/${name}`, object });
  }

  report(name: string, connections: number, fields: Partial<NodeReport> = {}): void {
    this.feed.tell({
      ...{ uid: `uid-${name}`, namespace: "default", name, bootId: "boot-1", sequence: 1 },
      receivedAt: this.clock.now(),
      ...{ connections, publishers: 0, subscribers: connections, accepting: true },
      ...{ links: [], streams: [], children: [], acknowledged: [] },
      ...fields,
    });
  }

  load(place: LoadPlace = edges, stabilizationMs = windowMs): RoleLoad {
    return this.book.ofPlace(place, stabilizationMs, this.clock.now());
  }

  #follow(handler: ChangeHandler<StreamNode>): () => void {
    for (const [key, object] of this.nodes) handler({ kind: "Added", key, object });
    this.#handlers.push(handler);
    return () => undefined;
  }
}

function child(name: string, connections: number): ChildReport {
  return { name, connections, subscribers: connections, streams: 1 };
}

function tenEdges(): readonly StreamNode[] {
  return Array.from({ length: 10 }, (_, index) => nodeOf(`e${index}`));
}

function alarmOf(fields: Partial<AlarmDefinition> = {}): AlarmDefinition {
  return {
    ...{ name: "busy", role: "edge", metric: "Connections", statistic: "Average", periodSeconds: 10 },
    ...{ evaluationPeriods: 1, datapointsToAlarm: 1, threshold: 60, comparisonOperator: "GreaterThanThreshold" },
    ...{ treatMissingData: "missing", action: "None" },
    ...fields,
  } as const;
}

describe("the value of the load", () => {
  it("is unknown where no node counts", () => {
    const world = new World();
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 0 });
    world.put(nodeOf("e0", { phase: "Running" }));
    world.report("e0", 10);
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 0 });
  });

  it("is unknown while none of the nodes that count was ever heard of: no zeros are invented", () => {
    const world = new World();
    world.put(...tenEdges());
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 10 });
    expect(world.book.ofGroup("default/live", "edge", world.clock.now())).toBeUndefined();
  });

  it("is stale once one of many was heard of", () => {
    const world = new World();
    world.put(...tenEdges());
    world.report("e0", 10);
    expect(world.load()).toEqual({ kind: "Stale", nodes: 10, staleNodes: 9, capacity: 1_000, staleCapacity: 900 });
  });

  it("is known from fresh reports", () => {
    const world = new World();
    world.put(nodeOf("e0"), nodeOf("e1", { capacity: 50 }));
    world.report("e0", 40, { publishers: 1, cpuPercent: 30, memoryPercent: 20, egressMbps: 5 });
    world.report("e1", 60, { cpuPercent: 50 });
    expect(world.load()).toEqual({
      kind: "Known",
      ...{ connections: 95, publishers: 1, subscribers: 95, capacity: 150, nodes: 2, freeSlots: 60, staleNodes: 0 },
      ...{ cpuPercent: 40, memoryPercent: 20, egressMbps: 5, observedSince: at(0) },
      peak: { connections: 95, cpuPercent: 80, memoryPercent: 20 },
    });
  });

  it("is taken from reports that came before the node was seen", () => {
    const world = new World([], (unborn) => {
      unborn.put(nodeOf("e0"));
      unborn.report("e0", 7);
    });
    world.report("e1", 5);
    world.put(nodeOf("e1"));
    expect(world.load()).toMatchObject({ kind: "Known", connections: 12, nodes: 2 });
  });

  it("is stale, not unknown, when the only report is from long ago", () => {
    const world = new World([], (unborn) => {
      unborn.put(nodeOf("e0"));
      unborn.report("e0", 7, { receivedAt: at(-staleMs - 1) });
    });
    expect(world.load()).toEqual({ kind: "Stale", nodes: 1, staleNodes: 1, capacity: 100, staleCapacity: 100 });
  });

  it("is nobody's when it is of a former node in the slot", () => {
    const world = new World();
    world.put(nodeOf("e0"));
    world.report("e0", 7);
    world.put(nodeOf("e0", { uid: "uid-next" }));
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 1 });
    world.report("e0", 8);
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 1 });
    expect(world.book.size).toMatchObject({ nodes: 1 });
  });

  it("is of each region, and of the group over the regions that are known", () => {
    const world = new World();
    world.put(nodeOf("a"), nodeOf("b", { region: "region-b" }), nodeOf("c", { region: "region-c" }));
    world.put(nodeOf("other", { group: "other" }), nodeOf("o", { role: "origin" }));
    world.report("a", 10, { cpuPercent: 10 });
    world.report("b", 20, { cpuPercent: 40 });
    for (const name of ["other", "o"]) world.report(name, 99);
    expect(world.load({ ...edges, region: "region-b" })).toMatchObject({ kind: "Known", connections: 20, nodes: 1 });
    expect(world.load({ ...edges, region: "region-c" })).toEqual({ kind: "Unknown", nodes: 1 });
    expect(world.book.ofGroup("default/live", "edge", world.clock.now())).toEqual({
      ...{ connections: 30, publishers: 0, subscribers: 30, capacity: 200, nodes: 2, freeSlots: 170, cpuPercent: 25 },
    });
  });
});

describe("a node that falls silent", () => {
  it("counts until its report is older than it may be, to the millisecond", () => {
    const world = new World();
    world.put(nodeOf("e0"));
    world.report("e0", 7);
    world.clock.ms = staleMs;
    expect(world.load()).toMatchObject({ kind: "Known", connections: 7 });
    world.clock.ms = staleMs + 1;
    expect(world.load()).toMatchObject({ kind: "Stale" });
    expect(world.book.ofGroup("default/live", "edge", world.clock.now())).toBeUndefined();
  });

  it("leaves numerator and denominator while it is a tenth of the capacity", () => {
    const world = new World();
    world.put(...tenEdges());
    for (let index = 0; index < 10; index++) world.report(`e${index}`, 50);
    world.clock.ms = 8_000;
    for (let index = 1; index < 10; index++) world.report(`e${index}`, 40);
    world.clock.ms = 12_000;
    expect(world.load()).toMatchObject({ kind: "Known", connections: 360, capacity: 900, nodes: 9, staleNodes: 1 });
  });

  it("makes the load stale when it is more than a tenth of it", () => {
    const world = new World();
    world.put(...tenEdges(), nodeOf("big", { capacity: 112 }));
    for (const name of ["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "big"]) world.report(name, 50);
    world.clock.ms = 8_000;
    for (let index = 0; index < 10; index++) world.report(`e${index}`, 40);
    world.clock.ms = 12_000;
    expect(world.load()).toEqual({ kind: "Stale", nodes: 11, staleNodes: 1, capacity: 1_112, staleCapacity: 112 });
  });

  it("is judged by when its report was taken, in whatever order reports arrive", () => {
    const world = new World();
    world.put(nodeOf("e0"), nodeOf("e1"));
    world.report("e0", 1);
    world.report("e1", 1, { receivedAt: at(-8_000) });
    world.clock.ms = 2_000;
    expect(world.load()).toMatchObject({ kind: "Known", staleNodes: 0 });
    world.clock.ms = 2_001;
    expect(world.load()).toMatchObject({ kind: "Stale", staleNodes: 1 });
  });
});

describe("a node that stops counting", () => {
  it.each([
    ["drains", { draining: true }],
    ["is being deleted", { deleting: true }],
    ["is no longer in service", { phase: "Unresponsive" }],
  ])("leaves the sums at once when it %s", (_name, form) => {
    const world = new World();
    world.put(nodeOf("e0"), nodeOf("e1"));
    world.report("e0", 30);
    world.report("e1", 50);
    world.put(nodeOf("e1", form));
    expect(world.load()).toMatchObject({ kind: "Known", connections: 30, capacity: 100, nodes: 1, staleNodes: 0 });
    world.report("e1", 45);
    expect(world.load()).toMatchObject({ connections: 30 });
    world.put(nodeOf("e1"));
    expect(world.load()).toMatchObject({ connections: 75, capacity: 200 });
  });

  it("leaves the sums at once when it is deleted, also while it is silent", () => {
    const world = new World();
    world.put(nodeOf("e0"), nodeOf("e1"));
    world.report("e0", 30);
    expect(world.load()).toMatchObject({ kind: "Stale", staleCapacity: 100 });
    world.remove("e1");
    expect(world.load()).toMatchObject({ kind: "Known", connections: 30, staleNodes: 0 });
    world.remove("e0");
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 0 });
  });
});

describe("what an origin tells of its edges", () => {
  function worldOf(): World {
    const world = new World();
    world.put(nodeOf("o", { role: "origin" }), nodeOf("e0"));
    return world;
  }

  it("speaks for an edge that is silent, and for one that was never heard of", () => {
    const world = worldOf();
    world.report("o", 1, { children: [child("e0", 33)] });
    expect(world.load()).toMatchObject({
      kind: "Known",
      connections: 33,
      subscribers: 33,
      publishers: 0,
      staleNodes: 0,
    });
    world.report("e0", 40, { publishers: 2, cpuPercent: 50 });
    expect(world.load()).toMatchObject({ connections: 40, publishers: 2, cpuPercent: 50 });
    world.clock.ms = 8_000;
    world.report("o", 1, { children: [child("e0", 35)] });
    expect(world.load()).toMatchObject({ connections: 40 });
    world.clock.ms = staleMs + 1;
    const load = world.load();
    expect(load).toMatchObject({ kind: "Known", connections: 35, publishers: 0 });
    expect(load).not.toHaveProperty("cpuPercent");
    world.clock.ms = 8_000 + staleMs + 1;
    expect(world.load()).toMatchObject({ kind: "Stale" });
  });

  it("keeps the load known without a gap when it takes over in time", () => {
    const world = worldOf();
    for (; world.clock.ms <= 60_000; world.clock.ms += 5_000) {
      if (world.clock.ms <= 20_000) world.report("e0", 40);
      world.report("o", 1, { children: [child("e0", 40)] });
    }
    expect(world.load()).toMatchObject({ kind: "Known", observedSince: at(0) });
  });

  it("is the newest where two origins tell", () => {
    const world = worldOf();
    world.put(nodeOf("r", { role: "relay" }));
    world.report("o", 1, { children: [child("e0", 33)] });
    world.report("r", 1, { children: [child("e0", 11)], receivedAt: at(-1) });
    expect(world.load()).toMatchObject({ connections: 33 });
    world.clock.ms = 1;
    world.report("r", 1, { children: [child("e0", 12)] });
    expect(world.load()).toMatchObject({ connections: 12 });
  });

  it.each([
    ["an edge", nodeOf("x")],
    ["a transcoder", nodeOf("x", { role: "transcoder" })],
    ["an origin of another group", nodeOf("x", { role: "origin", group: "other" })],
  ])("is not heard from %s", (_name, teller) => {
    const world = worldOf();
    world.put(teller);
    world.report("x", 1, { children: [child("e0", 33)] });
    expect(world.load().kind).not.toBe("Known");
  });

  it("says nothing of nodes that are no edges, nor of unknown ones", () => {
    const world = worldOf();
    world.put(nodeOf("o2", { role: "origin" }));
    world.report("o", 1, { children: [child("o2", 33), child("nobody", 3), child("o", 5)] });
    expect(world.load(origins)).toMatchObject({ kind: "Stale", staleNodes: 1 });
    expect(world.load()).toEqual({ kind: "Unknown", nodes: 1 });
  });

  it("is taken from a report that came before the origin was seen", () => {
    const world = new World();
    world.report("o", 1, { children: [child("e0", 33)] });
    world.put(nodeOf("e0"), nodeOf("o", { role: "origin" }));
    expect(world.load()).toMatchObject({ kind: "Known", connections: 33 });
  });

  it("is no peak of clients that went from one edge to another between two reports", () => {
    const world = worldOf();
    world.put(nodeOf("e1"));
    world.report("o", 1, { children: [child("e0", 80), child("e1", 0)] });
    world.clock.ms = 5_000;
    world.report("o", 1, { children: [child("e1", 80), child("e0", 0)] });
    expect(world.load()).toMatchObject({ connections: 80, peak: { connections: 80 } });
  });
});

describe("since when the load is observed", () => {
  it("begins with the first known load, and anew after silence or staleness", () => {
    const world = new World();
    world.put(nodeOf("e0"));
    for (world.clock.ms = 1_000; world.clock.ms <= 21_000; world.clock.ms += staleMs) world.report("e0", 5);
    expect(world.load()).toMatchObject({ observedSince: at(1_000) });
    world.clock.ms = 31_002;
    world.report("e0", 5);
    expect(world.load()).toMatchObject({ observedSince: at(31_002) });
    world.put(nodeOf("e1"));
    world.clock.ms = 32_000;
    world.report("e1", 5);
    expect(world.load()).toMatchObject({ observedSince: at(32_000) });
  });

  it("begins anew when a node has been silent, though the load of the others was known", () => {
    const world = new World();
    const names = Array.from({ length: 11 }, (_, index) => `e${index}`);
    world.put(...names.map((name) => nodeOf(name)));
    for (const name of names) world.report(name, 5);
    world.clock.ms = staleMs;
    for (const name of names.slice(1)) world.report(name, 5);
    world.clock.ms = staleMs + 1;
    expect(world.load()).toMatchObject({ kind: "Known", staleNodes: 1, observedSince: at(staleMs + 1) });
    world.clock.ms = staleMs + 2;
    world.report("e0", 5);
    expect(world.load()).toMatchObject({ kind: "Known", staleNodes: 0, observedSince: at(staleMs + 2) });
  });

  it("begins anew when the last node has left", () => {
    const world = new World();
    world.put(nodeOf("e0"));
    world.report("e0", 5);
    world.clock.ms = 1_000;
    world.put(nodeOf("e0", { draining: true }));
    world.put(nodeOf("e0"));
    expect(world.load()).toMatchObject({ observedSince: at(1_000) });
  });

  it("begins anew when the clock is put back, and reports from the future are of now", () => {
    const world = new World([alarmOf()]);
    world.put(nodeOf("e0"), nodeOf("e1"));
    world.clock.ms = 3_600_000;
    world.report("e0", 80);
    world.report("e1", 10);
    world.clock.ms = 0;
    world.report("e0", 5);
    expect(world.load()).toMatchObject({ connections: 15, observedSince: at(0), peak: { connections: 90 } });
    expect(world.book.datapoints(alarmOf(), edges, at(0))).toEqual([undefined, undefined, 15]);
    world.clock.ms = staleMs + 1;
    world.report("e0", 5);
    expect(world.load()).toMatchObject({ kind: "Stale", staleNodes: 1 });
  });

  it("is not moved by a reader whose clock is a little behind", () => {
    const world = new World();
    world.put(nodeOf("e0"));
    world.clock.ms = 30_000;
    world.report("e0", 5);
    expect(world.book.ofPlace(edges, windowMs, at(0))).toMatchObject({ kind: "Known", observedSince: at(30_000) });
    world.clock.ms = 30_001;
    world.report("e0", 5);
    expect(world.load()).toMatchObject({ observedSince: at(30_000) });
  });
});

describe("the peak", () => {
  it("is the highest demand of the window, and of now", () => {
    const world = new World();
    world.put(nodeOf("e0"), nodeOf("e1"));
    for (const [ms, one, other] of [
      [0, 90, 90],
      [5_000, 50, 20],
      [10_000, 20, 20],
      [15_000, 20, 20],
    ] as const) {
      world.clock.ms = ms;
      world.report("e0", one, { cpuPercent: one });
      world.report("e1", other, { cpuPercent: 1 });
    }
    expect(world.load(edges, 20_000)).toMatchObject({ peak: { connections: 180, cpuPercent: 91 } });
    expect(world.load(edges, 8_000)).toMatchObject({ peak: { connections: 70, cpuPercent: 51 } });
    expect(world.load(edges, 0)).toMatchObject({ peak: { connections: 40, cpuPercent: 21 } });
  });

  it("sees clients that came and went with a node between two reports", () => {
    const world = new World();
    world.put(nodeOf("e0"), nodeOf("e1", { phase: "Running" }));
    world.report("e0", 10);
    world.report("e1", 60);
    world.put(nodeOf("e1"));
    world.put(nodeOf("e1", { draining: true }));
    expect(world.load()).toMatchObject({ connections: 10, peak: { connections: 70 } });
  });
});

describe("the datapoints of an alarm", () => {
  it("are made of a sample at each report of a node that counts", () => {
    const world = new World([alarmOf({ statistic: "SampleCount" })]);
    world.put(nodeOf("e0"), nodeOf("e1"), nodeOf("away", { phase: "Running" }), nodeOf("o", { role: "origin" }));
    for (const name of ["e0", "e1", "away", "o"]) world.report(name, 10);
    world.clock.ms = 5_000;
    world.report("e0", 20);
    const datapoints = (statistic: string) => world.book.datapoints(alarmOf({ statistic }), edges, world.clock.now());
    // The first report of e0 was of half of the capacity: it made no sample.
    expect(datapoints("SampleCount")).toEqual([undefined, undefined, 2]);
    expect(datapoints("Average")).toEqual([undefined, undefined, 25]);
    expect(datapoints("Maximum")).toEqual([undefined, undefined, 30]);
  });

  it("leave the range as time goes on without reports", () => {
    const world = new World([alarmOf()]);
    world.put(nodeOf("e0"));
    world.report("e0", 10);
    const later = (ms: number) => world.book.datapoints(alarmOf(), edges, addMs(at(0), ms));
    expect(later(9_999)).toEqual([undefined, undefined, 10]);
    expect(later(10_000)).toEqual([undefined, 10, undefined]);
    expect(later(30_000)).toEqual([undefined, undefined, undefined]);
  });

  it("have no sample while the load is stale, and of a metric that nobody tells", () => {
    const cpu = alarmOf({ metric: "CPUUtilization" });
    const world = new World([alarmOf(), cpu]);
    world.put(nodeOf("e0"), nodeOf("e1"));
    world.report("e0", 10);
    expect(world.told).toEqual(["default/live"]);
    expect(world.book.datapoints(alarmOf(), edges, world.clock.now()).at(-1)).toBeUndefined();
    world.report("e1", 10);
    expect(world.book.datapoints(alarmOf(), edges, world.clock.now()).at(-1)).toBe(20);
    expect(world.book.datapoints(cpu, edges, world.clock.now()).at(-1)).toBeUndefined();
  });

  it("are of the role and the region of the place", () => {
    const onOrigins = alarmOf({ role: "origin" });
    const world = new World([alarmOf(), onOrigins]);
    world.put(nodeOf("e0"), nodeOf("e1", { region: "region-b" }), nodeOf("o", { role: "origin" }));
    world.report("e0", 10);
    world.report("e1", 20);
    world.report("o", 30);
    const newest = (alarm: AlarmDefinition, place: LoadPlace) =>
      world.book.datapoints(alarm, place, world.clock.now()).at(-1);
    expect(newest(alarmOf(), edges)).toBe(10);
    expect(newest(alarmOf(), { ...edges, region: "region-b" })).toBe(20);
    expect(newest(onOrigins, origins)).toBe(30);
    expect(newest(alarmOf(), { ...edges, region: "region-z" })).toBeUndefined();
  });

  it("are sampled also where only the origin speaks, though nothing changes", () => {
    const counted = alarmOf({ statistic: "SampleCount" });
    const world = new World([counted]);
    world.put(nodeOf("e0"), nodeOf("o", { role: "origin" }));
    for (world.clock.ms = 0; world.clock.ms < 10_000; world.clock.ms += 2_000)
      world.report("o", 1, { children: [child("e0", 10)] });
    expect(world.book.datapoints(counted, edges, world.clock.now())).toEqual([undefined, 1, 4]);
  });

  it("begin empty with a new definition, and go on with one whose threshold alone is another", () => {
    const world = new World([alarmOf()]);
    world.put(nodeOf("e0"));
    world.report("e0", 10);
    const [stricter, slower] = [alarmOf({ threshold: 5 }), alarmOf({ periodSeconds: 20 })];
    expect(world.book.datapoints(slower, edges, at(0))).toEqual([undefined, undefined, undefined]);
    world.alarms = [stricter, slower];
    world.clock.ms = 1_000;
    world.report("e0", 20);
    expect(world.book.datapoints(stricter, edges, at(1_000)).at(-1)).toBe(15);
    expect(world.book.datapoints(slower, edges, at(1_000)).at(-1)).toBe(20);
  });
});

describe("the revision of a place", () => {
  it("is another one after each report that speaks for it, and only then", () => {
    const world = new World([alarmOf()]);
    world.put(nodeOf("e0"), nodeOf("e1", { region: "region-b" }), nodeOf("o", { role: "origin" }));
    const revision = () => world.book.revision(edges);
    const revisions = [revision()];
    world.report("e0", 10);
    revisions.push(revision());
    world.report("e1", 10);
    world.report("o", 1);
    expect(revision()).toBe(revisions.at(-1));
    world.report("e0", 10);
    revisions.push(revision());
    world.clock.ms = staleMs + 1;
    world.report("o", 1, { children: [child("e0", 10)] });
    revisions.push(revision());
    expect(new Set(revisions).size).toBe(4);
  });
});

describe("listeners", () => {
  it("are told of a group once for each report that is of its load, until they leave", () => {
    const world = new World([alarmOf()]);
    world.put(nodeOf("e0"), nodeOf("o", { role: "origin" }), nodeOf("x", { group: "other" }));
    world.put(nodeOf("away", { phase: "Running" }));
    world.report("away", 1);
    world.report("stranger", 1);
    expect(world.told).toEqual([]);
    const heard: RoleLoad[] = [];
    const leave = world.book.onSample(() => heard.push(world.load()));
    world.report("o", 1, { children: [child("e0", 10)] });
    world.report("x", 1);
    expect(world.told).toEqual(["default/live", "default/other"]);
    expect(heard[0]).toMatchObject({ kind: "Known", connections: 10 });
    leave();
    world.report("x", 1);
    expect(heard).toHaveLength(2);
  });
});

describe("memory", () => {
  it("is of the nodes that there are, after days of churn", async () => {
    const clock = new FakeClock();
    const handlers: ChangeHandler<StreamNode>[] = [];
    const feed = new Feed();
    const alarms = [alarmOf({ periodSeconds: 60 })];
    const nodes = { onChange: (handler: ChangeHandler<StreamNode>) => (handlers.push(handler), () => undefined) };
    const book = new LoadTracker({ nodes, feed, alarms: () => alarms, staleMs, clock });
    const report = { namespace: "default", bootId: "b", sequence: 1, connections: 1, publishers: 0, subscribers: 1 };
    for (let round = 0; round < 400; round++) {
      const object = nodeOf(`e${round}`, { group: `group-${round}` });
      const key = `default/e${round}`;
      for (const tell of handlers) tell({ kind: "Added", key, object });
      const lists = { links: [], streams: [], children: [], acknowledged: [] };
      feed.tell({ ...report, ...lists, uid: `uid-e${round}`, name: key, accepting: true, receivedAt: clock.now() });
      for (const tell of handlers) tell({ kind: "Deleted", key, object });
      await clock.advance(10_000);
    }
    expect(book.size.nodes).toBe(0);
    // A place is kept while its three periods are looked at, and until the next sweep.
    expect(book.size.places).toBeLessThanOrEqual((3 * 60 + 60) / 10 + 2);
    expect(book.size.expiries).toBeLessThanOrEqual(3);
  });

  it("keeps the samples of a place without nodes while they are looked at, and those of one that is in use again", () => {
    const world = new World([alarmOf({ periodSeconds: 60 })]);
    const newest = () => world.book.datapoints(alarmOf({ periodSeconds: 60 }), edges, world.clock.now());
    const passBy = (ms: number) => {
      world.clock.ms += ms;
      world.put(nodeOf("o", { role: "origin" }));
    };
    world.put(nodeOf("e0"));
    world.report("e0", 10);
    world.remove("e0");
    passBy(100_000);
    expect(newest()).toEqual([undefined, 10, undefined]);
    world.put(nodeOf("e0"));
    world.report("e0", 20);
    passBy(100_000);
    passBy(70_000);
    expect(newest()).toEqual([20, undefined, undefined]);
    world.remove("e0");
    passBy(170_000);
    passBy(70_000);
    expect(world.book.size).toMatchObject({ places: 1 });
  });

  it("holds one deadline for each node, however often it reports", () => {
    const world = new World();
    world.put(...tenEdges());
    for (; world.clock.ms < 100_000; world.clock.ms += 100)
      for (let index = 0; index < 10; index++) world.report(`e${index}`, 1);
    expect(world.book.size).toEqual({ nodes: 10, places: 1, expiries: 10 });
  });
});

describe("whatever happens", () => {
  const stepMs = 500;
  const names = ["e0", "e1", "e2", "o0", "o1"] as const;
  const anyName = fc.constantFrom(...names);
  const anyAct = fc.oneof(
    { weight: 4, arbitrary: fc.record({ act: fc.constant("wait" as const), steps: fc.integer({ min: 1, max: 12 }) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constant("report" as const),
        name: anyName,
        connections: fc.nat(150),
        ageSteps: fc.constantFrom(0, 0, 0, 3, 19),
        children: fc.uniqueArray(fc.record({ name: anyName, connections: fc.nat(150) }), { selector: (c) => c.name }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        act: fc.constant("round" as const),
        connections: fc.tuple(fc.nat(150), fc.nat(150), fc.nat(150)),
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("put" as const), name: anyName, inService: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("remove" as const), name: anyName }) },
  );
  type Act = typeof anyAct extends fc.Arbitrary<infer A> ? A : never;

  /** Counts everything anew at each step, from all that was ever said. */
  class Model {
    readonly statistics = { samples: [] as { ms: number; value: number }[] };
    readonly peaks: { ms: number; value: number }[] = [];
    observedSince: number | undefined;
    readonly #own = new Map<string, { connections: number; ms: number }>();
    readonly #byParent = new Map<string, { connections: number; ms: number }>();
    readonly #inService = new Map<string, boolean>();

    put(name: string, inService: boolean): void {
      this.#inService.set(name, inService);
    }

    remove(name: string): void {
      this.#inService.delete(name);
      this.#byParent.delete(name);
    }

    report(act: Extract<Act, { act: "report" }>, ms: number): void {
      const told = ms - act.ageSteps * stepMs;
      this.#own.set(act.name, { connections: act.connections, ms: told });
      let speaks = act.name.startsWith("e") && this.#inService.get(act.name) === true;
      const heard = act.name.startsWith("o") && this.#inService.has(act.name) ? act.children : [];
      for (const { name, connections } of heard) {
        const known = this.#byParent.get(name);
        if (!name.startsWith("e") || !this.#inService.has(name) || (known?.ms ?? -Infinity) > told) continue;
        this.#byParent.set(name, { connections, ms: told });
        const own = this.#own.get(name);
        const ownIsFresh = own !== undefined && ms - own.ms <= staleMs;
        if (!ownIsFresh && this.#inService.get(name) === true) speaks = true;
      }
      const load = this.load(ms);
      if (speaks && load.kind === "Known") this.statistics.samples.push({ ms, value: load.connections });
    }

    load(ms: number) {
      const counted = names.filter((name) => name.startsWith("e") && this.#inService.get(name) === true);
      const heard = counted.filter((name) => this.#own.has(name) || this.#byParent.has(name));
      if (heard.length === 0) return { kind: "Unknown", nodes: counted.length } as const;
      const fresh = counted.flatMap((name) => {
        const told = [this.#own.get(name), this.#byParent.get(name)];
        return told.find((each) => each !== undefined && ms - each.ms <= staleMs) ?? [];
      });
      // Three equal nodes: one that is silent is more than a tenth.
      if (fresh.length < counted.length) return { kind: "Stale", staleNodes: counted.length - fresh.length } as const;
      const connections = fresh.reduce((sum, each) => sum + Math.min(each.connections, 110), 0);
      return { kind: "Known", connections, nodes: fresh.length, capacity: 100 * fresh.length } as const;
    }

    note(ms: number): void {
      const load = this.load(ms);
      if (load.kind === "Known") this.peaks.push({ ms, value: load.connections });
      this.observedSince = load.kind === "Known" ? (this.observedSince ?? ms) : undefined;
    }
  }

  function play(world: World, model: Model, act: Act): void {
    switch (act.act) {
      case "wait":
        for (let step = 0; step < act.steps; step++) {
          world.clock.ms += stepMs;
          model.note(world.clock.ms);
        }
        return;
      case "round":
        act.connections.forEach((connections, index) =>
          play(world, model, { act: "report", name: names[index] ?? "e0", connections, ageSteps: 0, children: [] }),
        );
        return;
      case "report": {
        model.report(act, world.clock.ms);
        const children = act.children.map(({ name, connections }) => child(name, connections));
        world.report(act.name, act.connections, { children, receivedAt: at(world.clock.ms - act.ageSteps * stepMs) });
        break;
      }
      case "put": {
        model.put(act.name, act.inService);
        const role = act.name.startsWith("e") ? "edge" : "origin";
        world.put(nodeOf(act.name, { role, phase: act.inService ? "InService" : "Draining" }));
        break;
      }
      case "remove":
        model.remove(act.name);
        world.remove(act.name);
    }
    model.note(world.clock.ms);
  }

  /** An origin that comes back is heard of its edges at once; the model knows only of what is reported while it is there. */
  function isPlain(acts: readonly Act[]): boolean {
    return acts.every((act) => act.act !== "remove" || act.name.startsWith("e"));
  }

  it("the load, its peak, its age and the datapoints are what counting everything anew gives", () => {
    const [average, count] = [alarmOf(), alarmOf({ statistic: "SampleCount" })];
    const seenKinds = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 60 }).filter(isPlain), fc.boolean(), (acts, readOften) => {
        const world = new World([average]);
        const model = new Model();
        for (const name of names) play(world, model, { act: "put", name, inService: true });
        for (const act of acts) {
          play(world, model, act);
          if (readOften) world.load();
        }
        const [load, expected] = [world.load(edges, 20_000), model.load(world.clock.ms)];
        seenKinds.set(load.kind, (seenKinds.get(load.kind) ?? 0) + 1);
        expect(load).toMatchObject(expected);
        const inPeriod = (period: number) =>
          model.statistics.samples.filter(
            ({ ms }) => Math.floor((world.clock.ms - ms) / 10_000) === period && ms <= world.clock.ms,
          );
        const counts = [2, 1, 0].map((period) => inPeriod(period).length || undefined);
        expect(world.book.datapoints(count, edges, world.clock.now())).toEqual(counts);
        const sums = [2, 1, 0].map((period) => inPeriod(period).reduce((sum, { value }) => sum + value, 0));
        const sum = { ...average, statistic: "Sum" };
        expect(world.book.datapoints(sum, edges, world.clock.now()).map((each) => each ?? 0)).toEqual(sums);
        if (load.kind !== "Known") return;
        expect(load.observedSince).toBe(at(model.observedSince ?? -1));
        const highest = (windowMs: number) =>
          Math.max(0, ...model.peaks.filter(({ ms }) => ms > world.clock.ms - windowMs).map(({ value }) => value));
        expect(load.peak.connections).toBeGreaterThanOrEqual(highest(20_000));
        expect(load.peak.connections).toBeLessThanOrEqual(highest(21_001));
      }),
      { numRuns: 300 },
    );
    for (const kind of ["Known", "Stale", "Unknown"]) expect(seenKinds.get(kind)).toBeGreaterThan(5);
  });
});
