/** The example under load: a crowd that comes and goes, and a watch over what the fleet does about it. */
import { instant } from "../../domain/time.ts";
import type { Crowd } from "../../local/simulation/crowd.ts";
import type { CrowdCounts } from "../../local/simulation/crowd-counts.ts";
import { type Trace, traceThrough } from "../../local/simulation/trace.ts";
import { crowdAt, stepCrowd } from "./crowd.ts";
import { exampleManifests, Fleet, type FleetOptions, namespace } from "./fleet.ts";
import { LoadWatch } from "./load-watch.ts";
import type { ProcessOptions } from "./operator-process.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface LoadOptions {
  readonly fleet?: FleetOptions;
  readonly process?: ProcessOptions;
  /** Limits and waits of the edges. */
  readonly edge?: { readonly minLimit: number; readonly maxLimit: number } & Fields;
  readonly origin?: { readonly minLimit: number; readonly maxLimit: number } & Fields;
  /** The rest of the policy's spec. */
  readonly policy?: Fields;
  readonly regions?: readonly string[];
}

/** Connections of an edge: few, so that a small crowd is a large one. */
export const edgeCapacity = 20;
export const originCapacity = 30;

const usualEdge = { minLimit: 2, maxLimit: 12 };
const usualOrigin = { minLimit: 1, maxLimit: 1 };

export class LoadScenario {
  readonly fleet: Fleet;
  readonly crowd: Crowd;
  readonly edges: LoadWatch;
  /** Whether viewers leave one by one and others come in their place, a tenth of them every five seconds. */
  restless = false;
  readonly #policy: Fields;
  /** Look-ups that named a node which is to go. */
  #misled = 0;
  #edge: Fields;

  private constructor(fleet: Fleet, options: LoadOptions) {
    const { edge = usualEdge, policy = {}, origin = usualOrigin } = options;
    this.fleet = fleet;
    this.crowd = crowdAt(fleet, (name) => {
      if (fleet.node(name).spec.drain !== undefined) this.#misled += 1;
    });
    this.#edge = edge;
    this.#policy = { ...policy, roles: [{ role: "origin", ...origin }] };
    this.edges = new LoadWatch(fleet, { min: edge.minLimit, max: edge.maxLimit });
  }

  /** With the minimum in service. */
  static async open(options: LoadOptions = {}): Promise<LoadScenario> {
    const scenario = new LoadScenario(new Fleet(options.fleet), options);
    const { fleet } = scenario;
    await fleet.start(options.process);
    await scenario.#apply(options);
    const regions = options.regions?.length ?? 1;
    const { edge = usualEdge, origin = usualOrigin } = options;
    const nodes = regions * (edge.minLimit + origin.minLimit);
    await fleet.until("the minimum", () => fleet.inService() === nodes, 300_000);
    return scenario;
  }

  get counts(): CrowdCounts {
    return this.crowd.counts;
  }

  /** Seconds of the virtual clock. */
  get seconds(): number {
    return this.fleet.clock.monotonicMs() / 1_000;
  }

  /** So many viewers, as soon as they find a place, for so long. */
  hold(viewers: number, seconds: number, each?: () => void): Promise<void> {
    return this.play(flat(viewers, seconds), each);
  }

  /** From so many viewers to so many, at an even pace. */
  ramp(from: number, to: number, seconds: number): Promise<void> {
    return this.play(
      traceThrough("ramp", [
        { seconds: 0, viewers: from, publishers: 1 },
        { seconds, viewers: to, publishers: 1 },
      ]),
    );
  }

  /** The crowd follows the trace, second by second. */
  async play(trace: Trace, each: () => void = () => undefined): Promise<void> {
    for (let second = 0; second < trace.durationSeconds; second += 1) {
      const target = trace.at(second);
      if (this.restless && second % 5 === 0) {
        this.crowd.setTarget({ ...target, viewers: Math.floor(target.viewers * 0.9) });
        await stepCrowd(this.crowd, this.fleet);
      }
      this.crowd.setTarget(target);
      await stepCrowd(this.crowd, this.fleet);
      await this.fleet.advance(1_000);
      each();
    }
  }

  /** Plays on with so many viewers until it holds, looking every five seconds; answers after how many. */
  async until(what: string, viewers: number, holds: () => boolean, withinSeconds: number): Promise<number> {
    const start = this.seconds;
    while (!holds()) {
      if (this.seconds - start >= withinSeconds) await this.fleet.until(what, holds, 0);
      await this.hold(viewers, 5);
    }
    return this.seconds - start;
  }

  /** Changes the policy of the edges; what is not named stays. */
  async change(edge: Fields): Promise<void> {
    this.#edge = { ...this.#edge, ...edge };
    await this.fleet.patch("ScalePolicy", "live", { spec: this.#spec() });
  }

  /** The state of the edges' alarm of this name. */
  alarm(name: string, region = "eu-west-1"): string | undefined {
    const alarms = this.fleet.group().status?.alarms ?? [];
    return alarms.find((entry) => entry.alarm === name && entry.region === region)?.state;
  }

  /** States that an alarm of the edges went through, oldest first. */
  async statesOf(name: string): Promise<readonly string[]> {
    await this.fleet.process.flushHistory();
    const transitions = await this.fleet.database.alarms.during({
      ...{ namespace, group: "live", limit: 1_000 },
      from: instant(0),
      to: instant(Number.MAX_SAFE_INTEGER),
    });
    return transitions
      .filter(({ alarm }) => alarm === name)
      .toReversed()
      .map(({ to }) => to);
  }

  /** What was wrong so far: with the limits, with what was drained, with viewers who were cut, sent to a node that is to go or would not have them, or sent away for nothing. */
  wrong(): readonly string[] {
    const { cut, lost, refused, rejectedWithRoom } = this.counts;
    const harm = Object.entries({ cut, lost, refused, rejectedWithRoom, misled: this.#misled }).filter(
      ([, count]) => count > 0,
    );
    return [...this.edges.wrong, ...harm.map(([what, count]) => `${count} ${what}`)];
  }

  close(): void {
    this.fleet.close();
  }

  async #apply({ regions }: LoadOptions): Promise<void> {
    const [config, policy, group] = exampleManifests();
    if (config === undefined || policy === undefined || group === undefined) throw new Error("the example has changed");
    const roles = [
      { role: "origin", instanceType: "small", connectionCapacity: originCapacity },
      { role: "edge", instanceType: "large", connectionCapacity: edgeCapacity },
    ];
    await this.fleet.apply({ ...config, spec: { ...(config["spec"] as object), roles } });
    await this.fleet.apply({ ...policy, spec: this.#spec() });
    await this.fleet.apply({ ...group, spec: { ...(group["spec"] as object), ...(regions && { regions }) } });
  }

  #spec(): Fields {
    const roles = this.#policy["roles"] as readonly Fields[];
    return { ...this.#policy, roles: [...roles, { role: "edge", ...this.#edge }] };
  }
}

function flat(viewers: number, seconds: number): Trace {
  return { name: "flat", durationSeconds: seconds, at: () => ({ viewers, publishers: 1 }) };
}
