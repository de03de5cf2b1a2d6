/** A Kubernetes API of one kind on a real socket, which can be made to fail in every way that servers do. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { KubernetesObject, ResourceType } from "../../runtime/kubernetes-api.ts";

export const widgetType: ResourceType = {
  group: "test.dev",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
  namespaced: true,
};

interface Refusal {
  readonly code: number;
  readonly body?: string;
}

export class FlakyServer {
  /** Requests as `LIST`, `LIST continue` or `WATCH from VERSION`, in order. */
  readonly requests: string[] = [];
  /** The next lists and watches are answered with these instead. */
  readonly refuseLists: Refusal[] = [];
  /** As `refuseLists`, for the pages after the first. */
  readonly refusePages: Refusal[] = [];
  readonly refuseWatches: Refusal[] = [];
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watches = new Set<http.ServerResponse>();
  readonly #server = http.createServer((request, response) => this.#answer(request, response));
  #version = 100;

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  /** Adds or changes an object; `heard` = false keeps it from the open watches, as a lost event. */
  put(name: string, options: { readonly heard?: boolean; readonly uid?: string; readonly fields?: object } = {}): void {
    this.#version += 1;
    const metadata = {
      namespace: "default",
      name,
      uid: options.uid ?? `uid-${name}`,
      resourceVersion: String(this.#version),
      managedFields: [{ manager: "test" }],
    };
    const type = this.#objects.has(name) ? "MODIFIED" : "ADDED";
    const object = { apiVersion: "test.dev/v1", kind: "Widget", metadata, ...options.fields };
    this.#objects.set(name, object);
    if (options.heard !== false) this.send({ type, object });
  }

  remove(name: string, options: { readonly heard?: boolean } = {}): void {
    const object = this.#objects.get(name);
    this.#objects.delete(name);
    this.#version += 1;
    if (options.heard !== false) this.send({ type: "DELETED", object });
  }

  /** Sends one line to every open watch. */
  send(event: object): void {
    for (const watch of this.#watches) if (!watch.writableEnded) watch.write(`${JSON.stringify(event)}\n`);
  }

  sendExpired(): void {
    const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" };
    this.send({ type: "ERROR", object: status });
  }

  endWatches(): void {
    for (const watch of this.#watches) watch.end();
  }

  resetWatches(): void {
    for (const watch of this.#watches) watch.socket?.resetAndDestroy();
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const query = new URL(request.url ?? "/", "http://test").searchParams;
    const watching = query.get("watch") === "true";
    this.requests.push(describe(query));
    const refusal = this.#refusals(query).shift();
    if (refusal !== undefined) {
      response.writeHead(refusal.code).end(refusal.body ?? "the server is not well");
      return;
    }
    if (watching) this.#openWatch(response);
    else this.#list(query, response);
  }

  #refusals(query: URLSearchParams): Refusal[] {
    if (query.get("watch") === "true") return this.refuseWatches;
    return query.has("continue") ? this.refusePages : this.refuseLists;
  }

  #list(query: URLSearchParams, response: http.ServerResponse): void {
    const from = Number(query.get("continue") ?? 0);
    const to = from + Number(query.get("limit") ?? 500);
    const all = [...this.#objects.values()];
    const metadata = { resourceVersion: String(this.#version), ...(to < all.length ? { continue: String(to) } : {}) };
    response.end(
      JSON.stringify({ kind: "WidgetList", apiVersion: "test.dev/v1", metadata, items: all.slice(from, to) }),
    );
  }

  #openWatch(response: http.ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watches.add(response);
    response.on("close", () => this.#watches.delete(response));
  }
}

function describe(query: URLSearchParams): string {
  if (query.get("watch") === "true") return `WATCH from ${query.get("resourceVersion") ?? ""}`;
  return query.has("continue") ? "LIST continue" : "LIST";
}
