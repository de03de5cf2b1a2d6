/** The load of one (role, region) of a group as it changes: what it is, its peak, and the samples that alarms look at. */
import type { Role } from "../../crds/names.ts";
import type { AlarmDefinition } from "../alarm/alarm-definitions.ts";
import { type Datapoint, rangeOf } from "../alarm/alarm-state.ts";
import { LoadTally } from "./load-tally.ts";
import { PeakWindow } from "./peak-window.ts";
import { gaugeOf, isMostlySilent, type PeakDemand, type RoleLoad } from "./role-load.ts";
import type { NodeLoad } from "./report.ts";
import { SampleWindow, windowKey, windowShape } from "./sample-window.ts";
import { addMs, type Instant } from "../time.ts";

/** A node that counts. */
export interface CountedNode {
  /** Connections that it can serve. */
  readonly capacity: number;
  /** Whether anybody has ever told its load. */
  readonly heard: boolean;
  /** What is known of it now; undefined while it is silent. */
  readonly load: NodeLoad | undefined;
}

interface MetricWindow {
  readonly metric: AlarmDefinition["metric"];
  readonly samples: SampleWindow;
}

/** Whoever adds and removes nodes says with `settle` when the sums are whole again. Time never goes back, but for `restart`. */
export class PlaceLoad {
  readonly #role: Role;
  readonly #holdMs: number;
  readonly #fresh = new LoadTally();
  readonly #counted = { nodes: 0, capacity: 0 };
  readonly #silent = { nodes: 0, capacity: 0 };
  #heard = 0;
  #knownSince: Instant | undefined;
  /** As last settled; undefined while the load is not known. */
  #demand: PeakDemand | undefined;
  #peaks = newPeaks();
  #revision = 0;
  #definitions: readonly AlarmDefinition[] = [];
  #windows = new Map<string, MetricWindow>();

  /** `holdMs`: for how long what a node reports is the load, if nothing else is reported. */
  constructor(role: Role, holdMs = 0) {
    this.#role = role;
    this.#holdMs = holdMs;
  }

  /** How many nodes count here. */
  get nodes(): number {
    return this.#counted.nodes;
  }

  /** Of the last sample, made or missed; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  /** How far back (ms) its samples are looked at. */
  get rangeMs(): number {
    return Math.max(0, ...[...this.#windows.values()].map(({ samples }) => samples.rangeMs));
  }

  /** The sums of what is known, or undefined while the load is not. */
  get known(): LoadTally | undefined {
    const isKnown = this.#heard > 0 && !isMostlySilent(this.#silent.capacity, this.#counted.capacity);
    return isKnown ? this.#fresh : undefined;
  }

  add(node: CountedNode): void {
    this.#count(node, 1);
    if (node.load !== undefined) this.#fresh.add(node.load, node.capacity);
  }

  /** Takes out a node with the same values with which it was added, or the sums are wrong. */
  remove(node: CountedNode): void {
    this.#count(node, -1);
    if (node.load !== undefined) this.#fresh.remove(node.load, node.capacity);
  }

  /** Takes what the sums are now into the peak. What a silent node bears is not in it: that is a gap in what was observed. */
  settle(now: Instant): void {
    // The demand of before lasted until now, so it belongs to the peak as well.
    if (this.#demand !== undefined) this.#recordPeaks(this.#demand, now);
    this.#demand = this.known?.demand();
    if (this.#demand === undefined) {
      this.#knownSince = undefined;
      return;
    }
    if (this.#silent.nodes > 0) this.#knownSince = undefined;
    else this.#knownSince ??= now;
    this.#recordPeaks(this.#demand, now);
  }

  /** Keeps samples for the alarms of this role, from when each is first named, and no longer for others. */
  watch(definitions: readonly AlarmDefinition[]): void {
    if (definitions === this.#definitions) return;
    this.#definitions = definitions;
    const windows = new Map<string, MetricWindow>();
    for (const alarm of definitions) {
      if (alarm.role !== this.#role) continue;
      const key = windowKey(alarm);
      windows.set(key, this.#windows.get(key) ?? newWindow(alarm, this.#holdMs));
    }
    this.#windows = windows;
  }

  /** Makes a sample of each gauge that is watched; a load that is not known makes none. Each call has another revision. */
  sample(now: Instant, revision: number): void {
    this.#revision = revision;
    if (this.#windows.size === 0) return;
    const gauges = this.known?.gauges();
    if (gauges === undefined) return;
    for (const { metric, samples } of this.#windows.values()) {
      const gauge = gaugeOf(metric, gauges);
      if (gauge !== undefined) samples.record(gauge, now);
    }
  }

  load(stabilizationMs: number, now: Instant): RoleLoad {
    const { nodes, capacity } = this.#counted;
    if (this.#heard === 0) return { kind: "Unknown", nodes };
    const { nodes: staleNodes, capacity: staleCapacity } = this.#silent;
    const { known } = this;
    if (known === undefined) return { kind: "Stale", nodes, staleNodes, capacity, staleCapacity };
    const peak = this.#peak(known.demand(), addMs(now, -stabilizationMs));
    return { kind: "Known", ...known.gauges(), staleNodes, peak, observedSince: this.#knownSince ?? now };
  }

  /** The datapoints of the alarm's range, oldest first. */
  datapoints(alarm: AlarmDefinition, now: Instant): readonly Datapoint[] {
    const window = this.#windows.get(windowKey(alarm));
    if (window === undefined) return Array.from({ length: rangeOf(alarm) }, () => undefined);
    return window.samples.datapoints(alarm, now);
  }

  /** The clock went back: what was observed before it did has no time any more. */
  restart(): void {
    this.#knownSince = undefined;
    this.#demand = undefined;
    this.#peaks = newPeaks();
    this.#revision = 0;
    const definitions = this.#definitions;
    this.#definitions = [];
    this.#windows.clear();
    this.watch(definitions);
  }

  #count({ capacity, heard, load }: CountedNode, by: 1 | -1): void {
    this.#counted.nodes += by;
    this.#counted.capacity += by * capacity;
    if (heard) this.#heard += by;
    if (load !== undefined) return;
    this.#silent.nodes += by;
    this.#silent.capacity += by * capacity;
  }

  #recordPeaks({ connections, cpuPercent, memoryPercent }: PeakDemand, now: Instant): void {
    this.#peaks.connections.record(connections, now);
    if (cpuPercent !== undefined) this.#peaks.cpuPercent.record(cpuPercent, now);
    if (memoryPercent !== undefined) this.#peaks.memoryPercent.record(memoryPercent, now);
  }

  /** The demand of now counts as well: it may have been the same for longer than the window. */
  #peak(demand: PeakDemand, from: Instant): PeakDemand {
    const cpuPercent = highest(demand.cpuPercent, this.#peaks.cpuPercent.after(from));
    const memoryPercent = highest(demand.memoryPercent, this.#peaks.memoryPercent.after(from));
    return {
      connections: Math.max(demand.connections, this.#peaks.connections.after(from) ?? 0),
      ...(cpuPercent !== undefined && { cpuPercent }),
      ...(memoryPercent !== undefined && { memoryPercent }),
    };
  }
}

function newPeaks() {
  return { connections: new PeakWindow(), cpuPercent: new PeakWindow(), memoryPercent: new PeakWindow() };
}

function newWindow(alarm: AlarmDefinition, holdMs: number): MetricWindow {
  return { metric: alarm.metric, samples: new SampleWindow(windowShape(alarm), holdMs) };
}

function highest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Math.max(one, other);
}
