/** The Kubernetes API over HTTP: configuration, credentials and TLS from the library, the requests our own. */
import http from "node:http";
import https from "node:https";
import { delimiter } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import type { Clock } from "../domain/ports.ts";
import { startDeadline } from "./deadline.ts";
import { kubeConfigClass } from "./kube-config-library.ts";
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
} from "./kubernetes-api.ts";
import { failure, jsonObject, listOf, objectOf, watchEventOf } from "./kubernetes-answer.ts";
import { messageOf } from "./thrown.ts";

/** The cluster's configuration cannot be read or used. The message is one line that says what to do. */
export class KubeConfigError extends Error {
  override readonly name = "KubeConfigError";
  readonly isForPeople = true;
}

export interface KubeClientOptions {
  readonly config: KubeConfig;
  readonly clock: Clock;
  /** How long a call other than a watch may take; 30 s when absent. */
  readonly timeoutMs?: number;
}

/**
 * Reads the configuration of the cluster. `path`: kubeconfig files, separated as in KUBECONFIG. Without it, the
 * service account of the Pod or `~/.kube/config`. Throws `KubeConfigError`.
 */
export async function loadKubeConfig(path?: string): Promise<KubeConfig> {
  const library = await kubeConfigClass();
  const config = new library();
  try {
    if (path === undefined || path === "") config.loadFromDefault();
    else loadFiles(config, library, path);
  } catch (cause) {
    throw new KubeConfigError(`cannot read the kubeconfig ${path ?? "(default)"}: ${oneLine(messageOf(cause))}`, {
      cause,
    });
  }
  checkCluster(config);
  return config;
}

/** A configuration from its text. Throws `KubeConfigError`. */
export async function parseKubeConfig(text: string): Promise<KubeConfig> {
  const library = await kubeConfigClass();
  const config = new library();
  try {
    config.loadFromString(text);
  } catch (cause) {
    throw new KubeConfigError(`cannot read the kubeconfig: ${oneLine(messageOf(cause))}`, { cause });
  }
  checkCluster(config);
  return config;
}

function loadFiles(config: KubeConfig, library: typeof KubeConfig, path: string): void {
  const [first, ...others] = path.split(delimiter).filter((file) => file !== "");
  if (first === undefined) throw new KubeConfigError("no file is named");
  config.loadFromFile(first);
  for (const file of others) {
    const other = new library();
    other.loadFromFile(file);
    config.mergeConfig(other);
  }
}

function checkCluster(config: KubeConfig): void {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new KubeConfigError("the kubeconfig has no current cluster: set current-context to one of its contexts");
  }
  if (cluster.server.startsWith("http:") && !cluster.skipTLSVerify) {
    throw new KubeConfigError(
      `the server ${cluster.server} has no TLS: set insecure-skip-tls-verify: true to allow it`,
    );
  }
}

function oneLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** Connections to one server, watches included: thousands of nodes that register at once must not take it down. */
const maxSockets = 100;

/** Under this name `metadata.managedFields` shows what the operator has written. */
const asOurs = { fieldManager: fieldManagerName };

/** `KubernetesApi` on the current cluster and user of a kubeconfig. Credentials are read anew for each call. */
export class KubeClient implements KubernetesApi {
  readonly #config: KubeConfig;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #plainAgent = new http.Agent({ keepAlive: true, maxSockets });
  /** Sockets are pooled by certificate as well, so that rotated credentials open new ones. */
  readonly #tlsAgent = new https.Agent({ keepAlive: true, maxSockets });

  constructor(options: KubeClientOptions) {
    checkCluster(options.config);
    this.#config = options.config;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** URL of the API server. */
  get server(): string {
    return this.#config.getCurrentCluster()?.server ?? "";
  }

  /** Closes idle connections; calls under way are not touched. */
  close(): void {
    this.#plainAgent.destroy();
    this.#tlsAgent.destroy();
  }

  async list(type: ResourceType, options: ListOptions, signal?: AbortSignal): Promise<KubernetesList> {
    const { namespace, ...query } = options;
    return listOf(type, await this.#call({ method: "GET", path: collectionPath(type, namespace), query }, signal));
  }

  async get(type: ResourceType, address: ObjectAddress, signal?: AbortSignal): Promise<KubernetesObject> {
    return objectOf(await this.#call({ method: "GET", path: objectPath(type, address) }, signal));
  }

  async create(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    const path = collectionPath(type, object.metadata.namespace);
    return objectOf(await this.#call({ method: "POST", path, query: asOurs, body: object }, signal));
  }

  async replace(type: ResourceType, object: KubernetesObject, signal?: AbortSignal): Promise<KubernetesObject> {
    const path = objectPath(type, object.metadata);
    return objectOf(await this.#call({ method: "PUT", path, query: asOurs, body: object }, signal));
  }

  async mergePatch(
    type: ResourceType,
    address: ObjectAddress,
    patch: Readonly<Record<string, unknown>>,
    options: { readonly subresource?: "status" } = {},
    signal?: AbortSignal,
  ): Promise<KubernetesObject> {
    const subresource = options.subresource === undefined ? "" : `/${options.subresource}`;
    const path = objectPath(type, address) + subresource;
    const contentType = "application/merge-patch+json";
    return objectOf(await this.#call({ method: "PATCH", path, query: asOurs, body: patch, contentType }, signal));
  }

  async delete(
    type: ResourceType,
    address: ObjectAddress,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<void> {
    const body = { kind: "DeleteOptions", apiVersion: "v1", ...options };
    await this.#call({ method: "DELETE", path: objectPath(type, address), body }, signal);
  }

  async *watch(type: ResourceType, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent> {
    const { namespace, ...query } = options;
    const call: Call = { method: "GET", path: collectionPath(type, namespace), query: { ...query, watch: true } };
    try {
      const response = await this.#open(call, signal);
      if (response.statusCode !== 200) throw await failure(response);
      for await (const line of lines(response)) yield watchEventOf(line);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #call(call: Call, parent?: AbortSignal): Promise<Record<string, unknown>> {
    const deadline = startDeadline(this.#clock, this.#timeoutMs, `${call.method} ${call.path}`, parent);
    try {
      const response = await this.#openAgain(call, deadline.signal);
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) throw await failure(response);
      return await jsonObject(response);
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason;
      throw error;
    } finally {
      deadline.clear();
    }
  }

  /** A kept connection may be closed by the server just as it is used again: reading once more does no harm. */
  async #openAgain(call: Call, signal: AbortSignal): Promise<http.IncomingMessage> {
    try {
      return await this.#open(call, signal);
    } catch (error) {
      if (call.method === "GET" && error instanceof ReusedSocketError && !signal.aborted) {
        return this.#open(call, signal);
      }
      throw error;
    }
  }

  async #open(call: Call, signal: AbortSignal): Promise<http.IncomingMessage> {
    signal.throwIfAborted();
    const url = new URL(this.server.replace(/\/+$/, "") + call.path);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const options = await this.#requestOptions(call, body, signal);
    return new Promise((resolve, reject) => {
      const request = url.protocol === "https:" ? https.request(url, options) : http.request(url, options);
      request.on("error", (error) => reject(request.reusedSocket ? new ReusedSocketError(error) : error));
      request.on("response", resolve);
      request.end(body);
    });
  }

  async #requestOptions(call: Call, body: string | undefined, signal: AbortSignal): Promise<https.RequestOptions> {
    const options: https.RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const proxied = this.#config.getCurrentCluster()?.proxyUrl !== undefined;
    const own = this.server.startsWith("https:") ? this.#tlsAgent : this.#plainAgent;
    return {
      ...options,
      ...(proxied ? {} : { agent: own }),
      method: call.method,
      signal,
      headers: { ...headersOf(options.headers), ...bodyHeaders(call, body), accept: "application/json", ...userAgent },
    };
  }
}

const userAgent = { "user-agent": "streamfleet" } as const;

/** The connection broke, and it was one that had served another call before. */
class ReusedSocketError extends Error {
  override readonly name = "ReusedSocketError";
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

function headersOf(headers: https.RequestOptions["headers"]): http.OutgoingHttpHeaders {
  return headers === undefined || Array.isArray(headers) ? {} : { ...(headers as http.OutgoingHttpHeaders) };
}

function bodyHeaders(call: Call, body: string | undefined): http.OutgoingHttpHeaders {
  if (body === undefined) return {};
  return { "content-type": call.contentType ?? "application/json", "content-length": Buffer.byteLength(body) };
}

function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${scope}/${type.plural}`;
}

function objectPath(type: ResourceType, address: ObjectAddress): string {
  return `${collectionPath(type, address.namespace)}/${encodeURIComponent(address.name)}`;
}

async function* lines(response: http.IncomingMessage): AsyncIterable<string> {
  response.setEncoding("utf8");
  let rest = "";
  for await (const chunk of response as AsyncIterable<string>) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line.trim() !== "") yield line;
  }
  if (rest.trim() !== "") yield rest;
}
