/** Kubernetes Events: what a person reads in `kubectl describe`. */
import { createHash } from "node:crypto";
import { type Instant, toSecondsRfc3339 } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";
import { sleep } from "./clock.ts";
import {
  ApiError,
  type KubernetesApi,
  type KubernetesObject,
  type ObjectMeta,
  type ResourceType,
} from "./kubernetes-api.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

export const eventType: ResourceType = { group: "", version: "v1", kind: "Event", plural: "events", namespaced: true };

/** The object that an event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface EventNote {
  readonly type: "Normal" | "Warning";
  /** Member name of a closed union, such as `ScaledOut`. */
  readonly reason: string;
  /** For people, with numbers. Cut at 1024 characters, the server's limit. */
  readonly message: string;
}

export interface EventRecorderOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Name of the component that speaks. */
  readonly component: string;
  /** Within this time the same note on the same object counts up instead of making another; 10 min when absent. */
  readonly windowMs?: number;
  /** New notes that one object may get at once; 25 when absent. One more every 10 s. */
  readonly burst?: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

const refillMs = 10_000;
const mostPending = 1_000;
const mostBuckets = 10_000;
const longestMessage = 1_024;
/** How long (ms) the end of a process waits for events that are on their way. */
const closeMs = 2_000;

/**
 * Records events in the background, in order, one at a time. Best effort: what fails or is too much is counted and logged,
 * and never reaches the caller.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #buckets = new Map<string, Bucket>();
  #pending = 0;
  #closed = false;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Notes something about an object. Returns at once; never throws. */
  record(subject: EventSubject, note: EventNote): void {
    const { metrics, clock } = this.#options;
    if (this.#closed || this.#pending >= mostPending || !this.#allowed(subject)) {
      metrics.eventRecorded("dropped");
      return;
    }
    this.#pending += 1;
    const now = clock.now();
    this.#tail = this.#tail.then(() => this.#write(subject, note, now));
  }

  /** Resolves when all that was noted so far is written or has failed. */
  async flush(): Promise<void> {
    await this.#tail;
  }

  /** Takes no more, and waits for what was noted, but no longer than `closeMs`: what is lost then is counted and logged. */
  async close(): Promise<void> {
    const { clock, logger, metrics } = this.#options;
    this.#closed = true;
    const late = new AbortController();
    await Promise.race([this.flush().then(() => late.abort()), sleep(clock, closeMs, late.signal)]);
    if (this.#pending === 0) return;
    logger.error("lost events", { events: this.#pending });
    for (let lost = 0; lost < this.#pending; lost++) metrics.eventRecorded("dropped");
  }

  async #write(subject: EventSubject, note: EventNote, now: Instant): Promise<void> {
    const { logger, metrics } = this.#options;
    try {
      await this.#createOrCount(subject, note, now);
      metrics.eventRecorded("recorded");
    } catch (error) {
      metrics.eventRecorded("failed");
      logger.error("could not record event", { reason: note.reason, subject: subject.metadata.name, error });
    } finally {
      this.#pending -= 1;
    }
  }

  async #createOrCount(subject: EventSubject, note: EventNote, now: Instant): Promise<void> {
    const { api, component, windowMs = 600_000 } = this.#options;
    const event = newEvent(subject, note, { now, component, window: Math.floor(now / windowMs) });
    try {
      await api.create(eventType, event);
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
      const { namespace = "default", name } = event.metadata;
      const existing = await api.get(eventType, { namespace, name });
      const count = typeof existing["count"] === "number" ? existing["count"] : 1;
      const patch = { count: count + 1, lastTimestamp: toSecondsRfc3339(now) };
      await api.mergePatch(eventType, { namespace, name }, patch);
    }
  }

  /** A bucket of tokens for each object, so that one that flaps does not fill the cluster. */
  #allowed(subject: EventSubject): boolean {
    const { clock, burst = 25 } = this.#options;
    const key = `${subject.kind}/${subject.metadata.namespace ?? ""}/${subject.metadata.name}`;
    const atMs = clock.monotonicMs();
    const last = this.#buckets.get(key) ?? { tokens: burst, atMs };
    const tokens = Math.min(burst, last.tokens + (atMs - last.atMs) / refillMs);
    if (this.#buckets.size >= mostBuckets) this.#buckets.clear();
    this.#buckets.set(key, { tokens: tokens < 1 ? tokens : tokens - 1, atMs });
    return tokens >= 1;
  }
}

/** The same note about the same object in the same window has the same name, whoever writes it. */
function newEvent(
  subject: EventSubject,
  note: EventNote,
  at: { readonly now: Instant; readonly component: string; readonly window: number },
): KubernetesObject {
  const { name: subjectName, namespace = "default", uid, resourceVersion } = subject.metadata;
  const message = note.message.slice(0, longestMessage);
  const identity = JSON.stringify([subject.kind, uid, note.type, note.reason, message, at.window]);
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  const time = toSecondsRfc3339(at.now);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { namespace, name: `${subjectName.slice(0, 230)}.${hash}` },
    involvedObject: {
      apiVersion: subject.apiVersion,
      kind: subject.kind,
      namespace,
      name: subjectName,
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    type: note.type,
    reason: note.reason,
    message,
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    source: { component: at.component },
    reportingComponent: at.component,
    reportingInstance: "",
  };
}
