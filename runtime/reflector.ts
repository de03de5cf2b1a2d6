/** Follows a collection of objects through every failure of the connection: list, watch, and again. */
import type { Clock } from "../domain/ports.ts";
import { assertNever } from "../domain/result.ts";
import { type BackOff, backOffMs } from "./back-off.ts";
import { sleep } from "./clock.ts";
import { DeadlineError, startDeadline } from "./deadline.ts";
import {
  ApiError,
  type KubernetesApi,
  type KubernetesObject,
  type ResourceType,
  type WatchEvent,
  type WatchOptions,
} from "./kubernetes-api.ts";
import type { Logger } from "./logger.ts";
import type { InformerRestart, Metrics } from "./metrics.ts";

/** Which objects are followed. */
export interface Selection {
  readonly type: ResourceType;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ReflectorOptions extends Selection {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** A kind that the cluster does not know has no objects; absent: nothing is known of them. */
  readonly missingIsNone?: boolean;
  /** Objects in one page of a list; 500 when absent. */
  readonly pageSize?: number;
  /** A watch without event or bookmark for this long is opened anew; 90 s when absent (a server sends one a minute). */
  readonly silenceMs?: number;
  /** Wait between attempts; from 0.5 s to 30 s when absent. */
  readonly backOff?: BackOff;
}

/** Who is told. `replace` carries everything that exists; what it does not name is gone. */
export interface ReflectorSink {
  replace(objects: readonly KubernetesObject[]): void;
  apply(type: "ADDED" | "MODIFIED" | "DELETED", object: KubernetesObject): void;
}

/** How a watch came to its end. `error` is absent where the end was in order. */
interface WatchEnd {
  readonly cause: InformerRestart;
  readonly error?: unknown;
}

const defaultBackOff: BackOff = { baseMs: 500, capMs: 30_000 };

/** Lists and watches until told to stop; never gives up. */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #sink: ReflectorSink;
  /** Version to watch from; undefined when only a list can tell. */
  #version: string | undefined;
  /** Failures in a row, without a sign of life between them. */
  #failures = 0;
  #lastError: unknown;

  constructor(options: ReflectorOptions, sink: ReflectorSink) {
    this.#options = options;
    this.#sink = sink;
  }

  /** What went wrong last, for the message of a start that takes too long. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Follows the collection until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#recover(await this.#followOnce(signal), signal);
  }

  async #followOnce(signal: AbortSignal): Promise<WatchEnd> {
    try {
      this.#version ??= await this.#list(signal);
      return await this.#watch(this.#version, signal);
    } catch (error) {
      if (this.#options.missingIsNone === true && error instanceof ApiError && error.code === 404)
        this.#sink.replace([]);
      return { cause: causeOf(error), error };
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { api, type, metrics, pageSize = 500 } = this.#options;
    const objects: KubernetesObject[] = [];
    const options = { ...scopeOf(this.#options), limit: pageSize };
    let page = await api.list(type, options, signal);
    objects.push(...page.items);
    while (page.metadata.continue !== undefined && page.metadata.continue !== "") {
      page = await api.list(type, { ...options, continue: page.metadata.continue }, signal);
      objects.push(...page.items);
    }
    this.#sink.replace(objects);
    this.#lastError = undefined;
    metrics.informerListed(type.plural);
    return page.metadata.resourceVersion;
  }

  async #watch(version: string, signal: AbortSignal): Promise<WatchEnd> {
    const { api, clock, random, type, silenceMs = 90_000 } = this.#options;
    const silence = startDeadline(clock, silenceMs, "silence of a watch", signal);
    // Servers end watches between 5 and 10 minutes; choosing the end here spreads the new ones.
    const timeoutSeconds = 300 + Math.floor(300 * random());
    const options = watchOptions(this.#options, version, timeoutSeconds);
    try {
      for await (const event of api.watch(type, options, silence.signal)) {
        silence.extend();
        const end = this.#take(event);
        if (end !== undefined) return end;
      }
      return endOfSilence(silence.signal) ?? { cause: "ended" };
    } catch (error) {
      return endOfSilence(silence.signal) ?? { cause: causeOf(error), error };
    } finally {
      silence.clear();
    }
  }

  #take(event: WatchEvent): WatchEnd | undefined {
    if (event.type === "ERROR") {
      const error = new ApiError(event.code, "WatchError", event.message);
      return { cause: causeOf(error), error };
    }
    this.#failures = 0;
    this.#lastError = undefined;
    const version = event.type === "BOOKMARK" ? event.resourceVersion : event.object.metadata.resourceVersion;
    if (event.type !== "BOOKMARK") this.#sink.apply(event.type, event.object);
    if (version !== undefined && version !== "") this.#version = version;
    return undefined;
  }

  /** Decides from where to go on, and waits. Every wait has jitter, for all informers of a fleet lose a server at once. */
  async #recover(end: WatchEnd, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock, random, logger, metrics, type, backOff = defaultBackOff } = this.#options;
    this.#failures += 1;
    this.#lastError = end.error ?? this.#lastError;
    if (mustList(end.cause, this.#failures)) this.#version = undefined;
    metrics.informerRestarted(type.plural, end.cause);
    const waitMs = backOffMs(this.#failures, random, backOff);
    const fields = { resource: type.plural, cause: end.cause, error: end.error, waitMs };
    if (end.cause === "refused" || end.cause === "broken") logger.error("lost the watch", fields);
    else logger.debug("opened the watch anew", fields);
    await sleep(clock, waitMs, signal);
  }
}

/**
 * After an orderly end, a silence or a first broken connection the watch goes on where it stopped. What was refused, and
 * what keeps breaking, starts from a list.
 */
function mustList(cause: InformerRestart, failures: number): boolean {
  switch (cause) {
    case "ended":
    case "silent":
    case "broken":
      return failures > 2;
    case "expired":
    case "refused":
      return true;
    default:
      return assertNever(cause);
  }
}

function causeOf(error: unknown): InformerRestart {
  if (!(error instanceof ApiError)) return "broken";
  return error.code === 410 ? "expired" : "refused";
}

function endOfSilence(signal: AbortSignal): WatchEnd | undefined {
  return signal.reason instanceof DeadlineError ? { cause: "silent" } : undefined;
}

function scopeOf(selection: Selection): Omit<Selection, "type"> {
  const { namespace, labelSelector, fieldSelector } = selection;
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

function watchOptions(selection: Selection, resourceVersion: string, timeoutSeconds: number): WatchOptions {
  return { ...scopeOf(selection), resourceVersion, timeoutSeconds, allowWatchBookmarks: true };
}
