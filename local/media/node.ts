/** A model of one media server: it calls back over HTTP, reports, links to its parents and does as it is told. */
import type { RegisterRequest, RegisterResponse, ReportRequest, ReportResponse } from "../../api/node-schemas.ts";
import type { ChildReport } from "../../domain/load/report.ts";
import type { Clock } from "../../domain/ports.ts";
import { type BackOff, backOffMs } from "../../runtime/back-off.ts";
import { sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { EdgeRequests } from "./idle-edges.ts";
import { MediaLinks } from "./links.ts";
import { idle, loadOfBoth, type MediaLoad } from "./load.ts";
import { type MediaSession, MediaSessions } from "./sessions.ts";
import { type NodeAnswer, NodeApiClient } from "./node-api-client.ts";

/** What all nodes of a process share. */
export interface MediaNodeWorld {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly logger: Logger;
  /** Headers by which an API on this machine believes that a call comes from this address; absent: there are none. */
  readonly callsFrom?: (address: string) => Readonly<Record<string, string>>;
}

export interface MediaNodeOptions extends MediaNodeWorld {
  /** Base URL of the node API. */
  readonly apiUrl: string;
  readonly joinToken: string;
  /** What the node says of itself. */
  readonly identity: RegisterRequest;
  /** It ran before our process did, so its links have not broken: the first parents that it is told are linked already. */
  readonly resumed?: boolean;
  /** The edges that are linked to this origin; default: none is known. */
  readonly childrenOf?: (origin: StreamNodeId) => readonly ChildReport[];
}

/** The StreamNode that a media node is, as it was told when it registered. */
export type StreamNodeId = Pick<RegisterResponse, "namespace" | "group" | "name">;

/** `Full`: every slot is taken. `Draining`: it takes nobody any more. `NotServing`: it is not registered. */
export type ConnectAnswer = "Connected" | "Full" | "Draining" | "NotServing";

/** `Gone`: told to stop for good. */
export type MediaNodeState = "Idle" | "Registering" | "Serving" | "Gone" | "Stopped";

const retryBackOff: BackOff = { baseMs: 500, capMs: 15_000 };

/** Time (ms) that a link takes to come up, and after which news are reported. */
const linkMs = 100;

/** Most edges that a report tells of. */
const mostChildren = 2_000;

/** Part of the report interval by which chance shortens it, so that nodes started together do not report together. */
const intervalJitter = 0.1;

/** One media server of one boot: registers, reports until it is stopped or told to go, and never gives up in between. */
export class MediaNode {
  readonly #options: MediaNodeOptions;
  readonly #client: NodeApiClient;
  readonly #links = new MediaLinks();
  #state: MediaNodeState = "Idle";
  /** What occupies it beside the sessions. */
  #given: MediaLoad = idle;
  readonly #sessions = new MediaSessions();
  readonly #edgeRequests: EdgeRequests;
  /** What it was told when it registered last. */
  #session: RegisterResponse | undefined;
  #directives: ReportResponse["directives"] = [];
  /** Begins with the time, so that it rises also when our process, and not the machine, is started anew. */
  #sequence: number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** The last client has left a node that drains, and no report has said so yet. */
  #hasEmptied = false;
  /** Ends the wait for the next report. */
  #wake: () => void = () => undefined;

  constructor(options: MediaNodeOptions) {
    this.#options = options;
    const { callsFrom, identity } = options;
    const whereabouts = (): Readonly<Record<string, string>> => callsFrom?.(identity.address) ?? {};
    this.#client = new NodeApiClient({ ...options, whereabouts });
    this.#edgeRequests = new EdgeRequests({ ...options, client: this.#client });
    this.#sequence = options.clock.now();
  }

  get state(): MediaNodeState {
    return this.#state;
  }

  /** What it was told to do and is doing. */
  get directives(): ReportResponse["directives"] {
    return this.#directives;
  }

  /** Where it is reached. */
  get addresses(): readonly string[] {
    const { address, privateAddress } = this.#options.identity;
    return privateAddress === undefined ? [address] : [address, privateAddress];
  }

  /** The StreamNode that it is; undefined until it has registered. */
  get streamNode(): StreamNodeId | undefined {
    return this.#session;
  }

  /** Whether it takes new clients, were there room. Every directive that there is tells it to take none. */
  get accepting(): boolean {
    return this.#directives.length === 0;
  }

  /** Its load as a report would tell it now. */
  get load(): MediaLoad {
    return loadOfBoth(this.#given, this.#sessions.load(), this.#capacity);
  }

  /** What the next reports say beside the sessions: for tests. */
  setLoad(load: MediaLoad): void {
    const before = this.#connections;
    this.#given = load;
    this.#noticeEmptying(before);
  }

  /** Takes a client in if it can. One that is connected already stays so. */
  connect(session: MediaSession): ConnectAnswer {
    if (this.#state !== "Serving" || this.#stop.signal.aborted) return "NotServing";
    if (this.#sessions.has(session.id)) return "Connected";
    if (!this.accepting) return "Draining";
    if (this.#connections >= this.#capacity) return "Full";
    this.#sessions.add(session);
    return "Connected";
  }

  /** Lets a client go; says whether it was there. */
  disconnect(id: string): boolean {
    const before = this.#connections;
    const known = this.#sessions.remove(id);
    this.#noticeEmptying(before);
    return known;
  }

  /** Cuts all clients off, as the end of a machine does, and gives their ids. */
  cut(): readonly string[] {
    return this.#sessions.removeAll();
  }

  /** What this origin would say of the node if it is one of its edges: linked to it, in the same group. */
  asChildOf({ namespace, group, name }: StreamNodeId): ChildReport | undefined {
    const own = this.#session;
    if (this.#state !== "Serving" || own?.group !== group || own.namespace !== namespace) return undefined;
    if (!this.#links.isEstablished(name)) return undefined;
    const { subscribers } = this.#sessions;
    return {
      name: own.name,
      connections: this.#connections,
      subscribers: this.#given.subscribers + subscribers,
      streams: this.#given.streams.length + this.#sessions.streamCount,
    };
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
    await this.#edgeRequests.settled();
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
      this.#edgeRequests.consider(session, report.children, answer.body.edgeIdleSeconds, signal);
      await this.#rest(news ? linkMs : this.#jittered(intervalMs), signal);
    }
    return taken;
  }

  #dismiss(kind: "Refused" | "Gone", taken: number): number {
    this.#state = kind === "Gone" ? "Gone" : "Registering";
    return taken;
  }

  /** Does as it is told, and says whether that is worth a report at once. */
  #follow(report: ReportRequest, answer: ReportResponse): boolean {
    // Of an earlier life of our process, or of a clock that was set back: reports below it are not taken.
    this.#sequence = Math.max(this.#sequence, answer.newestSequence ?? 0);
    this.#links.reported(report.links);
    this.#links.follow(answer.parents.map(({ name }) => name));
    this.#directives = answer.directives;
    const unacknowledged = answer.directives.some(({ id }) => !report.acknowledged.includes(id));
    return this.#links.haveNews || unacknowledged || this.accepting !== report.accepting;
  }

  /** Waits for the next report; one that tells that the last client has left does not wait. */
  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#hasEmptied) return;
    const nap = new AbortController();
    const wake = (): void => nap.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake);
    await sleep(this.#options.clock, signal.aborted ? 0 : ms, nap.signal);
    signal.removeEventListener("abort", wake);
  }

  #noticeEmptying(before: number): void {
    if (this.accepting || before === 0 || this.#connections > 0) return;
    this.#hasEmptied = true;
    this.#wake();
  }

  get #connections(): number {
    return this.#given.connections + this.#sessions.size;
  }

  get #capacity(): number {
    return this.#session?.connectionCapacity ?? 0;
  }

  #report(): ReportRequest {
    this.#sequence += 1;
    this.#hasEmptied = false;
    const { load } = this;
    return {
      ...load,
      bootId: this.#options.identity.bootId,
      sequence: this.#sequence,
      accepting: this.accepting,
      admitted: this.#sessions.admitted,
      streams: [...load.streams],
      links: [...this.#links.list()],
      children: [...this.#children()],
      acknowledged: this.#directives.map(({ id }) => id),
    };
  }

  #children(): readonly ChildReport[] {
    const { childrenOf } = this.#options;
    if (this.#session?.role !== "origin" || childrenOf === undefined) return [];
    return childrenOf(this.#session).slice(0, mostChildren);
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
