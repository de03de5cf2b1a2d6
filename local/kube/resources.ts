/** The verbs of the API on the store: what each reads, refuses and writes. Every verb runs to its end at once. */
import type { Clock } from "../../domain/ports.ts";
import { toSecondsRfc3339 } from "../../domain/time.ts";
import type { DeleteOptions, KubernetesObject, ListOptions, ObjectMeta } from "../../runtime/kubernetes-api.ts";
import { namespaceKind } from "./built-in-kinds.ts";
import { cannotBeHandled, check, decode, decodeApplied, type Incoming, strictProblem } from "./incoming-object.ts";
import { isObject, type JsonObject, member, without } from "./json.ts";
import type { Kind } from "./kinds.ts";
import { afterUpdate, firstManager, serverSideApply, withManagers, type Writer } from "./managed-fields.ts";
import { type ListPage, ListPages } from "./list-pages.ts";
import { finalizerAdditionErrors } from "./object-metadata.ts";
import { commit, isDeleting, markedForDeletion, nextGeneration, withMetadata } from "./object-lifecycle.ts";
import type { ObjectStore } from "./object-store.ts";
import { selectorFilter } from "./object-watch.ts";
import { applyPatch, type Patch } from "./patches.ts";
import {
  alreadyExists,
  badRequest,
  forbidden,
  invalid,
  invalidPatch,
  missingResourceVersion,
  notFound,
  StatusError,
  unsupported,
} from "./status.ts";
import {
  checkPreconditions,
  checkSame,
  checkUid,
  checkVersion,
  immutableErrors,
  nameMismatch,
} from "./write-checks.ts";
import { withoutStatus, withSpecOf, withStatusOf } from "./object-parts.ts";
import { keyOf, type Target } from "./target.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface WriteOptions {
  /** Validates and answers as usual, and stores nothing. */
  readonly dryRun?: boolean;
  /** What becomes of unknown fields; `Warn` when absent. */
  readonly fieldValidation?: FieldValidation;
  /** Whose the fields are that are written; `unknown` when absent. */
  readonly manager?: string;
}

export interface ApplyOptions extends WriteOptions {
  readonly manager: string;
  /** Takes fields from other managers that have them with other values. */
  readonly force: boolean;
}

export interface Written {
  readonly object: KubernetesObject;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

export interface ResourcesOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly newUid: () => string;
}

const protectedNamespaces = ["default", "kube-system"];

/** The verbs; what is refused is thrown as `StatusError`. */
export class Resources {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #newUid: () => string;
  readonly #pages: ListPages;

  constructor({ store, clock, newUid }: ResourcesOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#newUid = newUid;
    this.#pages = new ListPages(store);
  }

  /** Throws 404. */
  get(target: Target): KubernetesObject {
    const found = this.#store.read(keyOf(target));
    if (found === undefined || (target.subresource === "status" && !target.kind.hasStatus)) {
      throw notFound(target.kind.type, target.name);
    }
    return found;
  }

  list(kind: Kind, options: ListOptions & { readonly resourceVersionMatch?: string }): ListPage {
    const filter = selectorFilter(kind, options);
    return this.#pages.page(kind, filter, options);
  }

  create(kind: Kind, namespace: string, body: unknown, options: WriteOptions = {}): Written {
    const incoming = decode(kind, body);
    const warnings = unknownFieldWarnings(kind, incoming, options);
    const object = this.#newObject(kind, namespace, incoming.object);
    return { object: this.#insert(kind, namespace, object, options), created: true, warnings };
  }

  #insert(kind: Kind, namespace: string, object: KubernetesObject, options: WriteOptions): KubernetesObject {
    this.#checkNamespace(kind, namespace, object.metadata.name);
    check(kind, object, undefined);
    const target = { kind, namespace, name: object.metadata.name };
    const existing = this.#store.read(keyOf(target));
    if (existing !== undefined) throw alreadyExists(kind.type, target.name, isDeleting(existing));
    return options.dryRun === true ? object : this.#store.put(keyOf(target), object);
  }

  /** Server-side apply: makes the object, or merges into it what the manager wants and takes out what it wants no more. */
  apply(target: Target, body: unknown, options: ApplyOptions): Written {
    const { kind } = target;
    if (target.subresource !== undefined) {
      throw unsupported("the embedded API applies whole objects: change the status by a merge patch");
    }
    const { config, unknownFields } = decodeApplied(kind, body);
    const { name, namespace } = config["metadata"] as ObjectMeta;
    if (name !== target.name) throw badRequest(nameMismatch(name, target.name));
    checkSame("namespace", namespace, target.namespace);
    const warnings = unknownFieldWarnings(kind, { unknownFields }, options);
    const live = this.#store.read(keyOf(target));
    return live === undefined
      ? { object: this.#applyNew(target, config, options), created: true, warnings }
      : { object: this.#applyTo(target, live, config, options), created: false, warnings };
  }

  #applyNew({ kind, namespace }: Target, config: JsonObject, options: ApplyOptions): KubernetesObject {
    const metadata = without(config["metadata"] as JsonObject, "resourceVersion", "uid");
    const { object: incoming } = decode(kind, { ...config, metadata });
    const object = this.#newObject(kind, namespace, incoming);
    const managers = firstManager(kind, config, this.#writer(options));
    return this.#insert(
      kind,
      namespace,
      withManagers(kind, undefined, object, managers, this.#writer(options)),
      options,
    );
  }

  #applyTo(target: Target, live: KubernetesObject, config: JsonObject, options: ApplyOptions): KubernetesObject {
    const { kind } = target;
    const { object, entries } = serverSideApply(kind, live, config, options);
    const { object: incoming } = decode(kind, object);
    return this.#update(target, live, incoming, options, (next) =>
      withManagers(kind, live, next, entries, this.#writer(options)),
    );
  }

  #writer({ manager = "unknown" }: WriteOptions): Writer {
    return { manager, time: toSecondsRfc3339(this.#clock.now()) };
  }

  replace(target: Target, body: unknown, options: WriteOptions = {}): Written {
    const { kind } = target;
    const incoming = decode(kind, body);
    checkSame("name", incoming.object.metadata.name, target.name);
    checkSame("namespace", incoming.object.metadata.namespace, target.namespace);
    const existing = this.#store.read(keyOf(target));
    if (existing === undefined && kind.createsOnReplace) return this.create(kind, target.namespace, body, options);
    const warnings = unknownFieldWarnings(kind, incoming, options);
    const current = this.get(target);
    const version = incoming.object.metadata.resourceVersion;
    const isUnversioned = version === undefined || version === "0";
    if (isUnversioned && kind.versionedReplace) throw missingResourceVersion(kind.type, target.name);
    checkUid(target, current, incoming.object.metadata.uid);
    return { object: this.#update(target, current, incoming.object, options), created: false, warnings };
  }

  patch(target: Target, patch: Patch, options: WriteOptions = {}): Written {
    const { kind } = target;
    const current = this.get(target);
    const patched = applyPatch(current, patch);
    const incoming = decode(kind, isObject(patched) ? patched : {});
    if (incoming.object.metadata.name !== target.name)
      throw badRequest(nameMismatch(incoming.object.metadata.name, target.name));
    checkSame("namespace", incoming.object.metadata.namespace, target.namespace);
    const isStrict = options.fieldValidation === "Strict" && incoming.unknownFields.length > 0;
    if (isStrict) throw invalidPatch(patched, strictProblem(incoming.unknownFields));
    const warnings = unknownFieldWarnings(kind, incoming, options);
    return { object: this.#update(target, current, incoming.object, options), created: false, warnings };
  }

  /** The object that lives on for its finalizers, or undefined when it is gone; `uid` is that of the object deleted. */
  delete(
    target: Target,
    options: DeleteOptions & { readonly dryRun?: boolean } = {},
  ): { readonly uid: string; readonly object?: KubernetesObject } {
    const { kind } = target;
    const current = this.get(target);
    checkPreconditions(target, current, options.preconditions);
    if (kind === namespaceKind && protectedNamespaces.includes(target.name)) {
      throw forbidden(kind.type, target.name, "this namespace may not be deleted");
    }
    const uid = current.metadata.uid ?? "";
    const marked = markedForDeletion(current, kind, options.propagationPolicy, this.#clock.now());
    if (options.dryRun === true) return marked === undefined ? { uid } : { uid, object: marked };
    if (marked !== undefined) return { uid, object: commit(this.#store, keyOf(target), current, marked) };
    this.#store.remove(keyOf(target));
    return { uid };
  }

  #newObject(kind: Kind, namespace: string, incoming: KubernetesObject): KubernetesObject {
    const { metadata } = incoming;
    if (metadata.resourceVersion !== undefined) {
      throw new StatusError(500, "", "resourceVersion should not be set on objects to be created");
    }
    checkSame("namespace", metadata.namespace, namespace);
    const object = kind.hasStatus ? withoutStatus(incoming) : incoming;
    // Whose the fields are is known from the first apply on; what a backup says of it is of another object.
    return {
      ...object,
      metadata: { ...this.#newMetadata(kind, metadata), ...(kind.type.namespaced ? { namespace } : {}) },
    };
  }

  #newMetadata(kind: Kind, incoming: ObjectMeta): ObjectMeta {
    const uid = this.#newUid();
    return {
      ...without(
        incoming as ObjectMeta & { managedFields?: unknown },
        "deletionTimestamp",
        "generation",
        "managedFields",
      ),
      ...generatedName(incoming, uid),
      uid,
      creationTimestamp: toSecondsRfc3339(this.#clock.now()),
      ...(kind.countsGenerations ? { generation: 1 } : {}),
    };
  }

  #checkNamespace(kind: Kind, namespace: string, name: string): void {
    if (!kind.type.namespaced) return;
    const found = this.#store.read({ resource: namespaceKind.resource, namespace: "", name: namespace });
    if (found === undefined) throw notFound(namespaceKind.type, namespace);
    if (!isDeleting(found)) return;
    throw forbidden(
      kind.type,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
  }

  /** Nobody asks whose the fields of a status are. */
  #followed(
    target: Target,
    current: KubernetesObject,
    next: KubernetesObject,
    options: WriteOptions,
  ): KubernetesObject {
    if (target.subresource === "status" || (!isFollowed(current) && !isFollowed(next))) return next;
    return afterUpdate(target.kind, current, next, this.#writer(options));
  }

  #update(
    target: Target,
    current: KubernetesObject,
    incoming: KubernetesObject,
    options: WriteOptions,
    managed?: (next: KubernetesObject) => KubernetesObject,
  ): KubernetesObject {
    const { kind, name } = target;
    checkVersion(target, current, incoming.metadata);
    const immutable = immutableErrors(current.metadata, incoming.metadata);
    if (immutable.length > 0) throw invalid(kind.type, name, immutable);
    const next =
      target.subresource === "status" ? withStatusOf(current, incoming) : withSpecOf(kind, current, incoming);
    const added = isDeleting(current)
      ? finalizerAdditionErrors(current.metadata.finalizers ?? [], next.metadata.finalizers ?? [])
      : [];
    if (added.length > 0) throw invalid(kind.type, name, added);
    check(kind, next, current);
    const generation = nextGeneration(kind, current, next);
    const counted = generation === undefined ? next : withMetadata(next, { generation });
    const followed = managed?.(counted) ?? this.#followed(target, current, counted, options);
    return options.dryRun === true ? followed : commit(this.#store, keyOf(target), current, followed);
  }
}

/** Whether the object has anybody's fields written down. */
function isFollowed(object: KubernetesObject): boolean {
  return "managedFields" in object.metadata;
}

function generatedName(incoming: ObjectMeta, uid: string): { readonly name?: string } {
  const prefix = member(incoming, ["generateName"]);
  const hasName = typeof (incoming.name as string | undefined) === "string";
  return hasName || typeof prefix !== "string" ? {} : { name: `${prefix}${uid.replaceAll("-", "").slice(-5)}` };
}

function unknownFieldWarnings(
  kind: Kind,
  { unknownFields }: Pick<Incoming, "unknownFields">,
  options: WriteOptions,
): readonly string[] {
  if (unknownFields.length === 0 || options.fieldValidation === "Ignore") return [];
  if (options.fieldValidation === "Strict") throw cannotBeHandled(kind, strictProblem(unknownFields));
  return unknownFields.map((field) => `unknown field "${field}"`);
}
