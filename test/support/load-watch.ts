/** Looks at the nodes of a role after every write of a scenario: what was launched and drained, and whether it was right. */
import type { Role } from "../../crds/names.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { LoadFeed } from "../../domain/ports.ts";
import type { Fleet } from "./fleet.ts";

export interface Limits {
  readonly min: number;
  readonly max: number;
}

/** Something that was done with a node. Times are of the virtual clock (ms). */
export interface Deed {
  readonly ms: number;
  readonly name: string;
  readonly region: string;
}

export interface DrainDeed extends Deed {
  readonly reason: string;
}

/** Above this age (ms) a report says nothing any more: two intervals of five seconds. */
const staleMs = 10_000;
/** Percent of the connections above which the default alarm adds nodes. */
const defaultThreshold = 60;

export interface LoadWatchOptions extends Limits {
  readonly role?: Role;
  /** Percent of connections that the rest may bear when a node goes. */
  readonly threshold?: number;
}

/** The minimum holds in each region from the moment it is first met there. */
export class LoadWatch {
  readonly launches: Deed[] = [];
  readonly drains: DrainDeed[] = [];
  readonly #fleet: Fleet;
  readonly #role: Role;
  readonly #threshold: number;
  readonly #wrong = new Set<string>();
  readonly #known = new Set<string>();
  readonly #draining = new Set<string>();
  readonly #met = new Set<string>();
  /** Regions below the minimum, because machines were lost there. */
  readonly #lacking = new Set<string>();
  #limits: Limits;
  #lost = 0;

  constructor(fleet: Fleet, { role = "edge", threshold = defaultThreshold, ...limits }: LoadWatchOptions) {
    this.#fleet = fleet;
    this.#role = role;
    this.#threshold = threshold;
    this.#limits = limits;
    fleet.watch(() => this.#look());
  }

  /** What did not hold at some step so far. */
  get wrong(): readonly string[] {
    return [...this.#wrong];
  }

  /** Other limits hold from now on. */
  expect(limits: Limits): void {
    this.#limits = limits;
    this.#met.clear();
  }

  /** So many machines were lost: the minimum holds again once it is met again. */
  lost(count: number): void {
    this.#lost += count;
  }

  /** How many were launched and drained since a time of the virtual clock (ms). */
  since(ms: number): { readonly launches: number; readonly drains: number } {
    const after = (deed: Deed): boolean => deed.ms >= ms;
    return { launches: this.launches.filter(after).length, drains: this.drains.filter(after).length };
  }

  #look(): void {
    const regions = Map.groupBy(this.#fleet.nodes(this.#role), ({ spec }) => spec.region);
    for (const [region, nodes] of regions) {
      const staying = nodes.filter(stays);
      this.#checkLimits(region, nodes, staying.length);
      for (const node of nodes) this.#note(node, nodes);
    }
  }

  #checkLimits(region: string, nodes: readonly StreamNode[], staying: number): void {
    const { min, max } = this.#limits;
    const there = nodes.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length;
    if (there > max) this.#say(`${there} nodes in ${region}, maximum ${max}`);
    if (nodes.filter(serves).length >= min) {
      this.#met.add(region);
      if (this.#lacking.delete(region)) this.#lost = 0;
    }
    if (!this.#met.has(region) || staying >= min) return;
    this.#lacking.add(region);
    if (staying < min - this.#lost) this.#say(`${staying} nodes in ${region}, minimum ${min}`);
  }

  #note(node: StreamNode, nodes: readonly StreamNode[]): void {
    const { uid, name } = node.metadata;
    const deed = { ms: this.#fleet.clock.monotonicMs(), name, region: node.spec.region };
    if (!this.#known.has(uid)) this.launches.push(deed);
    this.#known.add(uid);
    const { drain } = node.spec;
    if (drain === undefined || this.#draining.has(uid)) return;
    this.#draining.add(uid);
    this.drains.push({ ...deed, reason: drain.reason });
    if (drain.reason !== "AboveMaximum") this.#checkDrain(node, nodes);
  }

  /** Whoever asked for it: all that serve are heard of, and the rest can bear the load. */
  #checkDrain(victim: StreamNode, nodes: readonly StreamNode[]): void {
    const { feed } = this.#fleet.process;
    const rest = nodes.filter(serves);
    const silent = [victim, ...rest].filter((node) => isSilent(node, feed, this.#fleet.clock.now()));
    for (const { metadata } of silent) {
      this.#say(`${victim.metadata.name} drains though ${metadata.name} is silent`);
    }
    const connections = [victim, ...rest].reduce((sum, node) => sum + connectionsOf(node, feed), 0);
    const room = rest.reduce((sum, { spec }) => sum + spec.launch.connectionCapacity, 0);
    if (connections * 100 > this.#threshold * room) {
      this.#say(`${victim.metadata.name} drains though ${connections} connections are too many for ${room}`);
    }
  }

  #say(trouble: string): void {
    this.#wrong.add(`${trouble} (${Math.round(this.#fleet.clock.monotonicMs() / 1_000)} s)`);
  }
}

function stays({ metadata, spec }: StreamNode): boolean {
  return metadata.deletionTimestamp === undefined && spec.drain === undefined;
}

function serves(node: StreamNode): boolean {
  return stays(node) && node.status?.phase === "InService";
}

type Feed = Pick<LoadFeed, "latest">;

function isSilent({ metadata }: StreamNode, feed: Feed, now: number): boolean {
  const report = feed.latest(metadata.uid);
  return report === undefined || now - report.receivedAt > staleMs;
}

function connectionsOf({ metadata }: StreamNode, feed: Feed): number {
  return feed.latest(metadata.uid)?.connections ?? 0;
}
