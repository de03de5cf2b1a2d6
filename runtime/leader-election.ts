/** One leader among the replicas, by a Lease. */
import type { Clock } from "../domain/ports.ts";
import { sleep } from "./clock.ts";
import { startDeadline } from "./deadline.ts";
import { ApiError, type KubernetesApi, type KubernetesObject } from "./kubernetes-api.ts";
import { heldBy, type LeaseSpec, leaseSpec, leaseType, released } from "./lease.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";

export interface LeaderElectionOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Unique to this process: a restarted one is another candidate. */
  readonly identity: string;
  /** How long others leave an unrenewed lease alone; 15 s when absent. */
  readonly leaseDurationMs?: number;
  /** How long the holder leads without a renewal; shorter than the lease; 10 s when absent. */
  readonly renewDeadlineMs?: number;
  /** Time between attempts; 2 s when absent. */
  readonly retryMs?: number;
}

export interface LeadershipListener {
  /** This process leads from now on. */
  started(): void;
  /** It no longer does; it may start again later. */
  lost(): void;
}

interface Observation {
  readonly lease: KubernetesObject;
  readonly spec: LeaseSpec;
  /** Monotonic time at which this version of the lease was first seen. */
  readonly sinceMs: number;
}

/**
 * Candidates compare only what they observe on their own monotonic clock, never the times in the Lease. The holder counts
 * its deadline from before its last successful write, the others theirs from after they saw it, so the former ends first.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #leaseDurationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  readonly #listeners = new Set<LeadershipListener>();
  #observed: Observation | undefined;
  /** Monotonic time until which this process may lead. */
  #leadsUntilMs = 0;
  #announced = false;
  #cancelExpiry: () => void = () => undefined;
  #stop: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000;
    this.#retryMs = options.retryMs ?? 2_000;
    if (this.#renewDeadlineMs >= this.#leaseDurationMs)
      throw new Error("the renew deadline must be shorter than the lease");
  }

  /** Whether this process leads at this moment: right even when timers are late. */
  isLeader(): boolean {
    return this.#options.clock.monotonicMs() < this.#leadsUntilMs;
  }

  /** Calls the listener at each change from now on. */
  onChange(listener: LeadershipListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Becomes a candidate. */
  start(): void {
    if (this.#stop !== undefined) return;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  /**
   * Is a candidate no longer. With `release` the lease is let go so that another may lead at once: only when all work has
   * ended. Else it runs out.
   */
  async stop(options: { readonly release: boolean }): Promise<void> {
    if (this.#stop === undefined) return;
    this.#stop.abort();
    await this.#running;
    this.#stop = undefined;
    this.#leadsUntilMs = 0;
    this.#announce();
    if (options.release) await this.#release();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    while (!signal.aborted) {
      await this.#attempt(signal);
      this.#announce();
      await sleep(clock, this.#retryMs * (1 + 0.2 * random()), signal);
    }
  }

  /** One look at the lease and, where it is ours or free, one write. A failure leaves everything to the next attempt. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const startMs = clock.monotonicMs();
    const deadline = startDeadline(clock, this.#renewDeadlineMs / 2, "lease attempt", signal);
    try {
      if (await this.#acquireOrRenew(deadline.signal)) this.#leadsUntilMs = startMs + this.#renewDeadlineMs;
      else this.#leadsUntilMs = 0;
    } catch (error) {
      if (!isConflict(error) && !signal.aborted) logger.error("could not renew the lease", { error });
    } finally {
      deadline.clear();
    }
  }

  async #acquireOrRenew(signal: AbortSignal): Promise<boolean> {
    const { api, clock, identity, namespace, name } = this.#options;
    const lease = await this.#read(signal);
    if (lease === undefined) {
      const spec = heldBy(identity, this.#leaseDurationMs, clock.now(), undefined);
      const { group, version, kind } = leaseType;
      const draft = { apiVersion: `${group}/${version}`, kind, metadata: { namespace, name }, spec };
      this.#observe(await api.create(leaseType, draft, signal));
      return true;
    }
    this.#observe(lease);
    if (this.#heldByOther()) return false;
    const spec = heldBy(identity, this.#leaseDurationMs, clock.now(), leaseSpec(lease));
    this.#observe(await api.replace(leaseType, { ...lease, spec }, signal));
    return true;
  }

  async #read(signal: AbortSignal): Promise<KubernetesObject | undefined> {
    const { api, namespace, name } = this.#options;
    try {
      return await api.get(leaseType, { namespace, name }, signal);
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  #observe(lease: KubernetesObject): void {
    if (this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#observed = { lease, spec: leaseSpec(lease), sinceMs: this.#options.clock.monotonicMs() };
  }

  #heldByOther(): boolean {
    if (this.#observed === undefined) return false;
    const { spec, sinceMs } = this.#observed;
    if (spec.holderIdentity === "" || spec.holderIdentity === this.#options.identity) return false;
    const durationMs = spec.leaseDurationSeconds > 0 ? spec.leaseDurationSeconds * 1_000 : this.#leaseDurationMs;
    return this.#options.clock.monotonicMs() < sinceMs + durationMs;
  }

  /** Tells the listeners if what they were told last is no longer so, and looks again when leadership may run out. */
  #announce(): void {
    this.#cancelExpiry();
    const leader = this.isLeader();
    if (leader) {
      const leftMs = this.#leadsUntilMs - this.#options.clock.monotonicMs();
      this.#cancelExpiry = this.#options.clock.after(leftMs, () => this.#announce());
    }
    if (leader === this.#announced) return;
    this.#announced = leader;
    this.#options.metrics.leading(leader);
    this.#options.logger.info(leader ? "started leading" : "stopped leading", { identity: this.#options.identity });
    for (const listener of this.#listeners) {
      if (leader) listener.started();
      else listener.lost();
    }
  }

  /** Reads first: the answer to the last renewal may have been lost. */
  async #release(): Promise<void> {
    const { api, clock, identity, logger } = this.#options;
    const deadline = startDeadline(clock, this.#renewDeadlineMs / 2, "release of the lease");
    try {
      const lease = await this.#read(deadline.signal);
      if (lease === undefined || leaseSpec(lease).holderIdentity !== identity) return;
      await api.replace(leaseType, { ...lease, spec: released(leaseSpec(lease), clock.now()) }, deadline.signal);
      logger.info("released the lease");
    } catch (error) {
      if (!isConflict(error)) logger.error("could not release the lease", { error });
    } finally {
      deadline.clear();
    }
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === 409;
}
