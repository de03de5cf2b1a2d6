/** Follows the load feeds of API processes over HTTP and merges them into one. */
import type { NodeReport, ReportRefusal, ScaleInRequest } from "../../domain/load/report.ts";
import type { Clock, LoadFeed } from "../../domain/ports.ts";
import { assertNever } from "../../domain/result.ts";
import { type BackOff, backOffMs } from "../../runtime/back-off.ts";
import { sleep } from "../../runtime/clock.ts";
import { startDeadline } from "../../runtime/deadline.ts";
import type { Logger } from "../../runtime/logger.ts";
import { type NodeKey, signFeedToken } from "../../runtime/node-tokens.ts";
import { steadied } from "../../runtime/steady-clock.ts";
import {
  feedPath,
  feedVersion,
  feedVersionHeader,
  heartbeatMs,
  parseFeedLine,
  type SkippedLine,
  toRefusal,
  toReport,
  toScaleInRequest,
} from "./feed-lines.ts";
import { isResolved, type ResolveHost, watchEndpoints } from "./feed-endpoints.ts";
import { LatestReports } from "../latest-reports.ts";
import { readLines } from "./text-lines.ts";

const reconnectBackOff: BackOff = { baseMs: 250, capMs: 10_000 };

/** Silence (ms) after which a feed counts as dead. */
const longestSilenceMs = 3 * heartbeatMs;

export interface FeedClientOptions {
  /** Base URLs of the API processes, without trailing slashes. A host name stands for every process at its addresses. */
  readonly urls: readonly string[];
  /** Looks host names up; absent: each URL is one process. */
  readonly resolve?: ResolveHost;
  /** A `KeyRing`. */
  readonly keys: { readonly current: NodeKey };
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly logger: Logger;
  readonly metrics: { feedLineSkipped(reason: SkippedLine["reason"]): void };
}

/** One process whose feed is followed. */
interface Source {
  /** The URL that it was found by. */
  readonly by: string;
  state: FeedState;
  /** Whether it is named, or was an address of its name at the last look-up. */
  named: boolean;
}

/** `Live`: the snapshot was read, and changes follow. A feed that is not live says nothing about any node. */
type FeedState = "Connecting" | "Snapshot" | "Live";

/** The newest report of each node, whichever process took it. What was known stays known while a feed is down. */
export class FeedClient implements LoadFeed {
  readonly #options: FeedClientOptions;
  readonly #reports = new LatestReports();
  /** By URL. */
  readonly #sources = new Map<string, Source>();
  /** Names whose addresses are not known yet. */
  readonly #unresolved: Set<string>;
  readonly #running = new Set<Promise<void>>();
  #stop: AbortController | undefined;

  constructor(options: FeedClientOptions) {
    this.#options = { ...options, clock: steadied(options.clock) };
    this.#unresolved = new Set(options.urls);
  }

  latest(uid: string): NodeReport | undefined {
    return this.#reports.latest(uid);
  }

  subscribe(listener: (report: NodeReport) => void): () => void {
    return this.#reports.subscribe(listener);
  }

  /** A request that a feed tells again, after it was lost and found, may be told again. */
  onScaleInRequest(listener: (request: ScaleInRequest) => void): () => void {
    return this.#reports.onScaleInRequest(listener);
  }

  onRefused(listener: (refusal: ReportRefusal) => void): () => void {
    return this.#reports.onRefused(listener);
  }

  /** Drops what is known of a node that is deleted. */
  forget(uid: string): void {
    this.#reports.forget(uid);
  }

  /** Whether every feed is known and live: for tests, which wait for it. */
  isComplete(): boolean {
    return this.#unresolved.size === 0 && [...this.#sources.values()].every(({ state }) => state === "Live");
  }

  start(): void {
    if (this.#stop !== undefined) return;
    const { signal } = (this.#stop = new AbortController());
    const { resolve } = this.#options;
    for (const url of this.#options.urls) {
      const onUrls = (urls: readonly string[]): void => this.#followAll(url, urls, signal);
      if (resolve === undefined || !isResolved(url)) onUrls([url]);
      else this.#run(watchEndpoints(url, { ...this.#options, resolve }, onUrls, signal));
    }
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#sources.clear();
    for (const url of this.#options.urls) this.#unresolved.add(url);
    this.#stop = undefined;
  }

  #run(task: Promise<void>): void {
    this.#running.add(task);
    void task.finally(() => this.#running.delete(task));
  }

  /** An address that the name no longer has is followed on until it falls silent: the name server may know less than we do. */
  #followAll(name: string, urls: readonly string[], signal: AbortSignal): void {
    this.#unresolved.delete(name);
    for (const [url, source] of this.#sources) if (source.by === name) source.named = urls.includes(url);
    for (const url of urls) {
      if (this.#sources.has(url)) continue;
      const source: Source = { by: name, state: "Connecting", named: true };
      this.#sources.set(url, source);
      this.#run(this.#follow(url, source, signal));
    }
  }

  async #follow(url: string, source: Source, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    let failures = 0;
    const isNamed = (): boolean => source.named;
    while (!signal.aborted && isNamed()) {
      try {
        await this.#readOnce(url, source, signal);
      } catch (error) {
        this.#logLoss(url, error, signal);
      }
      failures = source.state === "Live" ? 1 : failures + 1;
      source.state = "Connecting";
      if (isNamed()) await sleep(clock, backOffMs(failures, random, reconnectBackOff), signal);
    }
    this.#sources.delete(url);
  }

  #logLoss(url: string, error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.#options.logger.error("lost load feed", { url, error });
  }

  /** Reads one connection to its end; throws when it breaks, is refused or falls silent. */
  async #readOnce(url: string, source: Source, signal: AbortSignal): Promise<void> {
    const { clock, fetch, keys } = this.#options;
    const deadline = startDeadline(clock, longestSilenceMs, "waiting for the load feed", signal);
    try {
      const headers = { Authorization: `Bearer ${signFeedToken(keys.current)}` };
      const response = await fetch(`${url}${feedPath}`, { headers, signal: deadline.signal });
      if (response.status !== 200 || response.body === null) {
        await response.body?.cancel();
        throw new Error(`the load feed was refused with status ${response.status}`);
      }
      this.#noteVersion(url, response.headers.get(feedVersionHeader));
      source.state = "Snapshot";
      for await (const line of readLines(response.body)) {
        deadline.extend();
        this.#take(source, line);
      }
    } finally {
      deadline.clear();
    }
  }

  /** What another version says is read as far as it is understood; people are told, for the processes are to be of one version soon. */
  #noteVersion(url: string, version: string | null): void {
    if (version === null || version === String(feedVersion)) return;
    this.#options.logger.info("load feed is of another version", {
      url,
      version: version.slice(0, 16),
      own: feedVersion,
    });
  }

  #take(source: Source, text: string): void {
    const line = parseFeedLine(text);
    switch (line.kind) {
      case "Report":
        this.#reports.record(toReport(line, this.#options.clock.now()));
        return;
      case "ScaleInRequest":
        this.#reports.requestScaleIn(toScaleInRequest(line, this.#options.clock.now()));
        return;
      case "Gone":
        this.#reports.forget(line.uid);
        return;
      case "SnapshotEnd":
        source.state = "Live";
        return;
      case "Refused":
        this.#reports.refuse(toRefusal(line, this.#options.clock.now()));
        return;
      case "Heartbeat":
        return;
      case "Skipped":
        this.#options.metrics.feedLineSkipped(line.reason);
        return;
      default:
        assertNever(line);
    }
  }
}
