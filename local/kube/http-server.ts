/** The embedded API over HTTP, for kubectl and the Kubernetes clients. Listens to this machine only. */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import express from "express";
import type { NextFunction, Request, Response } from "express";
import type { KubeAccess } from "./access.ts";
import {
  aggregatedContentType,
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
} from "./discovery.ts";
import type { EmbeddedApi } from "./embedded-api.ts";
import type { JsonObject } from "./json.ts";
import { openApiDocuments, openApiIndex } from "./open-api.ts";
import { arrivalLimits, boundConnections, isOwnHost, usualConnections } from "../../runtime/server-limits.ts";
import { bodyError } from "./request-body.ts";
import { resourceHandler } from "./resource-routes.ts";
import { StatusError, statusBody } from "./status.ts";

const maxBodyBytes = 3 * 1024 * 1024;

/** How long (ms) a client may take to agree on a key. */
const handshakeTimeout = 10_000;

export interface KubeServerOptions {
  readonly api: EmbeddedApi;
  /** 0 takes a free port. */
  readonly port: number;
  /** With it: TLS by its certificate, and every call has to show its token. Absent: plain HTTP, and nothing is asked for. */
  readonly access?: KubeAccess;
  /** Called with what went wrong in the server itself. */
  readonly onError?: (error: unknown) => void;
}

export interface KubeServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A server that cannot listen. The message is one line that says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly isForPeople = true;
}

/** Serves the API on the loopback address. Throws ListenError. Closing it ends the watches and leaves the API open. */
export async function startKubeServer({ api, port, access, onError }: KubeServerOptions): Promise<KubeServer> {
  const closing = new AbortController();
  const handler = kubeApp({
    api,
    token: access?.token,
    closing: closing.signal,
    onError: onError ?? ((): undefined => undefined),
  });
  // Of requests, not of answers: watches stay open for as long as their clients want.
  const server =
    access === undefined
      ? createServer(arrivalLimits, handler)
      : createSecureServer({ ...arrivalLimits, handshakeTimeout, key: access.key, cert: access.certificate }, handler);
  boundConnections(server, usualConnections);
  await listening(server, port);
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `${access === undefined ? "http" : "https"}://127.0.0.1:${String(actual)}`,
    close: async (): Promise<void> => {
      closing.abort();
      await closed(server);
    },
  };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(port, cause)));
    server.listen(port, "127.0.0.1", resolve);
  });
}

function listenError(port: number, cause: NodeJS.ErrnoException): ListenError {
  const where = `cannot serve the Kubernetes API on 127.0.0.1:${String(port)}`;
  if (cause.code === "EADDRINUSE") {
    return new ListenError(`${where}: the port is in use; stop what uses it, or choose another with --kube-port`, {
      cause,
    });
  }
  return new ListenError(`${where}: ${cause.message}`, { cause });
}

async function closed(server: Server): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  setImmediate(() => server.closeAllConnections());
  await done;
}

interface KubeAppParts {
  readonly api: EmbeddedApi;
  readonly token: string | undefined;
  readonly closing: AbortSignal;
  readonly onError: (error: unknown) => void;
}

function kubeApp({ api, token, closing, onError }: KubeAppParts): express.Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(onlyLocalPrograms);
  if (token !== undefined) app.use(onlyWith(token));
  app.use(blindAnswers());
  app.use(express.raw({ type: () => true, limit: maxBodyBytes }));
  app.use(documentRoutes(api));
  app.use(resourceHandler(api, closing));
  app.use(
    (_request: Request, response: Response) =>
      void response.status(404).type("text/plain").send("404 page not found\n"),
  );
  // Express knows an error handler by its four parameters.
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next(error);
    else sendError(response, error, onError);
  });
  return app;
}

/**
 * A page in a browser must not reach this server: neither through a name that it made point here, nor by a request
 * across origins, which a browser sends and marks, though it keeps the answer from the page.
 */
function onlyLocalPrograms(request: Request, _response: Response, next: NextFunction): void {
  const { host = "" } = request.headers;
  if (request.headers.origin !== undefined)
    next(new StatusError(403, "Forbidden", "pages in a browser are not served"));
  else if (isOwnHost(host)) next();
  else next(new StatusError(403, "Forbidden", `the host ${JSON.stringify(host)} is not served here: use 127.0.0.1`));
}

/** Other users of this machine reach the port too: only who can read the kubeconfig has the token. Health is for everybody. */
function onlyWith(token: string): express.RequestHandler {
  const wanted = digest(`Bearer ${token}`);
  return (request, _response, next) => {
    const open = /^\/(healthz|livez|readyz)$/.test(request.path);
    if (open || timingSafeEqual(digest(request.headers.authorization ?? ""), wanted)) next();
    else next(new StatusError(401, "Unauthorized", "Unauthorized"));
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Questions about rights are answered without reading them: they come in protobuf, and whoever gets here may do all. */
function blindAnswers(): express.Router {
  const allowed = (kind: string, status: JsonObject) => (_request: Request, response: Response) =>
    void response.status(201).json({ kind, apiVersion: "authorization.k8s.io/v1", metadata: {}, spec: {}, status });
  const everything = [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }];
  const base = "/apis/authorization.k8s.io/v1";
  return express
    .Router()
    .post(`${base}/selfsubjectaccessreviews`, allowed("SelfSubjectAccessReview", { allowed: true }))
    .post(
      `${base}/selfsubjectrulesreviews`,
      allowed("SelfSubjectRulesReview", { resourceRules: everything, nonResourceRules: [], incomplete: false }),
    )
    .post("/apis/authentication.k8s.io/v1/selfsubjectreviews", (_request, response) => {
      const status = { userInfo: { username: "local-user", groups: ["system:masters"] } };
      response
        .status(201)
        .json({ kind: "SelfSubjectReview", apiVersion: "authentication.k8s.io/v1", metadata: {}, status });
    });
}

/** The one form in which clients ask for OpenAPI v2, and a document without paths in it: schemas are in v3. */
const openApiV2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
const emptyOpenApiV2 = Buffer.from("CgMyLjASEQoLc3RyZWFtZmxlZXQSAnYx", "base64");

/** Health, version, discovery and schemas. */
function documentRoutes({ kinds }: EmbeddedApi): express.Router {
  const router = express.Router();
  for (const path of ["/healthz", "/livez", "/readyz"]) {
    router.get(path, (_request, response) => void response.type("text/plain").send("ok"));
  }
  // kubectl asks for this before it applies a List, and goes on with an empty document.
  router.get("/openapi/v2", (_request, response) => void response.type(openApiV2Type).send(emptyOpenApiV2));
  router.get("/version", (_request, response) => void response.json(version));
  router.get("/api", (request, response) =>
    sendDiscovery(request, response, aggregatedDiscovery(kinds, "Core"), apiVersions()),
  );
  router.get("/apis", (request, response) => {
    sendDiscovery(request, response, aggregatedDiscovery(kinds, "Groups"), apiGroupList(kinds));
  });
  router.get("/api/v1", (_request, response, next) => sendKnown(response, next, apiResourceList(kinds, "", "v1")));
  router.get("/apis/:group", (request, response, next) =>
    sendKnown(response, next, apiGroup(kinds, request.params.group)),
  );
  router.get("/apis/:group/:version", (request, response, next) => {
    sendKnown(response, next, apiResourceList(kinds, request.params.group, request.params.version));
  });
  const documents = openApiDocuments(kinds);
  router.get("/openapi/v3", (_request, response) => void response.json(openApiIndex(documents)));
  for (const { path, body, hash } of documents) {
    router.get(`/openapi/v3/${path}`, (_request, response) => {
      response
        .set({ "Cache-Control": "public, immutable", ETag: `"${hash}"` })
        .type("application/json")
        .send(body);
    });
  }
  return router;
}

/** The patch version says what this is; the minor version is the one whose answers it follows. */
const version = { major: "1", minor: "34", gitVersion: "v1.34.0+streamfleet-embedded", platform: "node" };

/** The content type says which of the two forms it is: kubectl goes by it. */
function sendDiscovery(request: Request, response: Response, aggregated: JsonObject, plain: JsonObject): void {
  const takesAggregated = /g=apidiscovery\.k8s\.io;v=v2(;|,|$)/.test(request.headers.accept ?? "");
  response.setHeader("Vary", "Accept");
  response.setHeader("Content-Type", takesAggregated ? aggregatedContentType : "application/json");
  response.end(JSON.stringify(takesAggregated ? aggregated : plain));
}

function sendKnown(response: Response, next: NextFunction, body: JsonObject | undefined): void {
  if (body === undefined) next();
  else response.json(body);
}

function sendError(response: Response, error: unknown, onError: (error: unknown) => void): void {
  const status = error instanceof StatusError ? error : bodyError(error);
  if (status === undefined || status.code >= 500) onError(error);
  const shown = status ?? new StatusError(500, "InternalError", "Internal error occurred");
  response.status(shown.code).json(statusBody(shown));
}
