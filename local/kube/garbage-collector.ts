/** Deletes what depends on what is gone, and ends deletions that wait for dependents, as the controller manager does. */
import type { Clock } from "../../domain/ports.ts";
import type { KubernetesObject, OwnerReference } from "../../runtime/kubernetes-api.ts";
import { namespaceKind } from "./built-in-kinds.ts";
import { isList, member } from "./json.ts";
import type { Kind } from "./kinds.ts";
import {
  commit,
  foregroundFinalizer,
  isDeleting,
  markedForDeletion,
  orphanFinalizer,
  withMetadata,
  withoutFinalizer,
} from "./object-lifecycle.ts";
import type { Change, ObjectKey, ObjectStore } from "./object-store.ts";

/** Objects looked at before other work gets its turn. */
const batchSize = 100;

export interface CollectorOptions {
  readonly store: ObjectStore;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
}

/** Follows a whole store, in small steps between other work. `start` it once. */
export class GarbageCollector {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #kinds: ReadonlyMap<string, Kind>;
  readonly #servedOwners: ReadonlySet<string>;
  readonly #byUid = new Map<string, ObjectKey>();
  readonly #dependents = new Map<string, Map<string, ObjectKey>>();
  readonly #queue = new Map<string, ObjectKey>();
  #scheduled: NodeJS.Immediate | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor({ store, kinds, clock }: CollectorOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#kinds = new Map(kinds.map((kind) => [kind.resource, kind]));
    this.#servedOwners = new Set(kinds.map((kind) => `${kind.type.group}/${kind.type.kind}`));
  }

  /** Looks at every object once, for what a crash left undone, and then at those that change. */
  start(): void {
    this.#unsubscribe = this.#store.subscribe({}, (change) => this.#note(change));
    for (const { key, object } of this.#store.all()) {
      this.#index(key, object);
      this.#enqueue(key);
    }
  }

  stop(): void {
    this.#unsubscribe?.();
    clearImmediate(this.#scheduled);
    this.#queue.clear();
  }

  #note({ type, key, object, previous }: Change): void {
    if (previous !== undefined) this.#forget(key, previous);
    if (type !== "DELETED") {
      this.#index(key, object);
      this.#enqueue(key);
      return;
    }
    for (const dependent of this.#dependentsOf(object)) this.#enqueue(dependent);
    for (const owner of object.metadata.ownerReferences ?? []) this.#enqueueUid(owner.uid);
    this.#enqueue({ resource: namespaceKind.resource, namespace: "", name: key.namespace });
  }

  #index(key: ObjectKey, object: KubernetesObject): void {
    if (object.metadata.uid !== undefined) this.#byUid.set(object.metadata.uid, key);
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(uid) ?? new Map<string, ObjectKey>();
      this.#dependents.set(uid, dependents.set(idOf(key), key));
    }
  }

  #forget(key: ObjectKey, object: KubernetesObject): void {
    if (object.metadata.uid !== undefined) this.#byUid.delete(object.metadata.uid);
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(idOf(key));
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }

  #dependentsOf(owner: KubernetesObject): readonly ObjectKey[] {
    return [...(this.#dependents.get(owner.metadata.uid ?? "")?.values() ?? [])];
  }

  #enqueueUid(uid: string): void {
    const key = this.#byUid.get(uid);
    if (key !== undefined) this.#enqueue(key);
  }

  #enqueue(key: ObjectKey): void {
    this.#queue.set(idOf(key), key);
    this.#scheduled ??= setImmediate(() => this.#work());
  }

  #work(): void {
    this.#scheduled = undefined;
    const batch = [...this.#queue].slice(0, batchSize);
    for (const [id, key] of batch) {
      this.#queue.delete(id);
      const object = this.#store.read(key);
      if (object !== undefined) this.#look(key, object);
    }
    if (this.#queue.size > 0) this.#scheduled ??= setImmediate(() => this.#work());
  }

  #look(key: ObjectKey, object: KubernetesObject): void {
    const finalizers = object.metadata.finalizers ?? [];
    if (!isDeleting(object)) this.#lookAtOwners(key, object);
    else if (key.resource === namespaceKind.resource) this.#emptyNamespace(key, object);
    else if (finalizers.includes(orphanFinalizer)) this.#orphan(key, object);
    else if (finalizers.includes(foregroundFinalizer)) this.#deleteDependents(key, object);
  }

  /** An object goes when none of its owners is there; owners of kinds that are not served here cannot be judged. */
  #lookAtOwners(key: ObjectKey, object: KubernetesObject): void {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length === 0) return;
    const left = owners.filter((owner) => this.#isThere(owner, key));
    if (left.length === 0) this.#delete(key, object);
    else if (left.length < owners.length) {
      commit(this.#store, key, object, withMetadata(object, { ownerReferences: left }));
    }
  }

  #isThere(owner: OwnerReference, dependent: ObjectKey): boolean {
    const slash = owner.apiVersion.indexOf("/");
    const group = slash < 0 ? "" : owner.apiVersion.slice(0, slash);
    if (!this.#servedOwners.has(`${group}/${owner.kind}`)) return true;
    const found = this.#byUid.get(owner.uid);
    return found !== undefined && (found.namespace === "" || found.namespace === dependent.namespace);
  }

  #orphan(key: ObjectKey, owner: KubernetesObject): void {
    for (const dependentKey of this.#dependentsOf(owner)) {
      const dependent = this.#store.read(dependentKey);
      if (dependent === undefined) continue;
      const left = (dependent.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
      commit(this.#store, dependentKey, dependent, withMetadata(dependent, { ownerReferences: left }));
    }
    commit(this.#store, key, owner, withoutFinalizer(owner, orphanFinalizer));
  }

  /** The owner waits for those dependents only that say so. */
  #deleteDependents(key: ObjectKey, owner: KubernetesObject): void {
    let isBlocked = false;
    for (const dependentKey of this.#dependentsOf(owner)) {
      const dependent = this.#store.read(dependentKey);
      if (dependent === undefined) continue;
      if (!isDeleting(dependent)) this.#delete(dependentKey, dependent);
      const references = this.#store.read(dependentKey)?.metadata.ownerReferences ?? [];
      isBlocked ||= references.some((ref) => ref.uid === owner.metadata.uid && ref.blockOwnerDeletion === true);
    }
    if (!isBlocked) commit(this.#store, key, owner, withoutFinalizer(owner, foregroundFinalizer));
  }

  #emptyNamespace(key: ObjectKey, namespace: KubernetesObject): void {
    const finalizers = member(namespace, ["spec", "finalizers"]);
    if (!isList(finalizers) || finalizers.length === 0) return;
    let left = 0;
    for (const kind of this.#kinds.values()) {
      if (!kind.type.namespaced) continue;
      for (const object of this.#store.list(kind.resource, key.name)) {
        const inner = { resource: kind.resource, namespace: key.name, name: object.metadata.name };
        if (!isDeleting(object)) this.#delete(inner, object);
        if (this.#store.read(inner) !== undefined) left++;
      }
    }
    if (left === 0) commit(this.#store, key, namespace, { ...namespace, spec: {} });
  }

  /** In the foreground where the object has dependents of its own, so that a chain ends from its end. */
  #delete(key: ObjectKey, object: KubernetesObject): void {
    const kind = this.#kinds.get(key.resource);
    if (kind === undefined) return;
    const isForeground =
      this.#dependentsOf(object).length > 0 && hasForegroundOwner(object, (uid) => this.#ownerOf(uid));
    const marked = markedForDeletion(object, kind, isForeground ? "Foreground" : "Background", this.#clock.now());
    if (marked === undefined) this.#store.remove(key);
    else commit(this.#store, key, object, marked);
  }

  #ownerOf(uid: string): KubernetesObject | undefined {
    const key = this.#byUid.get(uid);
    return key === undefined ? undefined : this.#store.read(key);
  }
}

function hasForegroundOwner(object: KubernetesObject, read: (uid: string) => KubernetesObject | undefined): boolean {
  const owners = (object.metadata.ownerReferences ?? []).map(({ uid }) => read(uid));
  return owners.some((owner) => owner?.metadata.finalizers?.includes(foregroundFinalizer) === true);
}

function idOf(key: ObjectKey): string {
  return `${key.resource}/${key.namespace}/${key.name}`;
}
