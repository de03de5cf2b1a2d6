/** Reads and writes one kind, typed. What Kubernetes is expected to refuse becomes a value here; the rest throws. */
import {
  ApiError,
  type DeleteOptions,
  type KubernetesApi,
  type KubernetesObject,
  type ListOptions,
  type ObjectAddress,
  type ObjectMeta,
  type ResourceType,
} from "./kubernetes-api.ts";

/** The least an object of ours has. */
export interface Resource {
  readonly metadata: ObjectMeta;
}

/** An object to create; its kind is the client's. */
export interface Draft {
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export type CreateOutcome<T> = { readonly kind: "Created"; readonly object: T } | { readonly kind: "AlreadyExists" };

/** `Conflict`: the object has changed since it was read; read it again and decide anew. */
export type PatchOutcome<T> =
  { readonly kind: "Patched"; readonly object: T } | { readonly kind: "Conflict" } | { readonly kind: "NotFound" };

/**
 * `Deleted`: accepted; finalizers may keep the object for a while. `Conflict`: another object has this name now, or, where
 * it was to be unchanged, it has changed.
 */
export type DeleteOutcome =
  { readonly kind: "Deleted" } | { readonly kind: "NotFound" } | { readonly kind: "Conflict" };

export type MergePatch = Readonly<Record<string, unknown>>;

export interface ResourceClientOptions<T> {
  readonly api: KubernetesApi;
  readonly type: ResourceType;
  /** Turns an object of the cluster into ours; throws when it cannot be one. */
  readonly parse: (raw: KubernetesObject) => T;
}

/** Every method throws `ApiError`, or the connection's error, for what its outcome does not name. */
export class ResourceClient<T extends Resource> {
  readonly type: ResourceType;
  readonly #api: KubernetesApi;
  readonly #parse: (raw: KubernetesObject) => T;

  constructor(options: ResourceClientOptions<T>) {
    this.type = options.type;
    this.#api = options.api;
    this.#parse = options.parse;
  }

  /** The object, or undefined when there is none. */
  async get(address: ObjectAddress, signal?: AbortSignal): Promise<T | undefined> {
    const raw = await this.#unless({ 404: undefined }, () => this.#api.get(this.type, address, signal));
    return raw === undefined ? undefined : this.#parse(raw);
  }

  /** All objects that fit, read to the end. */
  async list(options: Omit<ListOptions, "limit" | "continue"> = {}, signal?: AbortSignal): Promise<readonly T[]> {
    const objects: T[] = [];
    let next: string | undefined;
    do {
      const rest = next === undefined ? {} : { continue: next };
      const page = await this.#api.list(this.type, { ...options, limit: 500, ...rest }, signal);
      objects.push(...page.items.map(this.#parse));
      next = page.metadata.continue;
    } while (next !== undefined && next !== "");
    return objects;
  }

  async create(draft: Draft, signal?: AbortSignal): Promise<CreateOutcome<T>> {
    const { group, version, kind } = this.type;
    const apiVersion = group === "" ? version : `${group}/${version}`;
    try {
      const raw = await this.#api.create(this.type, { ...draft, apiVersion, kind }, signal);
      return { kind: "Created", object: this.#parse(raw) };
    } catch (error) {
      if (error instanceof ApiError && error.reason === "AlreadyExists") return { kind: "AlreadyExists" };
      throw error;
    }
  }

  /** Merges into the object, if it is still as it was read. */
  patch(object: T, patch: MergePatch, signal?: AbortSignal): Promise<PatchOutcome<T>> {
    return this.#patch(object, patch, {}, signal);
  }

  /** Merges into the status, if the object is still as it was read. */
  patchStatus(object: T, status: MergePatch, signal?: AbortSignal): Promise<PatchOutcome<T>> {
    return this.#patch(object, { status }, { subresource: "status" }, signal);
  }

  /** Deletes this very object, not a later one of the same name. */
  delete(object: T, signal?: AbortSignal): Promise<DeleteOutcome> {
    const { uid } = object.metadata;
    return this.#delete(object, uid === undefined ? {} : { preconditions: { uid } }, signal);
  }

  /** Deletes this very object, if it is still as it was read. */
  deleteUnchanged(object: T, signal?: AbortSignal): Promise<DeleteOutcome> {
    const { uid } = object.metadata;
    const resourceVersion = versionOf(object);
    const preconditions = uid === undefined ? { resourceVersion } : { uid, resourceVersion };
    return this.#delete(object, { preconditions }, signal);
  }

  #delete(object: T, options: DeleteOptions, signal?: AbortSignal): Promise<DeleteOutcome> {
    return this.#unless<DeleteOutcome>({ 404: { kind: "NotFound" }, 409: { kind: "Conflict" } }, async () => {
      await this.#api.delete(this.type, addressOf(object), options, signal);
      return { kind: "Deleted" };
    });
  }

  /** Adds the finalizer unless it is there; then the object is answered as it was given. */
  addFinalizer(object: T, finalizer: string, signal?: AbortSignal): Promise<PatchOutcome<T>> {
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.includes(finalizer)) return Promise.resolve({ kind: "Patched", object });
    return this.patch(object, { metadata: { finalizers: [...finalizers, finalizer] } }, signal);
  }

  /** Removes the finalizer if it is there. The object may be gone by the answer. */
  removeFinalizer(object: T, finalizer: string, signal?: AbortSignal): Promise<PatchOutcome<T>> {
    const finalizers = object.metadata.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return Promise.resolve({ kind: "Patched", object });
    const others = finalizers.filter((name) => name !== finalizer);
    return this.patch(object, { metadata: { finalizers: others } }, signal);
  }

  #patch(
    object: T,
    patch: MergePatch,
    options: { readonly subresource?: "status" },
    signal?: AbortSignal,
  ): Promise<PatchOutcome<T>> {
    const conditional = onlyIfUnchanged(object, patch);
    return this.#unless<PatchOutcome<T>>({ 404: { kind: "NotFound" }, 409: { kind: "Conflict" } }, async () => {
      const raw = await this.#api.mergePatch(this.type, addressOf(object), conditional, options, signal);
      return { kind: "Patched", object: this.#parse(raw) };
    });
  }

  /** The call's answer, or the value that stands for the refusal with this code. */
  async #unless<R>(expected: Readonly<Record<number, R>>, call: () => Promise<R>): Promise<R> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof ApiError && error.code in expected) return expected[error.code] as R;
      throw error;
    }
  }
}

function addressOf(object: Resource): ObjectAddress {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}

function onlyIfUnchanged(object: Resource, patch: MergePatch): MergePatch {
  const resourceVersion = versionOf(object);
  const { metadata } = patch as { readonly metadata?: MergePatch };
  return { ...patch, metadata: { ...metadata, resourceVersion } };
}

/** Without a version an act would overwrite what nobody has looked at, so an object without one is a defect. */
function versionOf({ metadata }: Resource): string {
  const { name, resourceVersion } = metadata;
  if (resourceVersion === undefined) throw new Error(`${name} has no resourceVersion: change only what was read`);
  return resourceVersion;
}
