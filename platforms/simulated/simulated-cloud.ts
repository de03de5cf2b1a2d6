/** What the simulated cloud holds and does, apart from how calls reach it: a machine park whose states follow from time. */
import type { Machine } from "../../domain/node/machine.ts";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { ok, type Result } from "../../domain/result.ts";
import { addMs, type Instant } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import type { LaunchRequest } from "../platform.ts";
import { freeOrdinals } from "./addresses.ts";
import { CloudState } from "./cloud-state.ts";
import { ended, stateAt, terminatedAt, toMachine, type MachineEnd, type MachineRecord } from "./machine-record.ts";
import { fingerprintOf, launchObjection, tagsObjection } from "./request-check.ts";
import { StateWatch, type MachineStateListener } from "./state-watch.ts";
import {
  MemoryCloudStore,
  type ForgottenRecords,
  type LaunchRecord,
  type SimulatedCloudChange,
  type SimulatedCloudStore,
} from "./store.ts";
import { spread, zonesOf, type Zone, type ZonesByRegion } from "./zones.ts";
import { type CloudBehavior, type SimulatedCloudOptions, usualOptions } from "./options.ts";
import { invalid, noCapacity, noSuchRegion, notFound } from "./refusals.ts";
import { newMachine } from "./new-machine.ts";

/** What a call answers, and what it changes. */
interface Act<T> {
  readonly answer: T;
  readonly change?: SimulatedCloudChange;
  readonly forgotten?: ForgottenRecords;
}

type Launched = Result<readonly Machine[], PlatformError>;

/**
 * The first methods are what a driver may ask; the later ones are the cloud's own side, which knows no lag.
 * Each method throws `CloudStoreError` where the store fails; then nothing has happened.
 */
export class SimulatedCloud {
  readonly visibilityLagMs: number;
  readonly #options: CloudBehavior;
  readonly #clock: Clock;
  readonly #store: SimulatedCloudStore;
  readonly #zones: ZonesByRegion | undefined;
  readonly #capacities = new Map<string, number>();
  readonly #watch: StateWatch;
  #state: CloudState;
  #reloaded = false;

  constructor({ clock, store = new MemoryCloudStore(), zones, ...options }: SimulatedCloudOptions) {
    this.#options = { ...usualOptions, ...options };
    this.visibilityLagMs = this.#options.visibilityLagMs;
    this.#clock = clock;
    this.#store = store;
    this.#zones = zones;
    this.#watch = new StateWatch(clock);
    this.#state = new CloudState(store.load());
    for (const record of this.#state.machines()) this.#watch.track(record);
  }

  launch(request: LaunchRequest): Launched {
    return this.#carryOut((now): Act<Launched> => {
      const known = this.#state.launch(request.token);
      if (known !== undefined) return { answer: this.#repeated(known, request, now) };
      const objection = launchObjection(request);
      if (objection !== undefined) return { answer: invalid(objection) };
      const zones = this.#zonesOf(request.region);
      return zones === undefined ? { answer: noSuchRegion(request.region) } : this.#launched(request, zones, now);
    });
  }

  /** Ids that the API does not know are passed over. */
  terminate(region: string, providerIds: readonly string[]): Result<void, PlatformError> {
    if (this.#zonesOf(region) === undefined) return noSuchRegion(region);
    return this.#carryOut((now) => {
      const known = this.#state.found(providerIds).filter((record) => this.#knows(record, region, now));
      return {
        answer: ok(undefined),
        change: { machines: known.map((record) => this.#ended(record, "Terminated", now)) },
      };
    });
  }

  read(region: string, providerId: string): Result<Machine, PlatformError> {
    const now = this.#clock.now();
    const record = this.#current().machine(providerId);
    if (record === undefined || !this.#knows(record, region, now)) return notFound(region, providerId);
    return ok(toMachine(record, now));
  }

  /** Ids of a region's machines, with which `listed` pages through them. */
  idsIn(region: string): Result<readonly string[], PlatformError> {
    if (this.#zonesOf(region) === undefined) return noSuchRegion(region);
    return ok(
      this.#current()
        .machinesIn(region)
        .map(({ providerId }) => providerId),
    );
  }

  /** Those of the machines that the API knows and that carry all of the tags. */
  listed(region: string, providerIds: readonly string[], tags: Readonly<Record<string, string>>): readonly Machine[] {
    const now = this.#clock.now();
    const wanted = Object.entries(tags);
    return this.#current()
      .found(providerIds)
      .filter((record) => this.#knows(record, region, now))
      .filter((record) => wanted.every(([key, value]) => record.tags[key] === value))
      .map((record) => toMachine(record, now));
  }

  updateTags(region: string, providerId: string, tags: Readonly<Record<string, string>>): Result<void, PlatformError> {
    return this.#carryOut((now): Act<Result<void, PlatformError>> => {
      const record = this.#state.machine(providerId);
      if (record === undefined || !this.#knows(record, region, now)) return { answer: notFound(region, providerId) };
      const merged = { ...record.tags, ...tags };
      const objection = tagsObjection(merged);
      if (objection !== undefined) return { answer: invalid(objection) };
      return { answer: ok(undefined), change: { machines: [{ ...record, tags: merged }] } };
    });
  }

  /** Every machine that exists or is still listed, whatever the API knows of it. */
  machines(): readonly Machine[] {
    const now = this.#clock.now();
    return [...this.#current().machines()]
      .filter((record) => !this.#hasVanished(record, now))
      .map((record) => toMachine(record, now));
  }

  /** What the machine finds at boot. */
  userDataOf(providerId: string): string | undefined {
    return this.#current().machine(providerId)?.userData;
  }

  /** The cloud loses the machine by itself, at once. False where there is no such machine any more. */
  kill(providerId: string): boolean {
    return this.#endByItself(providerId, (record, now) => {
      if (stateAt(record, now) === "Terminated") return record;
      return { ...record, end: { state: "Terminated", askedAt: now, settledAt: now } };
    });
  }

  /** The cloud, or somebody at its console, stops the machine: it still exists. False where there is none to stop. */
  stop(providerId: string): boolean {
    return this.#endByItself(providerId, (record, now) => this.#ended(record, "Stopped", now));
  }

  /** From now on this many machines fit in the zone; those that run stay: for tests. */
  setCapacity(zone: string, capacity: number): void {
    this.#capacities.set(zone, capacity);
  }

  /**
   * Calls the listener at every change of a machine's state until the returned function is called. Machines launched
   * earlier are not told again: `machines` has them.
   */
  onStateChange(listener: MachineStateListener): () => void {
    return this.#watch.subscribe(listener);
  }

  /** Looks for what another process did to the same store; listeners are told. Every call does so too. */
  refresh(): void {
    this.#current();
  }

  /** Ends its timers and listeners. The store is its opener's to close. */
  close(): void {
    this.#watch.close();
  }

  #current(): CloudState {
    this.#reload();
    this.#announceReload();
    return this.#state;
  }

  #carryOut<T>(decide: (now: Instant) => Act<T>): T {
    const act = this.#store.exclusively(() => {
      this.#reload();
      const decided = decide(this.#clock.now());
      if (decided.change !== undefined) this.#store.save(decided.change);
      if (decided.forgotten !== undefined) this.#store.remove(decided.forgotten);
      return decided;
    });
    // Memory follows the store, never the other way round: what could not be kept has not happened.
    if (act.change !== undefined) this.#state.add(act.change);
    if (act.forgotten !== undefined) this.#state.forget(act.forgotten);
    for (const id of act.forgotten?.providerIds ?? []) this.#watch.forget(id);
    this.#announceReload();
    for (const record of act.change?.machines ?? []) this.#watch.track(record);
    return act.answer;
  }

  #reload(): void {
    if (!this.#store.changedElsewhere()) return;
    const before = this.#state;
    this.#state = new CloudState(this.#store.load());
    this.#reloaded = true;
    for (const { providerId } of before.machines()) {
      if (this.#state.machine(providerId) === undefined) this.#watch.forget(providerId);
    }
  }

  /** Apart from `#reload`, because a listener may call back and a transaction must not be inside another. */
  #announceReload(): void {
    if (!this.#reloaded) return;
    this.#reloaded = false;
    for (const record of [...this.#state.machines()]) this.#watch.track(record);
  }

  #repeated(known: LaunchRecord, request: LaunchRequest, now: Instant): Launched {
    if (known.fingerprint !== fingerprintOf(request)) {
      return invalid(`token ${request.token} was used before with other parameters`);
    }
    return ok(this.#state.found(known.providerIds).map((record) => toMachine(record, now)));
  }

  #launched(request: LaunchRequest, zones: readonly Zone[], now: Instant): Act<Launched> {
    const alive = [...this.#state.machines()].filter((record) => stateAt(record, now) !== "Terminated");
    const places = spread(request, zones, countByZone(alive));
    const taken = new Set(alive.map(({ ordinal }) => ordinal));
    const ordinals = freeOrdinals(places.length, this.#state.lastOrdinal, taken);
    const machines = ordinals.map((ordinal, launchIndex) =>
      newMachine(request, this.#options, { launchIndex, ordinal, zone: places[launchIndex] ?? "", launchedAt: now }),
    );
    const lastOrdinal = ordinals.at(-1);
    if (lastOrdinal === undefined) return { answer: noCapacity(request.region, zones) };
    const launch = {
      token: request.token,
      fingerprint: fingerprintOf(request),
      launchedAt: now,
      providerIds: machines.map(({ providerId }) => providerId),
    };
    return {
      answer: ok(machines.map((record) => toMachine(record, now))),
      change: { machines, launches: [launch], lastOrdinal },
      forgotten: this.#forgettable(now),
    };
  }

  #endByItself(providerId: string, end: (record: MachineRecord, now: Instant) => MachineRecord): boolean {
    return this.#carryOut((now) => {
      const record = this.#state.machine(providerId);
      if (record === undefined) return { answer: false };
      const next = end(record, now);
      return next === record ? { answer: false } : { answer: true, change: { machines: [next] } };
    });
  }

  #ended(record: MachineRecord, state: MachineEnd["state"], now: Instant): MachineRecord {
    return ended(record, { state, askedAt: now, settledAt: addMs(now, this.#options.stopMs) });
  }

  #knows(record: MachineRecord, region: string, now: Instant): boolean {
    return record.region === region && record.visibleAt <= now && !this.#hasVanished(record, now);
  }

  #hasVanished(record: MachineRecord, now: Instant): boolean {
    const goneAt = terminatedAt(record);
    return goneAt !== undefined && now >= goneAt + this.#options.terminatedRetentionMs;
  }

  /** Launches that are old enough and have no machine left that anybody can see, with those machines. */
  #forgettable(now: Instant): ForgottenRecords {
    const launches = [...this.#state.launches()].filter(
      (launch) =>
        now >= launch.launchedAt + this.#options.tokenRetentionMs &&
        this.#state.found(launch.providerIds).every((record) => this.#hasVanished(record, now)),
    );
    return {
      tokens: launches.map(({ token }) => token),
      providerIds: launches.flatMap(({ providerIds }) => providerIds),
    };
  }

  #zonesOf(region: string): readonly Zone[] | undefined {
    return zonesOf(region, this.#zones)?.map(({ name, capacity }) => ({
      name,
      capacity: this.#capacities.get(name) ?? capacity,
    }));
  }
}

function countByZone(records: readonly MachineRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { zone } of records) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return counts;
}
