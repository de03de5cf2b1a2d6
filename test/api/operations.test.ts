import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { PortInUseError } from "../../api/listener.ts";
import { NodeApiWorld } from "../support/node-api.ts";

let world: NodeApiWorld;

beforeEach(async () => {
  world = await NodeApiWorld.open();
});
afterEach(() => world.close());

describe("operations", () => {
  it("are healthy whether ready or not", async () => {
    world.known.synced = false;
    expect((await world.get("/healthz")).status).toBe(200);
  });

  it("are ready once the nodes have been read", async () => {
    world.known.synced = false;
    expect(await world.get("/readyz")).toMatchObject({ status: 503, body: { code: "NotReady" } });
    world.known.synced = true;
    expect((await world.get("/readyz")).status).toBe(200);
  });

  it("give the metrics in their own format", async () => {
    const { status, headers, body } = await world.get("/metrics");
    expect([status, body["text"]]).toEqual([200, "streamfleet_leader 1\n"]);
    expect(headers.get("Content-Type")).toMatch(/^text\/plain; version=0\.0\.4/);
  });

  it("count each answer by its route, without the names in it", async () => {
    await world.report(undefined);
    await world.get("/secret-name");
    expect(world.answered.map(({ method, route, status }) => [method, route, status])).toEqual([
      ["POST", "/v1/nodes/:namespace/:name/report", 401],
      ["GET", "unknown", 404],
    ]);
  });

  it("refuse a port in use with one line", async () => {
    const port = Number(new URL(world.url).port);
    const refusal = await NodeApiWorld.open({ port }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(PortInUseError);
    expect((refusal as Error).message).toMatch(new RegExp(`^port ${port} is in use: [^\n]+$`));
  });

  it("free the port when they are closed, although clients keep connections open", async () => {
    await world.get("/healthz");
    const { port } = new URL(world.url);
    await world.close();
    const next = createServer();
    await new Promise<void>((resolve) => next.listen(Number(port), "127.0.0.1", resolve));
    expect((next.address() as AddressInfo).port).toBe(Number(port));
    await new Promise((resolve) => next.close(resolve));
  });
});

describe("what no route takes", () => {
  it.each([
    ["GET", "/v1/nodes", 404, "NotFound"],
    ["POST", "/v1/nodes/media/live-edge-0/dance", 404, "NotFound"],
    ["GET", "/v1/nodes/register", 405, "MethodNotAllowed"],
    ["PUT", "/v1/nodes/media/live-edge-0/report", 405, "MethodNotAllowed"],
    ["POST", "/healthz", 405, "MethodNotAllowed"],
    ["GET", "/%E0%A4%A", 404, "NotFound"],
    ["POST", "/v1/nodes/%E0%A4%A/x/report", 400, "BadRequest"],
  ])("%s %s: a problem", async (method, path, status, code) => {
    const response = await fetch(world.url + path, { method });
    expect(response.headers.get("Content-Type")).toMatch(/^application\/problem\+json/);
    expect(await response.json()).toMatchObject({ status, code, type: `urn:streamfleet:problem:${code}` });
    expect(response.status).toBe(status);
    expect(response.headers.has("Allow")).toBe(status === 405);
  });

  it("says which method the route takes", async () => {
    const answer = await fetch(`${world.url}/v1/nodes/register`);
    expect(answer.headers.get("Allow")).toBe("POST");
    expect((await fetch(`${world.url}/metrics`, { method: "PUT" })).headers.get("Allow")).toBe("GET, HEAD");
  });

  it("does not say what the server runs on", async () => {
    expect((await world.get("/nothing")).headers.get("X-Powered-By")).toBeNull();
  });
});

describe("the description", () => {
  interface Description {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
    readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> };
  }
  const describeIt = async () => (await world.get("/openapi.json")).body as unknown as Description;

  it("is OpenAPI 3.1 and names each route", async () => {
    const { openapi, paths } = await describeIt();
    expect(openapi).toMatch(/^3\.1\./);
    expect(Object.keys(paths)).toEqual([
      "/v1/nodes/register",
      "/v1/nodes/{namespace}/{name}/report",
      "/v1/nodes/{namespace}/{name}/goodbye",
      "/v1/nodegroups/{namespace}/{name}/scale-in-requests",
      "/v1/streams/{scope}/{name}/publish",
      "/v1/streams/{scope}/{name}/subscribe",
      "/v1/nodegroups/{namespace}/{name}/activities",
      ...["nodes", "streams", "alarms", "load"].map((kind) => `/v1/nodegroups/{namespace}/{name}/history/${kind}`),
      "/internal/feed",
      "/healthz",
      "/readyz",
      "/metrics",
      "/openapi.json",
    ]);
    for (const [path, methods] of Object.entries(paths)) {
      for (const method of Object.keys(methods)) {
        const url = world.url + path.replaceAll(/[{}]/g, "");
        const response = await fetch(url, { method: method.toUpperCase() });
        const text = await response.text();
        expect([path, /"code":"(NotFound|MethodNotAllowed)"/.test(text)]).toEqual([path, false]);
      }
    }
  });

  it("says which parameters a look-up takes, and which it needs", async () => {
    const { paths } = await describeIt();
    const parameters = paths["/v1/streams/{scope}/{name}/publish"]?.["get"]?.["parameters"];
    expect(parameters).toMatchObject([
      { name: "scope", in: "path", required: true },
      { name: "name", in: "path", required: true },
      { name: "namespace", in: "query", required: false, schema: { default: "default" } },
      { name: "group", in: "query", required: true },
    ]);
  });

  it("refers only to schemas that it has, and these come from the parsers", async () => {
    const description = await describeIt();
    const { schemas } = description.components;
    const names = [...JSON.stringify(description).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(Object.keys(schemas)).toContain(name);
    expect(schemas["RegisterRequest"]).toMatchObject({
      required: ["machineId", "platform", "address", "version", "bootId"],
      properties: { bootId: { type: "string", maxLength: 128 } },
    });
    expect(schemas["ReportRequest"]).toMatchObject({
      required: ["bootId", "sequence", "connections", "publishers", "subscribers"],
      properties: { streams: { maxItems: 2_000 }, cpuPercent: { minimum: 0, maximum: 100 } },
    });
  });
});
