/** A local copy of a collection of objects that follows the cluster, and tells who listens what changed. */
import { shared } from "./sharing.ts";
import type { KubernetesObject, ObjectMeta } from "./kubernetes-api.ts";
import { type Indexers, ObjectCache } from "./object-cache.ts";
import { keyText } from "./reconciler.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";

/** `object` is the newest known form; for `Deleted` the last one. */
export type ObjectChange<T> =
  | { readonly kind: "Added"; readonly key: string; readonly object: T }
  | { readonly kind: "Updated"; readonly key: string; readonly object: T; readonly old: T }
  | { readonly kind: "Deleted"; readonly key: string; readonly object: T };

export type ChangeHandler<T> = (change: ObjectChange<T>) => void;

export interface InformerOptions<T> extends ReflectorOptions {
  /** Turns an object of the cluster into ours; throws when it cannot be one. */
  readonly parse: (raw: KubernetesObject) => T;
  readonly indexers?: Indexers<T>;
}

interface Seen {
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

/**
 * Lists and watches, and keeps what it saw. An object that does not parse keeps its last good form, is
 * logged and counted: it exists, so it must not be taken for gone.
 */
export class Informer<T> {
  /** Plural of the kind. */
  readonly name: string;
  readonly #options: InformerOptions<T>;
  readonly #cache: ObjectCache<T>;
  readonly #reflector: Reflector;
  readonly #seen = new Map<string, Seen>();
  /** Objects of one kind are alike: what one has in common with the last is kept once. */
  #last: T | undefined;
  readonly #unreadable = new Set<string>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #synced = Promise.withResolvers<undefined>();
  #hasSynced = false;
  #stop: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: InformerOptions<T>) {
    this.name = options.type.plural;
    this.#options = options;
    this.#cache = new ObjectCache(options.indexers);
    this.#reflector = new Reflector(options, {
      replace: (objects) => this.#replace(objects),
      apply: (type, object) =>
        type === "DELETED" ? this.#remove(keyText(object.metadata), object) : this.#put(object),
    });
  }

  /** Starts to follow the cluster, until `stop`. */
  start(): void {
    if (this.#stop !== undefined) return;
    this.#stop = new AbortController();
    this.#running = this.#reflector.run(this.#stop.signal);
  }

  /** Stops to follow; the copy stays as it is. */
  async stop(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
    this.#stop = undefined;
  }

  /** Whether one complete list has been read: before that, what is missing here may well exist. */
  hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Resolves at the first complete list, handlers told. */
  whenSynced(): Promise<void> {
    return this.#synced.promise;
  }

  /** What went wrong last, while nothing has gone well since. */
  get lastError(): unknown {
    return this.#reflector.lastError;
  }

  /** By `namespace/name` (`keyText`). */
  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(): readonly T[] {
    return this.#cache.list();
  }

  keys(): readonly string[] {
    return this.#cache.keys();
  }

  /** Objects for which the indexer of this name gives the value. */
  byIndex(name: string, value: string): readonly T[] {
    return this.#cache.byIndex(name, value);
  }

  /** Whether `byIndex` would find any; costs the same however many there are. */
  indexHas(name: string, value: string): boolean {
    return this.#cache.indexHas(name, value);
  }

  /**
   * Calls the handler with what is known now, as `Added`, and from then on with every change, in order; the returned
   * function ends that. Handlers must not throw and must be quick: they wake reconcilers.
   */
  onChange(handler: ChangeHandler<T>): () => void {
    for (const key of this.#cache.keys()) {
      const object = this.#cache.get(key);
      if (object !== undefined) this.#hand(handler, { kind: "Added", key, object });
    }
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  #replace(objects: readonly KubernetesObject[]): void {
    const listed = new Set(objects.map((object) => keyText(object.metadata)));
    for (const key of [...this.#seen.keys()]) if (!listed.has(key)) this.#remove(key);
    for (const object of objects) this.#put(object);
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#synced.resolve(undefined);
  }

  #put(raw: KubernetesObject): void {
    const key = keyText(raw.metadata);
    const { uid, resourceVersion } = raw.metadata;
    const seen = this.#seen.get(key);
    if (seen !== undefined && seen.uid === uid && seen.resourceVersion === resourceVersion) return;
    // Deleted and created again while nobody looked: two lives, not a change of one.
    if (seen !== undefined && seen.uid !== uid) this.#remove(key);
    this.#seen.set(key, { uid, resourceVersion });
    const parsed = this.#parse(key, raw);
    if (parsed === undefined) return;
    const old = this.#cache.get(key);
    const object = shared(shared(parsed, this.#last), old);
    this.#last = object;
    this.#cache.set(key, object);
    this.#tell(old === undefined ? { kind: "Added", key, object } : { kind: "Updated", key, object, old });
  }

  #remove(key: string, raw?: KubernetesObject): void {
    const last = raw === undefined ? undefined : this.#parse(key, raw);
    const object = last ?? this.#cache.get(key);
    const known = this.#cache.get(key) !== undefined;
    this.#seen.delete(key);
    this.#cache.delete(key);
    this.#readable(key);
    if (known && object !== undefined) this.#tell({ kind: "Deleted", key, object });
  }

  #parse(key: string, raw: KubernetesObject): T | undefined {
    try {
      const object = this.#options.parse(withoutManagedFields(raw));
      this.#readable(key);
      return object;
    } catch (error) {
      this.#unreadable.add(key);
      this.#options.metrics.informerUnreadable(this.name, this.#unreadable.size);
      this.#options.logger.error("could not read object", { resource: this.name, key, error });
      return undefined;
    }
  }

  #readable(key: string): void {
    if (this.#unreadable.delete(key)) this.#options.metrics.informerUnreadable(this.name, this.#unreadable.size);
  }

  #tell(change: ObjectChange<T>): void {
    for (const handler of [...this.#handlers]) this.#hand(handler, change);
  }

  /** A handler that throws is a defect of its own: it takes the change from no other. */
  #hand(handler: ChangeHandler<T>, change: ObjectChange<T>): void {
    try {
      handler(change);
    } catch (error) {
      const { kind, key } = change;
      this.#options.logger.error("handler of a change failed", { resource: this.name, key, kind, error });
    }
  }
}

/** They are half of an object's size, and nobody here reads them. */
function withoutManagedFields(raw: KubernetesObject): KubernetesObject {
  if (!("managedFields" in raw.metadata)) return raw;
  const metadata: ObjectMeta & { managedFields?: unknown } = { ...raw.metadata };
  delete metadata.managedFields;
  return { ...raw, metadata };
}
