/** A model of one media server: it calls back over HTTP, reports, links to its parents and does as it is told. */
import type { RegisterRequest, RegisterResponse, ReportRequest, ReportResponse } from "../api/node-schemas.ts";
import type { NodeReport } from "../domain/load.ts";
import type { Clock } from "../domain/time.ts";
import type { BackOff } from "../runtime/back-off.ts";
import { backOffMs } from "../runtime/back-off.ts";
import { sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { MediaLinks } from "./media-links.ts";
import type { NodeAnswer } from "./node-api-client.ts";
import { NodeApiClient } from "./node-api-client.ts";

/** What occupies the node: direct clients and streams. */
export type MediaLoad = Pick<
  NodeReport,
  "connections" | "publishers" | "subscribers" | "cpuPercent" | "memoryPercent" | "egressMbps" | "streams"
>;

/** What all nodes of a process share. */
export interface MediaNodeWorld {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly logger: Logger;
}

export interface MediaNodeOptions extends MediaNodeWorld {
  /** Base URL of the node API. */
  readonly apiUrl: string;
  readonly joinToken: string;
  /** What the node says of itself. */
  readonly identity: RegisterRequest;
  /** It ran before our process did, so its links have not broken: the first parents that it is told are linked already. */
  readonly resumed?: boolean;
}

/** `Gone`: told to stop for good. */
export type MediaNodeState = "Idle" | "Registering" | "Serving" | "Gone" | "Stopped";

const idle: MediaLoad = { connections: 0, publishers: 0, subscribers: 0, streams: [] };

const retryBackOff: BackOff = { baseMs: 500, capMs: 15_000 };

/** Time (ms) that a link takes to come up, and after which news are reported. */
const linkMs = 100;

/** Part of the report interval by which chance shortens it, so that nodes started together do not report together. */
const intervalJitter = 0.1;

/** One media server of one boot: registers, reports until it is stopped or told to go, and never gives up in between. */
export class MediaNode {
  readonly #options: MediaNodeOptions;
  readonly #client: NodeApiClient;
  readonly #links = new MediaLinks();
  #state: MediaNodeState = "Idle";
  #load: MediaLoad = idle;
  /** What it was told when it registered last. */
  #session: RegisterResponse | undefined;
  #directives: ReportResponse["directives"] = [];
  /** Begins with the time, so that it rises also when our process, and not the machine, is started anew. */
  #sequence: number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: MediaNodeOptions) {
    this.#options = options;
    this.#client = new NodeApiClient(options);
    this.#sequence = options.clock.now();
  }

  get state(): MediaNodeState {
    return this.#state;
  }

  /** What it was told to do and is doing. */
  get directives(): ReportResponse["directives"] {
    return this.#directives;
  }

  /** What the next reports say. */
  setLoad(load: MediaLoad): void {
    this.#load = load;
  }

  /** Starts the server; a node is started once. */
  start(): void {
    if (this.#state !== "Idle") return;
    this.#state = "Registering";
    this.#running = this.#live(this.#stop.signal);
  }

  /** Stops the server: with a goodbye as on a machine that shuts down, else as on one that vanishes. */
  async stop({ goodbye = false }: { readonly goodbye?: boolean } = {}): Promise<void> {
    const serving = this.#state === "Serving";
    this.#stop.abort();
    await this.#running;
    this.#state = "Stopped";
    if (!goodbye || !serving || this.#session === undefined) return;
    await this.#client.goodbye(this.#session, this.#options.identity.bootId, new AbortController().signal);
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { joinToken, identity, logger } = this.#options;
    let failures = 0;
    while (this.#mayCall(signal)) {
      const answer = await this.#client.register(joinToken, identity, signal);
      if (answer.kind === "Gone") this.#state = "Gone";
      if (answer.kind !== "Accepted") logger.debug("could not register", { machineId: identity.machineId, answer });
      const taken = answer.kind === "Accepted" ? await this.#serve(answer.body, signal) : 0;
      failures = taken > 0 ? 0 : failures + 1;
      if (failures > 0 && this.#mayCall(signal)) await this.#pause(answer, failures, signal);
    }
  }

  #mayCall(signal: AbortSignal): boolean {
    return !signal.aborted && this.#state !== "Gone";
  }

  /** Reports until the API wants a new registration, or no reports any more; answers how many were taken. */
  async #serve(session: RegisterResponse, signal: AbortSignal): Promise<number> {
    const parents = session.parents.map(({ name }) => name);
    if (this.#session === undefined && this.#options.resumed === true) this.#links.resume(parents);
    this.#links.follow(parents);
    this.#session = session;
    this.#state = "Serving";
    let intervalMs = session.reportIntervalMs;
    let taken = 0;
    let failures = 0;
    while (!signal.aborted) {
      const report = this.#report();
      const answer = await this.#client.report(session, report, signal);
      if (answer.kind === "Refused" || answer.kind === "Gone") return this.#dismiss(answer.kind, taken);
      if (answer.kind === "Later") {
        failures += 1;
        await this.#pause(answer, failures, signal, intervalMs);
        continue;
      }
      failures = 0;
      taken += 1;
      intervalMs = answer.body.reportIntervalMs;
      const news = this.#follow(report, answer.body);
      await sleep(this.#options.clock, news ? linkMs : this.#jittered(intervalMs), signal);
    }
    return taken;
  }

  #dismiss(kind: "Refused" | "Gone", taken: number): number {
    this.#state = kind === "Gone" ? "Gone" : "Registering";
    return taken;
  }

  /** Does as it is told, and says whether that is worth a report at once. */
  #follow(report: ReportRequest, answer: ReportResponse): boolean {
    this.#links.reported(report.links);
    this.#links.follow(answer.parents.map(({ name }) => name));
    this.#directives = answer.directives;
    const unacknowledged = answer.directives.some(({ id }) => !report.acknowledged.includes(id));
    return this.#links.haveNews || unacknowledged;
  }

  #report(): ReportRequest {
    this.#sequence += 1;
    return {
      ...this.#load,
      bootId: this.#options.identity.bootId,
      sequence: this.#sequence,
      streams: [...this.#load.streams],
      links: [...this.#links.list()],
      acknowledged: this.#directives.map(({ id }) => id),
    };
  }

  #pause(answer: NodeAnswer<unknown>, failures: number, signal: AbortSignal, longestMs = retryBackOff.capMs) {
    const { clock, random } = this.#options;
    const told = answer.kind === "Later" ? answer.ms : undefined;
    const ms = told ?? Math.min(longestMs, backOffMs(failures, random, retryBackOff));
    return sleep(clock, ms, signal);
  }

  #jittered(intervalMs: number): number {
    return intervalMs * (1 - intervalJitter * this.#options.random());
  }
}
