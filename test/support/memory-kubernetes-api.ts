/** The verbs of the Kubernetes API on a map: versions, conflicts and preconditions, and nothing else. */
import { mergePatch } from "../../local/kube/merge-patch.ts";
import type {
  DeleteOptions,
  KubernetesApi,
  KubernetesList,
  KubernetesObject,
  ListOptions,
  ObjectAddress,
  ResourceType,
  WatchEvent,
} from "../../runtime/kubernetes-api.ts";
import { ApiError } from "../../runtime/kubernetes-api.ts";

type Verb = "list" | "get" | "create" | "replace" | "mergePatch" | "delete";
type JsonObject = Readonly<Record<string, unknown>>;

export class MemoryKubernetesApi implements KubernetesApi {
  /** Runs before each verb: may throw, or wait until the signal aborts. */
  before: (verb: Verb, type: ResourceType, signal?: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly calls: Verb[] = [];
  readonly #objects = new Map<string, KubernetesObject>();
  #version = 0;

  async list(type: ResourceType, options: ListOptions, signal?: AbortSignal): Promise<KubernetesList> {
    await this.#begin("list", type, signal);
    const all = [...this.#objects].filter(([key, object]) => {
      const inScope = options.namespace === undefined || object.metadata.namespace === options.namespace;
      return key.startsWith(`${type.plural}/`) && inScope;
    });
    const from = Number(options.continue ?? 0);
    const to = from + (options.limit ?? all.length);
    const rest = to < all.length ? { continue: String(to) } : {};
    const items = all.slice(from, to).map(([, object]) => object);
    return { metadata: { resourceVersion: String(this.#version), ...rest }, items };
  }

  async get(type: ResourceType, address: ObjectAddress, signal?: AbortSignal): Promise<KubernetesObject> {
    await this.#begin("get", type, signal);
    return this.#existing(type, address);
  }

  async create(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    await this.#begin("create", type, signal);
    const key = keyOf(type, object.metadata);
    if (this.#objects.has(key)) throw new ApiError(409, "AlreadyExists", `${key} already exists`);
    return this.#put(key, { ...object, metadata: { ...object.metadata, uid: `uid-${this.#version + 1}` } });
  }

  async replace(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    await this.#begin("replace", type, signal);
    this.#check(this.#existing(type, object.metadata), object.metadata.resourceVersion);
    return this.#put(keyOf(type, object.metadata), object);
  }

  async mergePatch(
    type: ResourceType,
    address: ObjectAddress,
    patch: JsonObject,
    options: { readonly subresource?: "status" } = {},
    signal?: AbortSignal,
  ): Promise<KubernetesObject> {
    await this.#begin("mergePatch", type, signal);
    const object = this.#existing(type, address);
    const { resourceVersion } = (patch["metadata"] ?? {}) as { resourceVersion?: string };
    this.#check(object, resourceVersion);
    const effective = options.subresource === "status" ? { status: patch["status"] } : patch;
    return this.#put(keyOf(type, address), mergePatch(object, effective) as KubernetesObject);
  }

  async delete(
    type: ResourceType,
    address: ObjectAddress,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#begin("delete", type, signal);
    const object = this.#existing(type, address);
    const uid = options.preconditions?.uid;
    if (uid !== undefined && uid !== object.metadata.uid) throw new ApiError(409, "Conflict", "the UID differs");
    this.#objects.delete(keyOf(type, address));
  }

  watch(): AsyncIterable<WatchEvent> {
    throw new Error("this API cannot watch");
  }

  async #begin(verb: Verb, type: ResourceType, signal?: AbortSignal): Promise<void> {
    this.calls.push(verb);
    await this.before(verb, type, signal);
    signal?.throwIfAborted();
  }

  #existing(type: ResourceType, address: ObjectAddress): KubernetesObject {
    const object = this.#objects.get(keyOf(type, address));
    if (object === undefined) throw new ApiError(404, "NotFound", `${keyOf(type, address)} not found`);
    return object;
  }

  #check(object: KubernetesObject, resourceVersion: string | undefined): void {
    if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
      throw new ApiError(409, "Conflict", "the object has been modified");
    }
  }

  #put(key: string, object: KubernetesObject): KubernetesObject {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#objects.set(key, stored);
    return stored;
  }
}

function keyOf(type: ResourceType, address: ObjectAddress): string {
  return `${type.plural}/${address.namespace ?? ""}/${address.name}`;
}
