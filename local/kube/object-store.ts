/** One ordered, versioned store of objects: a single counter of versions, and the recent changes for watches. */
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { deepFreeze } from "./json.ts";

/** Where an object lives. `resource` is `nodegroups.streamfleet.dev`; the namespace of a cluster-wide one is empty. */
export interface ObjectKey {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where objects outlive the process. A method that returns has made its change durable against the process's death. */
export interface ObjectPersistence {
  load(): { readonly revision: number; readonly objects: readonly PersistedObject[] };
  put(key: ObjectKey, object: KubernetesObject, revision: number): void;
  remove(key: ObjectKey, revision: number): void;
  close(): void;
}

export interface PersistedObject {
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
}

/** One write. `previous` is the state before it; of a deletion, `object` is the last state at the deletion's version. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: number;
  readonly key: ObjectKey;
  readonly object: KubernetesObject;
  readonly previous?: KubernetesObject;
}

export interface ChangeScope {
  /** Absent: every resource. */
  readonly resource?: string;
  /** Absent: all namespaces. */
  readonly namespace?: string;
}

/** Changes that a watch may still ask for. */
const historySize = 20_000;

/** Objects by resource, namespace and name. Reads hand out frozen objects; a write costs the object, not the store. */
export class ObjectStore {
  readonly #persistence: ObjectPersistence | undefined;
  readonly #objects = new Map<string, Map<string, Map<string, KubernetesObject>>>();
  readonly #listeners = new Map<string, Set<(change: Change) => void>>();
  readonly #historySize: number;
  #history: Change[] = [];
  /** Versions up to this one are out of the history. */
  #forgotten: number;
  #revision: number;

  /** Without persistence the objects live as long as the store. Throws what the persistence throws. */
  constructor(options: { readonly persistence?: ObjectPersistence; readonly historySize?: number } = {}) {
    this.#persistence = options.persistence;
    this.#historySize = options.historySize ?? historySize;
    const loaded = options.persistence?.load();
    this.#revision = Math.max(1, loaded?.revision ?? 1);
    this.#forgotten = this.#revision;
    for (const { key, object } of loaded?.objects ?? []) this.#place(key, deepFreeze(object));
  }

  /** The version of the newest write. */
  get revision(): number {
    return this.#revision;
  }

  read(key: ObjectKey): KubernetesObject | undefined {
    return this.#objects.get(key.resource)?.get(key.namespace)?.get(key.name);
  }

  /** Objects of a resource by namespace and name, of one namespace or of all. */
  list(resource: string, namespace?: string): readonly KubernetesObject[] {
    const namespaces = this.#objects.get(resource);
    if (namespaces === undefined) return [];
    const names = namespace === undefined ? [...namespaces.keys()].sort() : [namespace];
    return names.flatMap((name) => sortedByName(namespaces.get(name)));
  }

  /** Every object, in no order. */
  *all(): Iterable<{ readonly key: ObjectKey; readonly object: KubernetesObject }> {
    for (const [resource, namespaces] of this.#objects)
      for (const [namespace, objects] of namespaces)
        for (const [name, object] of objects) yield { key: { resource, namespace, name }, object };
  }

  /** Stores an object, new or changed, under the next version, and returns it with that version. */
  put(key: ObjectKey, object: KubernetesObject): KubernetesObject {
    const previous = this.read(key);
    const revision = this.#revision + 1;
    const stored = atRevision(object, revision);
    this.#persistence?.put(key, stored, revision);
    this.#revision = revision;
    this.#place(key, stored);
    const type = previous === undefined ? "ADDED" : "MODIFIED";
    this.#publish({ type, revision, key, object: stored, ...(previous === undefined ? {} : { previous }) });
    return stored;
  }

  /** Removes an object; nothing happens when there is none. */
  remove(key: ObjectKey): void {
    const previous = this.read(key);
    if (previous === undefined) return;
    const revision = this.#revision + 1;
    this.#persistence?.remove(key, revision);
    this.#revision = revision;
    this.#objects.get(key.resource)?.get(key.namespace)?.delete(key.name);
    this.#publish({ type: "DELETED", revision, key, object: atRevision(previous, revision), previous });
  }

  /** The changes after a version, oldest first, or undefined when some of them are forgotten. */
  changesSince(revision: number, scope: ChangeScope): readonly Change[] | undefined {
    if (revision < this.#forgotten) return undefined;
    return this.#history.filter((change) => change.revision > revision && inScope(change, scope));
  }

  /** Calls the listener at once after each write in the scope, until the returned function is called. */
  subscribe(scope: ChangeScope, listener: (change: Change) => void): () => void {
    const topic = topicOf(scope);
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
    };
  }

  close(): void {
    this.#persistence?.close();
  }

  #place(key: ObjectKey, object: KubernetesObject): void {
    const namespaces = this.#objects.get(key.resource) ?? new Map<string, Map<string, KubernetesObject>>();
    this.#objects.set(key.resource, namespaces);
    const objects = namespaces.get(key.namespace) ?? new Map<string, KubernetesObject>();
    namespaces.set(key.namespace, objects);
    objects.set(key.name, object);
  }

  #publish(change: Change): void {
    this.#remember(change);
    const { resource, namespace } = change.key;
    for (const topic of [topicOf({ resource, namespace }), topicOf({ resource }), topicOf({})])
      for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener(change);
  }

  #remember(change: Change): void {
    this.#history.push(change);
    // Cut in halves, so that forgetting costs little for each write.
    if (this.#history.length <= this.#historySize * 2) return;
    const cut = this.#history.length - this.#historySize;
    this.#forgotten = this.#history[cut - 1]?.revision ?? this.#forgotten;
    this.#history = this.#history.slice(cut);
  }
}

function topicOf(scope: ChangeScope): string {
  return `${scope.resource ?? "*"}/${scope.namespace ?? "*"}`;
}

function inScope(change: Change, scope: ChangeScope): boolean {
  if (scope.resource !== undefined && change.key.resource !== scope.resource) return false;
  return scope.namespace === undefined || change.key.namespace === scope.namespace;
}

function atRevision(object: KubernetesObject, revision: number): KubernetesObject {
  return deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
}

function sortedByName(objects: ReadonlyMap<string, KubernetesObject> | undefined): readonly KubernetesObject[] {
  const entries = [...(objects ?? [])];
  // Names compare by code unit, as etcd's keys do.
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}
