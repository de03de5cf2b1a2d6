/**
 * The port to a Kubernetes API: the few verbs the product uses, on plain JSON objects. Implemented over HTTP by
 * `kube-client.ts` and, in one process, by `local/`. One contract suite holds both to the same answers.
 */

/** Where a kind lives: `/apis/{group}/{version}/…`, or `/api/{version}/…` for the core group (`group: ""`). */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean | undefined;
  readonly blockOwnerDeletion?: boolean | undefined;
}

/** The metadata we use. `resourceVersion` is opaque; times are RFC 3339. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly finalizers?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface KubernetesList {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[];
}

export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: KubernetesObject }
  /** Only `metadata.resourceVersion` is of use. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string }
  | { readonly type: "ERROR"; readonly code: number; readonly message: string };

/** A Status of the server, as an exception. `reason` is the machine-readable word: NotFound, Conflict, Invalid, Expired, … */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = reason;
  }
}

/** Under this name every implementation of `KubernetesApi` writes. */
export const fieldManagerName = "streamfleet";

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export interface ObjectAddress {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/**
 * Every method throws `ApiError` for a Status of the server and another Error for a connection that failed.
 * A merge patch that carries `metadata.resourceVersion` is conditional: 409 Conflict when it is stale.
 */
export interface KubernetesApi {
  list(type: ResourceType, options: ListOptions, signal?: AbortSignal): Promise<KubernetesList>;
  get(type: ResourceType, address: ObjectAddress, signal?: AbortSignal): Promise<KubernetesObject>;
  create(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  replace(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject>;
  /** JSON merge patch (RFC 7396) of the object, or of its status subresource. */
  mergePatch(
    type: ResourceType,
    address: ObjectAddress,
    patch: Readonly<Record<string, unknown>>,
    options?: { readonly subresource?: "status" },
    signal?: AbortSignal,
  ): Promise<KubernetesObject>;
  /** Answers once the deletion is accepted; an object with finalizers lives on with a `deletionTimestamp`. */
  delete(type: ResourceType, address: ObjectAddress, options?: DeleteOptions, signal?: AbortSignal): Promise<void>;
  /** Ends when the server ends it or the signal aborts; throws when the connection breaks or is refused. */
  watch(type: ResourceType, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent>;
}
