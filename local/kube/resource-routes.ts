/** The routes of objects: path and method to verb, and the answer in the form that was asked for. */
import { once } from "node:events";
import type { NextFunction, Request, Response } from "express";
import type { KubernetesObject, WatchEvent } from "../../runtime/kubernetes-api.ts";
import type { EmbeddedApi } from "./embedded-api.ts";
import { apiVersionOf } from "./incoming-object.ts";
import { type JsonObject, without } from "./json.ts";
import type { Kind } from "./kinds.ts";
import { watchObjects } from "./object-watch.ts";
import { objectBody, patchBody } from "./request-body.ts";
import {
  applyOptions,
  deleteOptions,
  includeObject,
  isWatch,
  listOptions,
  optionalNumber,
  writeOptions,
} from "./request-options.ts";
import { type ResourcePath, resourcePath } from "./request-path.ts";
import type { Written } from "./resources.ts";
import type { Target } from "./target.ts";
import { StatusError, badRequest, methodNotAllowed, noSubresource, statusBody } from "./status.ts";
import { partialObject, tableOf } from "./table.ts";

interface Exchange {
  readonly api: EmbeddedApi;
  readonly request: Request;
  readonly response: Response;
  readonly query: URLSearchParams;
  readonly closing: AbortSignal;
}

/** Middleware that answers requests for objects and passes the others on. */
export function resourceHandler(
  api: EmbeddedApi,
  closing: AbortSignal,
): (request: Request, response: Response, next: NextFunction) => Promise<void> {
  return async (request, response, next) => {
    const path = resourcePath(decoded(request.path), (...at) => api.kindAt(...at));
    const [, search = ""] = request.url.split("?", 2);
    const query = new URLSearchParams(search);
    const isAnswered = path !== undefined && (await answer({ api, request, response, query, closing }, path));
    if (!isAnswered) next();
  };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest("the path is not percent-encoded UTF-8");
  }
}

/** False when the path has no such method. */
async function answer(exchange: Exchange, path: ResourcePath): Promise<boolean> {
  checkAccept(exchange.request);
  const method = exchange.request.method === "HEAD" ? "GET" : exchange.request.method;
  if (path.name === undefined) return answerCollection(exchange, path, method);
  const { kind, name } = path;
  if (path.subresource !== undefined && (path.subresource !== "status" || !kind.hasStatus)) {
    // The object itself may be missing, which is what people are to hear first.
    exchange.api.resources.get({ kind, name, namespace: path.namespace ?? "" });
    throw noSubresource(kind.type, name, path.subresource);
  }
  const target = {
    kind,
    name,
    namespace: path.namespace ?? "",
    ...(path.subresource === undefined ? {} : { subresource: "status" as const }),
  };
  answerObject(exchange, target, method);
  return true;
}

async function answerCollection(exchange: Exchange, path: ResourcePath, method: string): Promise<boolean> {
  const { api, query } = exchange;
  const { kind, namespace } = path;
  const isWhere = namespace !== undefined || !kind.type.namespaced;
  if (method === "GET" && isWatch(query)) await streamWatch(exchange, path);
  else if (method === "GET") sendList(exchange, path);
  else if (method === "POST" && isWhere) {
    sendWritten(
      exchange,
      kind,
      api.resources.create(
        kind,
        namespace ?? "",
        bodyOf(exchange.request, kind),
        writeOptions(query, "CreateOptions", userAgent(exchange.request)),
      ),
    );
  } else if (method === "DELETE" && isWhere) deleteCollection(exchange, path);
  else return false;
  return true;
}

function answerObject(exchange: Exchange, target: Target, method: string): void {
  const { api, request, query } = exchange;
  const { kind } = target;
  switch (method) {
    case "GET":
      sendObject(exchange, kind, api.resources.get(target), 200);
      return;
    case "PUT":
      sendWritten(
        exchange,
        kind,
        api.resources.replace(target, bodyOf(request, kind), writeOptions(query, "UpdateOptions", userAgent(request))),
      );
      return;
    case "PATCH": {
      const patch = patchBody(contentType(request), rawBody(request), kind);
      const options = writeOptions(query, "PatchOptions", userAgent(request));
      const written =
        patch.kind === "Apply"
          ? api.resources.apply(target, patch.body, { ...options, ...applyOptions(query) })
          : api.resources.patch(target, patch, options);
      sendWritten(exchange, kind, written);
      return;
    }
    case "DELETE":
      if (target.subresource !== undefined) throw methodNotAllowed(kind.type, "delete");
      deleteObject(exchange, target);
      return;
    default:
      throw methodNotAllowed(kind.type, method === "POST" ? "create" : method);
  }
}

function deleteObject(exchange: Exchange, target: Target): void {
  const { api, request, response, query } = exchange;
  const { kind, name } = target;
  const { uid, object } = api.resources.delete(target, deleteOptions(bodyOf(request, kind), query));
  if (object !== undefined) {
    sendObject(exchange, kind, object, 200);
    return;
  }
  const { group, plural } = kind.type;
  const details = { name, ...(group === "" ? {} : { group }), kind: plural, uid };
  response.json({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

function deleteCollection(exchange: Exchange, { kind, namespace = "" }: ResourcePath): void {
  const { api, request, response, query } = exchange;
  const options = deleteOptions(bodyOf(request, kind), query);
  const { items, resourceVersion } = api.resources.list(
    kind,
    listOptions(query, kind.type.namespaced ? namespace : undefined),
  );
  for (const { metadata } of items) api.resources.delete({ kind, namespace, name: metadata.name }, options);
  response.json(listBody(kind, items, { resourceVersion, continue: "" }));
}

function sendList(exchange: Exchange, { kind, namespace }: ResourcePath): void {
  const { api, request, response, query } = exchange;
  const page = api.resources.list(kind, listOptions(query, namespace));
  const remaining = page.remaining === undefined ? {} : { remainingItemCount: page.remaining };
  const metadata = { continue: page.continueToken, ...remaining, resourceVersion: page.resourceVersion };
  switch (projection(request)) {
    case "Table":
      response.json(tableOf(kind, page.items, tableOptions(exchange, metadata)));
      return;
    case "Partial":
      response.json({
        kind: "PartialObjectMetadataList",
        apiVersion: "meta.k8s.io/v1",
        metadata,
        items: page.items.map(partialObject),
      });
      return;
    case "Whole":
      response.json(listBody(kind, page.items, metadata));
  }
}

function listBody(kind: Kind, items: readonly KubernetesObject[], metadata: JsonObject): JsonObject {
  // The items of built-in kinds do not repeat what the list says.
  const shown = kind.custom ? items : items.map((item) => without(item, "apiVersion", "kind"));
  return { apiVersion: apiVersionOf(kind), items: shown, kind: kind.listKind, metadata };
}

function sendWritten(exchange: Exchange, kind: Kind, { object, created, warnings }: Written): void {
  // A header's text is quoted; what users wrote may hold anything.
  const shown = warnings.map((text) => `299 - ${JSON.stringify(text).replaceAll(/[^\x20-\x7e]/g, "?")}`);
  if (shown.length > 0) exchange.response.setHeader("Warning", shown.slice(0, 50));
  sendObject(exchange, kind, object, created ? 201 : 200);
}

function sendObject(exchange: Exchange, kind: Kind, object: KubernetesObject, status: number): void {
  exchange.response.status(status).json(projected(exchange, kind, object, true));
}

function projected(exchange: Exchange, kind: Kind, object: KubernetesObject, withColumns: boolean): JsonObject {
  switch (projection(exchange.request)) {
    case "Table": {
      const metadata = { resourceVersion: object.metadata.resourceVersion ?? "" };
      return tableOf(kind, [object], { ...tableOptions(exchange, metadata), withColumns });
    }
    case "Partial":
      return partialObject(object);
    case "Whole":
      return object;
  }
}

function tableOptions({ api, query }: Exchange, metadata: JsonObject): Parameters<typeof tableOf>[2] {
  return { metadata, includeObject: includeObject(query), now: api.clock.now(), withColumns: true };
}

async function streamWatch(exchange: Exchange, { kind, namespace }: ResourcePath): Promise<void> {
  const { api, response, query, closing } = exchange;
  if (query.get("sendInitialEvents") === "true") {
    throw new StatusError(
      422,
      "Invalid",
      `ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: list, then watch`,
    );
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const timeoutSeconds = optionalNumber(query, "timeoutSeconds");
  const options = {
    ...listOptions(query, namespace),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    allowWatchBookmarks: query.get("allowWatchBookmarks") === "true",
  };
  const events = watchObjects(api, kind, options, AbortSignal.any([gone.signal, closing]));
  // What the options lack shows before the headers are sent.
  const first = events.next();
  await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
  response.status(200).setHeader("Content-Type", "application/json");
  response.flushHeaders();
  let withColumns = true;
  for (let next = await first; next.done !== true; next = await events.next()) {
    const written = response.write(`${JSON.stringify(frameOf(exchange, kind, next.value, withColumns))}\n`);
    withColumns = false;
    if (!written && !gone.signal.aborted) await drained(response, gone.signal);
  }
  response.end();
}

/** A client that does not read must not fill the memory. */
async function drained(response: Response, gone: AbortSignal): Promise<void> {
  try {
    await once(response, "drain", { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}

function frameOf(exchange: Exchange, kind: Kind, event: WatchEvent, withColumns: boolean): JsonObject {
  switch (event.type) {
    case "ERROR":
      return { type: "ERROR", object: statusBody(new StatusError(event.code, "Expired", event.message)) };
    case "BOOKMARK": {
      const metadata = { resourceVersion: event.resourceVersion };
      return { type: "BOOKMARK", object: { apiVersion: apiVersionOf(kind), kind: kind.type.kind, metadata } };
    }
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: event.type, object: projected(exchange, kind, event.object, withColumns) };
  }
}

type Projection = "Table" | "Partial" | "Whole";

function projection(request: Request): Projection {
  const [first = ""] = (request.headers.accept ?? "").split(",");
  if (/;\s*as=Table(;|$)/.test(first)) return "Table";
  return /;\s*as=PartialObjectMetadata(List)?(;|$)/.test(first) ? "Partial" : "Whole";
}

function checkAccept(request: Request): void {
  const accept = request.headers.accept ?? "";
  if (accept === "" || /json|\*\/\*|application\/\*/.test(accept)) return;
  const message = "only the following media types are accepted: application/json";
  throw new StatusError(406, "NotAcceptable", message);
}

function userAgent(request: Request): string | undefined {
  return request.headers["user-agent"];
}

function contentType(request: Request): string {
  return (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

function rawBody(request: Request): Buffer {
  const body: unknown = request.body;
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

function bodyOf(request: Request, kind: Kind): unknown {
  return objectBody(contentType(request), rawBody(request), kind);
}
