/**
 * What is known of our machines in a cloud, region by region, from complete listings alone. Absence is evidence only in
 * a complete listing that began late enough for the machine to be visible: anything less proves nothing.
 */
import { tellAll } from "../domain/listeners.ts";
import type { Machine } from "../domain/node/machine.ts";
import { clusterTag } from "../domain/node/ownership.ts";
import type { PlatformError } from "../domain/launch/platform-error.ts";
import { failed, ok, type Result } from "../domain/result.ts";
import type { Clock } from "../domain/ports.ts";
import { MachineReader, type ReadResult } from "./machine-reader.ts";
import type { CloudPlatform } from "./platform.ts";
import { listingPauseMs } from "./listing-pause.ts";
import { changesBetween, toListing, type Listing, type MachineChange, type Moment } from "./listing.ts";
import { SightingHistory, type MachineSighting } from "./sighting-history.ts";

export interface MachineInventoryOptions {
  readonly platform: CloudPlatform;
  readonly clock: Clock;
  /** From 0 up to 1: spreads the listings of many regions and replicas. */
  readonly random: () => number;
  /** Only machines that carry this cluster id are ours. */
  readonly clusterId: string;
  /** A listing that has not ended after this is aborted and counts as failed; 60 s unless given. */
  readonly listTimeoutMs?: number;
  /** For how long (ms) a machine that is missing is remembered; 24 h unless given. */
  readonly memoryMs?: number;
  /** Told of every listing that failed, for the log. */
  readonly onFailure?: (region: string, error: PlatformError) => void;
}

export type ListingListener = (region: string, listing: Listing, changes: readonly MachineChange[]) => void;
export type ListingResult = Result<Listing, PlatformError>;

interface Region {
  readonly name: string;
  readonly sightings: SightingHistory;
  readonly reader: MachineReader;
  watchers: number;
  failures: number;
  latest?: Listing;
  lastError?: PlatformError;
  /** The listing under way. */
  running?: Promise<ListingResult>;
  /** The one that follows it because somebody asked meanwhile. */
  next?: Promise<ListingResult>;
  cancelPoll?: () => void;
  abort?: () => void;
  /** Until this monotonic time the cloud has asked not to be called. */
  throttledUntilMs: number;
}

/** A read that has not ended after this (ms) counts as failed. */
const readTimeoutMs = 30_000;

const stoppedError: PlatformError = { kind: "Unavailable", message: "the inventory has been stopped" };

/** Lists the regions that are watched, one call at a time for each, and remembers what the listings say. */
export class MachineInventory {
  readonly #options: MachineInventoryOptions;
  readonly #regions = new Map<string, Region>();
  readonly #listeners = new Set<ListingListener>();
  #stopped = false;

  constructor(options: MachineInventoryOptions) {
    this.#options = options;
  }

  /** Lists the region now and then at intervals, until every watcher has called the returned function. */
  watch(name: string): () => void {
    const region = this.#region(name);
    region.watchers += 1;
    if (region.watchers === 1 && region.running === undefined) void this.refresh(name);
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      region.watchers -= 1;
      if (region.watchers === 0) region.cancelPoll?.();
    };
  }

  /** The newest complete listing; a failed one leaves it in place. */
  latest(region: string): Listing | undefined {
    return this.#regions.get(region)?.latest;
  }

  /** Why the newest listing failed, or undefined where it succeeded. */
  lastError(region: string): PlatformError | undefined {
    return this.#regions.get(region)?.lastError;
  }

  /**
   * A complete listing that begins after this call. Callers share it: those who ask while one is under way get the
   * next. While the cloud throttles, the answer is that error, without a call.
   */
  refresh(name: string): Promise<ListingResult> {
    const region = this.#region(name);
    if (region.next !== undefined) return region.next;
    if (region.running === undefined) return this.#start(region);
    const follow = (): Promise<ListingResult> => {
      delete region.next;
      return this.#start(region);
    };
    region.next = region.running.then(follow, follow);
    return region.next;
  }

  /** Calls the listener after every complete listing, until the returned function is called. */
  onListing(listener: ListingListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes in machines that another call answered, before a listing shows them. They do not count as listed. */
  observe(machines: readonly Machine[]): void {
    const at = this.#moment();
    for (const machine of machines) this.#region(machine.region).sightings.observe(machine, at);
  }

  /**
   * The machine as the cloud itself has it from now on, tags included, or why that cannot be known: `NotFound` is no proof that it is
   * gone. It is taken in as `observe` does. Those who ask at the same time share a call.
   */
  async read(name: string, providerId: string): Promise<ReadResult> {
    if (this.#stopped) return failed(stoppedError);
    const answer = await this.#region(name).reader.read(providerId);
    if (answer.ok) this.observe([answer.value]);
    return answer;
  }

  /**
   * What the complete listings say of a machine. An id asked about for the first time is taken as launched just now, so
   * listings count against it only from then on, plus the cloud's visibility lag.
   */
  sighting(region: string, providerId: string): MachineSighting {
    return this.#region(region).sightings.sighting(providerId, this.#moment());
  }

  /** The machine as it was last answered, by a listing or by a call that was observed, or undefined if never. */
  machine(region: string, providerId: string): Machine | undefined {
    return this.#regions.get(region)?.sightings.machine(providerId);
  }

  /** Ends the polling and the listing under way; from now on `refresh` answers `Unavailable`. */
  stop(): void {
    this.#stopped = true;
    for (const region of this.#regions.values()) {
      region.cancelPoll?.();
      region.abort?.();
    }
    this.#listeners.clear();
  }

  #region(name: string): Region {
    const known = this.#regions.get(name);
    if (known !== undefined) return known;
    const { platform, clock, memoryMs = 24 * 3_600_000 } = this.#options;
    const sightings = new SightingHistory({ visibilityLagMs: platform.visibilityLagMs, memoryMs });
    const reader = new MachineReader(name, { platform, clock, timeoutMs: readTimeoutMs });
    const region: Region = { name, sightings, reader, watchers: 0, failures: 0, throttledUntilMs: 0 };
    this.#regions.set(name, region);
    return region;
  }

  #start(region: Region): Promise<ListingResult> {
    if (this.#stopped) return Promise.resolve(failed(stoppedError));
    const throttledMs = region.throttledUntilMs - this.#options.clock.monotonicMs();
    if (region.lastError !== undefined && throttledMs > 0) {
      this.#pollIn(region, throttledMs);
      return Promise.resolve(failed(region.lastError));
    }
    region.cancelPoll?.();
    const running = this.#list(region).finally(() => {
      delete region.running;
    });
    region.running = running;
    return running;
  }

  async #list(region: Region): Promise<ListingResult> {
    const started = this.#moment();
    const answer = await this.#answer(region);
    if (this.#stopped) return failed(stoppedError);
    return answer.ok ? this.#take(region, answer.value, started) : this.#endure(region, answer.error);
  }

  #take(region: Region, machines: readonly Machine[], started: Moment): ListingResult {
    const listing = toListing(machines, region.name, started, region.latest);
    const changes = changesBetween(region.latest, listing);
    region.latest = listing;
    region.failures = 0;
    delete region.lastError;
    region.sightings.record(listing, this.#options.clock.monotonicMs());
    this.#pollIn(region, this.#pauseMs(region));
    tellAll(this.#listeners, region.name, listing, changes);
    return ok(listing);
  }

  #endure(region: Region, error: PlatformError): ListingResult {
    region.failures += 1;
    region.lastError = error;
    const pauseMs = this.#pauseMs(region);
    if (error.kind === "Throttled") region.throttledUntilMs = this.#options.clock.monotonicMs() + pauseMs;
    this.#pollIn(region, pauseMs);
    this.#options.onFailure?.(region.name, error);
    return failed(error);
  }

  #pauseMs({ failures, lastError }: Region): number {
    const { platform, random } = this.#options;
    const pause = { intervalMs: platform.listIntervalMs, failures, draw: random() };
    return listingPauseMs(lastError === undefined ? pause : { ...pause, error: lastError });
  }

  #pollIn(region: Region, ms: number): void {
    region.cancelPoll?.();
    if (region.watchers === 0) return;
    region.cancelPoll = this.#options.clock.after(ms, () => void this.refresh(region.name));
  }

  /** The cloud's answer, or an error in its place: of a driver that throws, or of one that does not answer in time. */
  async #answer(region: Region): Promise<Result<readonly Machine[], PlatformError>> {
    const { platform, clock, clusterId, listTimeoutMs = 60_000 } = this.#options;
    const deadline = new AbortController();
    const abort = (): void => deadline.abort();
    const cancel = clock.after(listTimeoutMs, abort);
    region.abort = abort;
    try {
      const query = { region: region.name, tags: { [clusterTag]: clusterId } };
      const answer = platform.list(query, deadline.signal);
      return await Promise.race([answer, whenAborted(deadline.signal, listTimeoutMs)]);
    } catch (cause) {
      return failed({ kind: "Unavailable", message: `listing ${region.name} failed unexpectedly: ${String(cause)}` });
    } finally {
      cancel();
      delete region.abort;
    }
  }

  #moment(): Moment {
    const { clock } = this.#options;
    return { at: clock.now(), monotonicMs: clock.monotonicMs() };
  }
}

function whenAborted(signal: AbortSignal, timeoutMs: number): Promise<Result<never, PlatformError>> {
  const error: PlatformError = { kind: "Unavailable", message: `the listing did not end within ${timeoutMs} ms` };
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(failed(error)), { once: true });
  });
}
