/** Follows the load feeds of API processes over HTTP and merges them into one. */
import type { LoadFeed, NodeReport, ReportRefusal, ScaleInRequest } from "../domain/load.ts";
import type { Clock } from "../domain/time.ts";
import { assertNever } from "../domain/result.ts";
import type { BackOff } from "../runtime/back-off.ts";
import { backOffMs } from "../runtime/back-off.ts";
import { sleep } from "../runtime/clock.ts";
import { startDeadline } from "../runtime/deadline.ts";
import type { Logger } from "../runtime/logger.ts";
import type { NodeKey } from "../runtime/node-tokens.ts";
import { signFeedToken } from "../runtime/node-tokens.ts";
import { steadied } from "../runtime/steady-clock.ts";
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
import { ReportBook } from "./report-book.ts";
import { readLines } from "./text-lines.ts";

const reconnectBackOff: BackOff = { baseMs: 250, capMs: 10_000 };

/** Silence (ms) after which a feed counts as dead. */
const longestSilenceMs = 3 * heartbeatMs;

export interface FeedClientOptions {
  /** Base URLs of the API processes, without trailing slashes. */
  readonly urls: readonly string[];
  /** A `KeyRing`. */
  readonly keys: { readonly current: NodeKey };
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly logger: Logger;
  readonly metrics: { feedLineSkipped(reason: SkippedLine["reason"]): void };
}

/** `Live`: the snapshot was read, and changes follow. A feed that is not live says nothing about any node. */
type FeedState = "Connecting" | "Snapshot" | "Live";

/** The newest report of each node, whichever process took it. What was known stays known while a feed is down. */
export class FeedClient implements LoadFeed {
  readonly #options: FeedClientOptions;
  readonly #book = new ReportBook();
  readonly #states = new Map<string, FeedState>();
  #stop: AbortController | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: FeedClientOptions) {
    this.#options = { ...options, clock: steadied(options.clock) };
    for (const url of options.urls) this.#states.set(url, "Connecting");
  }

  latest(uid: string): NodeReport | undefined {
    return this.#book.latest(uid);
  }

  subscribe(listener: (report: NodeReport) => void): () => void {
    return this.#book.subscribe(listener);
  }

  /** A request that a feed tells again, after it was lost and found, may be told again. */
  onScaleInRequest(listener: (request: ScaleInRequest) => void): () => void {
    return this.#book.onScaleInRequest(listener);
  }

  onRefused(listener: (refusal: ReportRefusal) => void): () => void {
    return this.#book.onRefused(listener);
  }

  /** Drops what is known of a node that is deleted. */
  forget(uid: string): void {
    this.#book.forget(uid);
  }

  /** Whether every feed is live: only then does a node's silence mean anything. */
  isComplete(): boolean {
    return [...this.#states.values()].every((state) => state === "Live");
  }

  start(): void {
    if (this.#stop !== undefined) return;
    const { signal } = (this.#stop = new AbortController());
    this.#running = Promise.all([...this.#states.keys()].map((url) => this.#follow(url, signal)));
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
    this.#stop = undefined;
  }

  async #follow(url: string, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#readOnce(url, signal);
      } catch (error) {
        this.#logLoss(url, error, signal);
      }
      failures = this.#states.get(url) === "Live" ? 1 : failures + 1;
      this.#states.set(url, "Connecting");
      await sleep(clock, backOffMs(failures, random, reconnectBackOff), signal);
    }
  }

  #logLoss(url: string, error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.#options.logger.error("lost load feed", { url, error });
  }

  /** Reads one connection to its end; throws when it breaks, is refused or falls silent. */
  async #readOnce(url: string, signal: AbortSignal): Promise<void> {
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
      this.#states.set(url, "Snapshot");
      for await (const line of readLines(response.body)) {
        deadline.extend();
        this.#take(url, line);
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

  #take(url: string, text: string): void {
    const line = parseFeedLine(text);
    switch (line.kind) {
      case "Report":
        this.#book.record(toReport(line, this.#options.clock.now()));
        return;
      case "ScaleInRequest":
        this.#book.requestScaleIn(toScaleInRequest(line, this.#options.clock.now()));
        return;
      case "Gone":
        this.#book.forget(line.uid);
        return;
      case "SnapshotEnd":
        this.#states.set(url, "Live");
        return;
      case "Refused":
        this.#book.refuse(toRefusal(line, this.#options.clock.now()));
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
