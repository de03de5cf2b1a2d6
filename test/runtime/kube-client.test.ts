import http from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { systemClock } from "../../runtime/clock.ts";
import { KubeClient, KubeConfigError, loadKubeConfig } from "../../runtime/kube-client.ts";
import { ApiError, type ResourceType, type WatchEvent } from "../../runtime/kubernetes-api.ts";
import { until } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { widgetType } from "../support/flaky-server.ts";
import { plainKubeConfig } from "../support/kube-config.ts";

interface Received {
  readonly line: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const widget = { apiVersion: "test.dev/v1", kind: "Widget", metadata: { namespace: "default", name: "a" } };

let server: http.Server;
let handler: Handler;
let received: Received[];
let client: KubeClient;
let url: string;

function answer(code: number, body: unknown): Handler {
  return (_request, response) => response.writeHead(code).end(typeof body === "string" ? body : JSON.stringify(body));
}

beforeEach(async () => {
  received = [];
  handler = answer(200, widget);
  server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const line = `${request.method ?? ""} ${request.url ?? ""}`;
      received.push({ line, headers: request.headers, body: Buffer.concat(chunks).toString() });
      handler(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new KubeClient({ config: plainKubeConfig(url), clock: systemClock() });
});

afterEach(async () => {
  client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("Kubernetes client", () => {
  const core: ResourceType = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
  const at = { namespace: "default", name: "a" };
  const path = "/apis/test.dev/v1/namespaces/default/widgets";

  it.each([
    ["get", () => client.get(widgetType, at), `GET ${path}/a`],
    ["get without namespace", () => client.get(core, { name: "x" }), "GET /api/v1/namespaces/x"],
    ["create", () => client.create(widgetType, widget), `POST ${path}?fieldManager=streamfleet`],
    ["replace", () => client.replace(widgetType, widget), `PUT ${path}/a?fieldManager=streamfleet`],
    ["patch", () => client.mergePatch(widgetType, at, {}), `PATCH ${path}/a?fieldManager=streamfleet`],
    [
      "patch the status",
      () => client.mergePatch(widgetType, at, {}, { subresource: "status" }),
      `PATCH ${path}/a/status?fieldManager=streamfleet`,
    ],
    ["delete", () => client.delete(widgetType, at), `DELETE ${path}/a`],
  ])("sends %s", async (_name, call, line) => {
    await call();
    expect(received.map((request) => request.line)).toEqual([line]);
    expect(received[0]!.headers).toMatchObject({ authorization: "Bearer secret", accept: "application/json" });
  });

  it("sends patches as merge patches, and preconditions in the body of a delete", async () => {
    await client.mergePatch(widgetType, at, { metadata: { labels: { ü: null } } });
    await client.delete(widgetType, at, { preconditions: { uid: "1" }, propagationPolicy: "Background" });
    expect(received[0]!.headers["content-type"]).toBe("application/merge-patch+json");
    expect(JSON.parse(received[0]!.body)).toEqual({ metadata: { labels: { ü: null } } });
    const options = {
      kind: "DeleteOptions",
      apiVersion: "v1",
      preconditions: { uid: "1" },
      propagationPolicy: "Background",
    };
    expect(JSON.parse(received[1]!.body)).toEqual(options);
  });

  it("lists with its options, and gives items their kind", async () => {
    const items = [{ metadata: { name: "x" } }];
    handler = answer(200, { metadata: { resourceVersion: "7", continue: "more" }, items });
    const list = await client.list(widgetType, { labelSelector: "a=b,c", limit: 2, continue: "t/=" });
    expect(received[0]!.line).toBe("GET /apis/test.dev/v1/widgets?labelSelector=a%3Db%2Cc&limit=2&continue=t%2F%3D");
    expect(list.metadata).toEqual({ resourceVersion: "7", continue: "more" });
    expect(list.items).toEqual([{ apiVersion: "test.dev/v1", kind: "Widget", metadata: { name: "x" } }]);
  });

  it("throws the server's Status", async () => {
    handler = answer(409, { kind: "Status", code: 409, reason: "AlreadyExists", message: "widgets a already exists" });
    const error = await client.create(widgetType, widget).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 409, reason: "AlreadyExists", message: "widgets a already exists" });
  });

  it.each([
    [503, "<html>bad gateway</html>", "ServiceUnavailable", "HTTP 503: <html>bad gateway</html>"],
    [418, "", "Unknown", "HTTP 418: "],
  ])("throws HTTP %d without a Status", async (code, body, reason, message) => {
    handler = answer(code, body);
    await expect(client.get(widgetType, at)).rejects.toMatchObject({ name: "ApiError", code, reason, message });
  });

  it.each([["<html>login</html>"], ["[]"], ["{}"]])("does not take %s for an object", async (body) => {
    handler = answer(200, body);
    await expect(client.get(widgetType, at)).rejects.toMatchObject({ name: "AnswerError" });
  });

  it("gives up after its time limit", async () => {
    const clock = new FakeClock();
    const patient = new KubeClient({ config: plainKubeConfig(url), clock });
    handler = () => undefined;
    const result = patient.get(widgetType, at).catch((reason: unknown) => reason);
    await until("the request arrived", () => received.length === 1);
    await clock.advance(30_000);
    expect(await result).toMatchObject({ name: "DeadlineError", message: `GET ${path}/a took longer than 30000 ms` });
    patient.close();
  });

  it("stops at the caller's signal", async () => {
    handler = () => undefined;
    const abort = new AbortController();
    const result = client.get(widgetType, at, abort.signal).catch((reason: unknown) => reason);
    await until("the request arrived", () => received.length === 1);
    abort.abort(new Error("enough"));
    expect(await result).toMatchObject({ message: "enough" });
  });

  it("keeps connections, and reads once more over one that the server has closed", async () => {
    const ports = new Set<number | undefined>();
    let refusals = 1;
    handler = (request, response) => {
      if (ports.has(request.socket.remotePort) && refusals-- > 0) request.socket.resetAndDestroy();
      else answer(200, widget)(request, response);
      ports.add(request.socket.remotePort);
    };
    for (let call = 0; call < 4; call++) await client.get(widgetType, at);
    expect(received).toHaveLength(5);
    expect(ports.size).toBe(2);
  });

  it("throws a connection that broke", async () => {
    handler = (request) => request.socket.resetAndDestroy();
    await expect(client.create(widgetType, widget)).rejects.toMatchObject({ code: "ECONNRESET" });
  });
});

describe("watch of the Kubernetes client", () => {
  async function watched(signal = new AbortController().signal): Promise<WatchEvent[]> {
    const events: WatchEvent[] = [];
    const options = { namespace: "x", resourceVersion: "5", allowWatchBookmarks: true };
    for await (const event of client.watch(widgetType, options, signal)) events.push(event);
    return events;
  }

  it("gives events line by line, however they are cut", async () => {
    const lines = [
      { type: "ADDED", object: widget },
      { type: "BOOKMARK", object: { kind: "Widget", metadata: { resourceVersion: "9" } } },
      { type: "ERROR", object: { kind: "Status", code: 410, message: "too old" } },
    ].map((event) => `${JSON.stringify(event)}\n`);
    const bytes = Buffer.from(lines.join(""));
    handler = (_request, response) => {
      for (let from = 0; from < bytes.length; from += 7) response.write(bytes.subarray(from, from + 7));
      response.end();
    };
    const events = await watched();
    const query = "resourceVersion=5&allowWatchBookmarks=true&watch=true";
    expect(received[0]!.line).toBe(`GET /apis/test.dev/v1/namespaces/x/widgets?${query}`);
    expect(events).toEqual([
      { type: "ADDED", object: widget },
      { type: "BOOKMARK", resourceVersion: "9" },
      { type: "ERROR", code: 410, message: "too old" },
    ]);
  });

  it("throws on half a line", async () => {
    handler = answer(200, '{"type":"ADDED","obj');
    await expect(watched()).rejects.toMatchObject({ name: "AnswerError" });
  });

  it("throws a refusal", async () => {
    handler = answer(410, { kind: "Status", reason: "Expired", message: "too old" });
    await expect(watched()).rejects.toMatchObject({ code: 410, reason: "Expired" });
  });

  it("ends when its signal aborts, before and after it is open", async () => {
    await expect(watched(AbortSignal.abort())).resolves.toEqual([]);
    const abort = new AbortController();
    handler = (_request, response) => response.write(`${JSON.stringify({ type: "ADDED", object: widget })}\n`);
    const seen: WatchEvent[] = [];
    for await (const event of client.watch(widgetType, { resourceVersion: "5" }, abort.signal)) {
      seen.push(event);
      abort.abort();
    }
    expect(seen).toHaveLength(1);
  });
});

describe("kubeconfig", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  function file(name: string, cluster: object): string {
    const config = {
      clusters: [{ name, cluster }],
      users: [{ name, user: {} }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    };
    return write(name, JSON.stringify(config));
  }

  it("reads one file, or several of which the first names the context", async () => {
    const one = file("one", { server: "https://one:6443" });
    const two = file("two", { server: "https://two:6443" });
    expect((await loadKubeConfig(one)).getCurrentCluster()?.server).toBe("https://one:6443");
    const both = await loadKubeConfig(`${one}:${two}`);
    expect(both.getClusters().map((cluster) => cluster.name)).toEqual(["one", "two"]);
  });

  it.each([
    ["a missing file", () => join(folder, "missing"), /^cannot read the kubeconfig .*missing: ENOENT/],
    ["no YAML", () => write("bad", "clusters: [}"), /^cannot read the kubeconfig .*bad: /],
    ["an empty file", () => write("empty", ""), /^cannot read the kubeconfig .*empty: /],
    ["no current context", () => write("none", "clusters: []\nusers: []\ncontexts: []\n"), /set current-context/],
    ["plain http", () => file("plain", { server: "http://plain" }), /set insecure-skip-tls-verify: true/],
  ])("refuses %s in one line", async (_name, path, message) => {
    const load = loadKubeConfig(path());
    await expect(load).rejects.toThrow(KubeConfigError);
    await expect(load).rejects.toThrow(message);
    await expect(load).rejects.not.toThrow("\n");
  });
});
