/** A watch on one kind: the changes after a version, as events, until it is ended. */
import type { Clock } from "../../domain/ports.ts";
import type { KubernetesObject, WatchEvent, WatchOptions } from "../../runtime/kubernetes-api.ts";
import type { Kind } from "./kinds.ts";
import type { Change, ChangeScope, ObjectStore } from "./object-store.ts";
import { fieldFilter, labelFilter, type ObjectFilter } from "./selectors.ts";
import { StatusError } from "./status.ts";

const bookmarkIntervalMs = 60_000;
/** Events that may wait for a reader; one that is slower starts again. */
const maxWaiting = 50_000;

export interface WatchSource {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** All filters of a request in one. Throws 400. */
export function selectorFilter(
  kind: Kind,
  options: { readonly labelSelector?: string; readonly fieldSelector?: string },
): ObjectFilter {
  const byLabel = labelFilter(options.labelSelector ?? "");
  const byField = fieldFilter(options.fieldSelector ?? "", kind);
  return (object) => byLabel(object) && byField(object);
}

/**
 * The events after `resourceVersion`; without one, or after `0`, first an ADDED for every object. A version that is
 * forgotten yields one ERROR 410. Ends with the signal, with `timeoutSeconds`, or after an ERROR.
 */
export async function* watchObjects(
  source: WatchSource,
  kind: Kind,
  options: Omit<WatchOptions, "resourceVersion"> & { readonly resourceVersion?: string },
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const filter = selectorFilter(kind, options);
  const inbox = new Inbox();
  const stop = (): void => inbox.end();
  const { store, clock } = source;
  const scope = scopeOf(kind, options.namespace);
  for (const event of backlog(store, scope, filter, options.resourceVersion ?? "")) inbox.add(event);
  const floor = Number(options.resourceVersion ?? "0");
  const unsubscribe = store.subscribe(scope, (change) => {
    if (change.revision > floor) inbox.addAll(eventsOf(change, filter));
  });
  const cancelBookmarks = options.allowWatchBookmarks === true ? repeatBookmarks(source, inbox) : undefined;
  const { timeoutSeconds } = options;
  const cancelTimeout = timeoutSeconds === undefined ? undefined : clock.after(timeoutSeconds * 1_000, stop);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    yield* inbox.events();
  } finally {
    signal.removeEventListener("abort", stop);
    cancelTimeout?.();
    cancelBookmarks?.();
    unsubscribe();
  }
}

function scopeOf(kind: Kind, namespace: string | undefined): ChangeScope {
  return namespace === undefined ? { resource: kind.resource } : { resource: kind.resource, namespace };
}

function* backlog(store: ObjectStore, scope: ChangeScope, filter: ObjectFilter, version: string): Iterable<WatchEvent> {
  if (version === "" || version === "0") {
    const objects = store.list(scope.resource ?? "", scope.namespace).filter(filter);
    yield* objects.map((object): WatchEvent => ({ type: "ADDED", object }));
    return;
  }
  const since = parsedVersion(version);
  const changes = store.changesSince(since, scope);
  if (changes === undefined) {
    const message = `too old resource version: ${version} (${String(store.revision)})`;
    yield { type: "ERROR", code: 410, message };
    return;
  }
  for (const change of changes) yield* eventsOf(change, filter);
}

function parsedVersion(version: string): number {
  if (/^\d+$/.test(version)) return Number(version);
  const message = `resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`;
  throw new StatusError(500, "InternalError", message);
}

/** An object that leaves the selection is deleted for its watchers, one that enters is added. */
function eventsOf(change: Change, filter: ObjectFilter): readonly WatchEvent[] {
  const { previous } = change;
  const before = previous !== undefined && filter(previous);
  const after = change.type !== "DELETED" && filter(change.object);
  if (after) return [{ type: before ? "MODIFIED" : "ADDED", object: change.object }];
  return before ? [{ type: "DELETED", object: atVersion(previous, change.revision) }] : [];
}

function atVersion(object: KubernetesObject, revision: number): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

function repeatBookmarks({ store, clock }: WatchSource, inbox: Inbox): () => void {
  let cancel: () => void;
  const next = (): (() => void) =>
    clock.after(bookmarkIntervalMs, () => {
      inbox.add({ type: "BOOKMARK", resourceVersion: String(store.revision) });
      cancel = next();
    });
  cancel = next();
  return () => cancel();
}

/** Events that wait for their reader. */
class Inbox {
  #waiting: WatchEvent[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  add(event: WatchEvent): void {
    this.addAll([event]);
  }

  addAll(events: readonly WatchEvent[]): void {
    if (this.#ended || events.length === 0) return;
    this.#waiting.push(...events);
    if (this.#waiting.length > maxWaiting) {
      this.#waiting = [{ type: "ERROR", code: 410, message: "the watch is too slow: too many events wait for it" }];
    }
    if (events.some((event) => event.type === "ERROR") || this.#waiting[0]?.type === "ERROR") this.#ended = true;
    this.#wake();
  }

  /** No more events; those that wait are still read. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *events(): AsyncGenerator<WatchEvent, void, undefined> {
    for (let batch = this.#take(); batch.length > 0 || !this.#ended; batch = this.#take()) {
      yield* batch;
      if (batch.length === 0) await this.#more();
    }
  }

  #take(): readonly WatchEvent[] {
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }

  /** Resolves when there is something to read, which may have come while the last batch was being handed over. */
  #more(): Promise<void> {
    if (this.#waiting.length > 0 || this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
