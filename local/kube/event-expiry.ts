/** Forgets Events an hour after they were last seen, as the real server does: they are news, not state. */
import { addMs, type Instant } from "../../domain/time.ts";
import type { Clock } from "../../domain/ports.ts";
import { eventKind } from "./built-in-kinds.ts";
import type { Change, ObjectKey, ObjectStore } from "./object-store.ts";

const lifetimeMs = 3_600_000;

interface Entry {
  readonly key: ObjectKey;
  readonly revision: string | undefined;
  readonly until: Instant;
}

/** Follows the Events of a store. `start` it once. */
export class EventExpiry {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  /** In order of `until`: every entry lives equally long. */
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  start(): void {
    const resource = eventKind.resource;
    this.#unsubscribe = this.#store.subscribe({ resource }, (change) => this.#note(change));
    for (const { metadata } of this.#store.list(resource)) {
      this.#expect({ resource, namespace: metadata.namespace ?? "", name: metadata.name }, metadata.resourceVersion);
    }
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  #note({ type, key, object }: Change): void {
    if (type === "DELETED") return;
    this.#expect(key, object.metadata.resourceVersion);
    this.#forgetOld();
  }

  #expect(key: ObjectKey, revision: string | undefined): void {
    this.#entries.set(++this.#lastId, { key, revision, until: addMs(this.#clock.now(), lifetimeMs) });
  }

  /** Runs with each new Event, so that no timer is needed; an Event that was seen again has a younger entry. */
  #forgetOld(): void {
    for (const [id, { key, revision, until }] of this.#entries) {
      if (until > this.#clock.now()) return;
      this.#entries.delete(id);
      if (this.#store.read(key)?.metadata.resourceVersion === revision) this.#store.remove(key);
    }
  }
}
