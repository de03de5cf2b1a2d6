/** Lists in pages: every page of a list shows the same version. */
import type { KubernetesObject, ListOptions } from "../../runtime/kubernetes-api.ts";
import type { Kind } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import type { ObjectFilter } from "./selectors.ts";
import { StatusError, badRequest } from "./status.ts";

export interface ListPage {
  readonly items: readonly KubernetesObject[];
  readonly resourceVersion: string;
  /** Token of the next page; empty after the last. */
  readonly continueToken: string;
  /** How many are left; absent when a selector is used. */
  readonly remaining?: number;
}

interface OpenList {
  readonly id: number;
  readonly revision: number;
  readonly items: readonly KubernetesObject[];
}

/** Lists that may be continued at the same time; the oldest are forgotten. */
const maxOpenLists = 16;

/** The lists of one store that are being read in pages. */
export class ListPages {
  readonly #store: ObjectStore;
  /** Objects are shared with the store, so that an open list costs its references only. */
  readonly #open = new Map<number, OpenList>();
  #lastId = 0;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Throws 400 for a bad token, 410 for one that is forgotten, 504 for a version that is not there yet. */
  page(kind: Kind, filter: ObjectFilter, options: ListOptions & { readonly resourceVersionMatch?: string }): ListPage {
    const hasSelector = (options.labelSelector ?? options.fieldSelector ?? "") !== "";
    const token = options.continue ?? "";
    if (token !== "")
      return this.#continued(kind, filter, { token, limit: options.limit, hasSelector, namespace: options.namespace });
    this.#checkVersion(options);
    const items = this.#store.list(kind.resource, options.namespace).filter(filter);
    const list = { id: ++this.#lastId, revision: this.#store.revision, items };
    return this.#cut(list, 0, options.limit, hasSelector);
  }

  #continued(
    kind: Kind,
    filter: ObjectFilter,
    from: {
      readonly token: string;
      readonly limit: number | undefined;
      readonly hasSelector: boolean;
      readonly namespace: string | undefined;
    },
  ): ListPage {
    const { id, start, last } = parsedToken(from.token);
    const list = this.#open.get(id);
    if (list !== undefined) return this.#cut(list, start, from.limit, from.hasSelector);
    if (id !== fromNewest) throw expired(last);
    const items = this.#store.list(kind.resource, from.namespace).filter(filter);
    const next = items.findIndex((object) => placeOf(object) > last);
    const fresh = { id: ++this.#lastId, revision: this.#store.revision, items };
    return this.#cut(fresh, next < 0 ? items.length : next, from.limit, from.hasSelector);
  }

  #cut(list: OpenList, start: number, limit: number | undefined, hasSelector: boolean): ListPage {
    const end = limit === undefined || limit <= 0 ? list.items.length : start + limit;
    const items = list.items.slice(start, end);
    const remaining = Math.max(0, list.items.length - end);
    const resourceVersion = String(list.revision);
    if (remaining === 0) {
      this.#open.delete(list.id);
      return { items, resourceVersion, continueToken: "" };
    }
    this.#keep(list);
    const last = items.at(-1);
    const continueToken = tokenOf({ id: list.id, start: end, last: last === undefined ? "" : placeOf(last) });
    return { items, resourceVersion, continueToken, ...(hasSelector ? {} : { remaining }) };
  }

  #keep(list: OpenList): void {
    this.#open.delete(list.id);
    this.#open.set(list.id, list);
    const oldest = this.#open.keys().next();
    if (this.#open.size > maxOpenLists && oldest.done !== true) this.#open.delete(oldest.value);
  }

  #checkVersion(options: ListOptions & { readonly resourceVersionMatch?: string }): void {
    const version = options.resourceVersion ?? "";
    if (version === "" || version === "0") return;
    if (!/^\d+$/.test(version)) {
      const problem = `strconv.ParseUint: parsing "${version}": invalid syntax`;
      throw badRequest(`invalid resource version: resourceVersion: Invalid value: "${version}": ${problem}`);
    }
    const wanted = Number(version);
    const current = this.#store.revision;
    if (wanted > current) throw tooLarge(version, current);
    const match = options.resourceVersionMatch ?? ((options.limit ?? 0) > 0 ? "Exact" : "NotOlderThan");
    if (match === "Exact" && wanted < current) {
      throw new StatusError(410, "Expired", "The resourceVersion for the provided list is too old.");
    }
  }
}

const fromNewest = -1;

interface PageToken {
  readonly id: number;
  readonly start: number;
  readonly last: string;
}

function placeOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

function tokenOf({ id, start, last }: PageToken): string {
  return Buffer.from(JSON.stringify([id, start, last])).toString("base64url");
}

function parsedToken(token: string): PageToken {
  const [id, start, last] = tokenParts(token);
  if (typeof id === "number" && typeof start === "number" && typeof last === "string") return { id, start, last };
  throw badRequest("continue key is not valid");
}

function tokenParts(token: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function expired(last: string): StatusError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without " +
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. " +
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted " +
    "between the time the first chunk was returned and now may show up in the list.";
  return new StatusError(410, "Expired", message, undefined, tokenOf({ id: fromNewest, start: 0, last }));
}

function tooLarge(version: string, current: number): StatusError {
  const message = `Timeout: Too large resource version: ${version}, current: ${String(current)}`;
  return new StatusError(504, "Timeout", message, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}
