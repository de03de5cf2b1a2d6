/**
 * A Kubernetes API in one process, for a laptop and for tests: our kinds and a few built-in ones, on one store.
 * A development tool; production runs on a real cluster.
 */
import type { Clock } from "../../domain/ports.ts";
import {
  type DeleteOptions,
  fieldManagerName,
  type KubernetesApi,
  type KubernetesList,
  type KubernetesObject,
  type ListOptions,
  type ObjectAddress,
  type ResourceType,
  type WatchEvent,
  type WatchOptions,
} from "../../runtime/kubernetes-api.ts";
import { builtInKinds, namespaceKind } from "./built-in-kinds.ts";
import { EventExpiry } from "./event-expiry.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { customKind, type Kind } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { watchObjects } from "./object-watch.ts";
import { Resources } from "./resources.ts";
import type { Target } from "./target.ts";
import { StatusError, qualifiedResource } from "./status.ts";

export type Verb = "list" | "get" | "create" | "replace" | "mergePatch" | "delete" | "watch";

export interface ApiCall {
  readonly verb: Verb;
  readonly type: ResourceType;
  /** The name is absent for lists and watches. */
  readonly address: { readonly namespace?: string; readonly name?: string };
  /** `After` means that the verb has had its effect; of a watch, that an event is about to be delivered. */
  readonly moment: "Before" | "After";
  /** Aborts when the caller no longer waits. */
  readonly signal?: AbortSignal;
}

/** Called around every verb of the KubernetesApi; what it throws, the caller gets. For tests. */
export type Faults = (call: ApiCall) => Promise<void> | void;

export interface EmbeddedApiOptions {
  /** Parsed CustomResourceDefinition manifests. */
  readonly crds: readonly unknown[];
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly newUid: () => string;
  /** Namespaces that exist from the start, beside `default` and `kube-system`. */
  readonly namespaces?: readonly string[];
  readonly faults?: Faults;
}

/**
 * Implements the port for callers in this process; `http-server.ts` serves the same objects to kubectl.
 * Construction throws CrdError for a definition that cannot be served.
 */
export class EmbeddedApi implements KubernetesApi {
  /** The kinds that are served. */
  readonly kinds: readonly Kind[];
  readonly resources: Resources;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly #faults: Faults;
  readonly #collector: GarbageCollector;
  readonly #eventExpiry: EventExpiry;
  readonly #kindOf: ReadonlyMap<string, Kind>;

  constructor({ crds, store, clock, newUid, namespaces = [], faults }: EmbeddedApiOptions) {
    this.kinds = [...builtInKinds, ...crds.map(customKind)];
    this.#kindOf = new Map(this.kinds.map((kind) => [versioned(kind.type), kind]));
    this.store = store;
    this.clock = clock;
    this.resources = new Resources({ store, clock, newUid });
    this.#faults = faults ?? ((): undefined => undefined);
    for (const name of ["default", "kube-system", ...namespaces]) this.#ensureNamespace(name);
    this.#collector = new GarbageCollector({ store, kinds: this.kinds, clock });
    this.#eventExpiry = new EventExpiry(store, clock);
    this.#collector.start();
    this.#eventExpiry.start();
  }

  /** Stops what runs beside the verbs, and closes the store. */
  close(): void {
    this.#collector.stop();
    this.#eventExpiry.stop();
    this.store.close();
  }

  async list(type: ResourceType, options: ListOptions, signal?: AbortSignal): Promise<KubernetesList> {
    return this.#call("list", type, addressOf(options), signal, () => {
      const page = this.resources.list(this.#kind(type), options);
      const more = page.continueToken === "" ? {} : { continue: page.continueToken };
      return { metadata: { resourceVersion: page.resourceVersion, ...more }, items: page.items };
    });
  }

  async get(type: ResourceType, address: ObjectAddress, signal?: AbortSignal): Promise<KubernetesObject> {
    return this.#call("get", type, address, signal, () => this.resources.get(this.#target(type, address)));
  }

  async create(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    const namespace = object.metadata.namespace ?? "";
    return this.#call("create", type, object.metadata, signal, () => {
      return this.resources.create(this.#kind(type), namespace, object, asOurs).object;
    });
  }

  async replace(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    return this.#call("replace", type, object.metadata, signal, () => {
      return this.resources.replace(this.#target(type, object.metadata), object, asOurs).object;
    });
  }

  async mergePatch(
    type: ResourceType,
    address: ObjectAddress,
    patch: Readonly<Record<string, unknown>>,
    options: { readonly subresource?: "status" } = {},
    signal?: AbortSignal,
  ): Promise<KubernetesObject> {
    return this.#call("mergePatch", type, address, signal, () => {
      const target = { ...this.#target(type, address), ...options };
      return this.resources.patch(target, { kind: "Merge", body: patch }, asOurs).object;
    });
  }

  async delete(
    type: ResourceType,
    address: ObjectAddress,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#call("delete", type, address, signal, () =>
      this.resources.delete(this.#target(type, address), options),
    );
  }

  async *watch(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const call = { verb: "watch", type, address: addressOf(options), signal } as const;
    await this.#faults({ ...call, moment: "Before" });
    for await (const event of watchObjects(this, this.#kind(type), options, signal)) {
      await this.#faults({ ...call, moment: "After" });
      yield event;
    }
  }

  /** The kind that is served under this group, version and plural, or undefined. */
  kindAt(group: string, version: string, plural: string): Kind | undefined {
    return this.#kindOf.get(versioned({ group, version, plural }));
  }

  async #call<T>(
    verb: Verb,
    type: ResourceType,
    { namespace, name }: Partial<ObjectAddress>,
    signal: AbortSignal | undefined,
    run: () => T,
  ): Promise<T> {
    signal?.throwIfAborted();
    const address = { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
    const call = { verb, type, address, ...(signal === undefined ? {} : { signal }) };
    await this.#faults({ ...call, moment: "Before" });
    signal?.throwIfAborted();
    const result = run();
    await this.#faults({ ...call, moment: "After" });
    return result;
  }

  #kind(type: ResourceType): Kind {
    const kind = this.#kindOf.get(versioned(type));
    if (kind !== undefined) return kind;
    throw new StatusError(
      404,
      "NotFound",
      `the server could not find the requested resource (${qualifiedResource(type)})`,
    );
  }

  #target(type: ResourceType, { namespace = "", name }: ObjectAddress): Target {
    const kind = this.#kind(type);
    return { kind, namespace: kind.type.namespaced ? namespace : "", name };
  }

  #ensureNamespace(name: string): void {
    const key = { resource: namespaceKind.resource, namespace: "", name };
    if (this.store.read(key) !== undefined) return;
    this.resources.create(namespaceKind, "", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  }
}

const asOurs = { manager: fieldManagerName };

function versioned({ group, version, plural }: Pick<ResourceType, "group" | "version" | "plural">): string {
  return `${group}/${version}/${plural}`;
}

function addressOf({ namespace }: { readonly namespace?: string }): { readonly namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}
