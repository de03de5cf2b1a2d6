import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { startKubeServer, type KubeServer } from "../../../local/kube/http-server.ts";
import { kubeconfig } from "../../../local/kube/kubeconfig.ts";
import { parse } from "yaml";
import { widgetApi } from "../../support/embedded-api.ts";
import { widgetType } from "../../support/widget-crd.ts";

describe("the server of the embedded API", () => {
  const api = widgetApi();
  let server: KubeServer;
  beforeAll(async () => {
    server = await startKubeServer({ api, port: 0 });
  });
  afterAll(async () => {
    await server.close();
    api.close();
  });

  const widgets = "/apis/conformance.streamfleet.dev/v1/namespaces/default/widgets";

  it("says in one line that its port is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(startKubeServer({ api, port })).rejects.toThrow(
      /^cannot serve .*127\.0\.0\.1:\d+: the port is in use; [^\n]*$/,
    );
  });

  it("answers to the names of this machine only", async () => {
    const withHost = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const sent = request(server.url + widgets, { headers: { host } }, (response) => {
          text(response).then(() => resolve(response.statusCode), reject);
        });
        sent.once("error", reject).end();
      });
    expect(await withHost("localhost:1")).toBe(200);
    expect(await withHost("[::1]:8081")).toBe(200);
    expect(await withHost("attacker.example")).toBe(403);
  });

  it("serves no page in a browser", async () => {
    const headers = { origin: "http://127.0.0.1:3000" };
    const body = new Blob([JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "forged" } })]);
    const answer = await fetch(`${server.url}/api/v1/namespaces`, { method: "POST", headers, body });
    expect(await answer.json()).toMatchObject({ code: 403, reason: "Forbidden" });
    expect((await fetch(`${server.url}/api/v1/namespaces/forged`)).status).toBe(404);
  });

  it("bounds bodies and selectors", async () => {
    const body = JSON.stringify({ data: "x".repeat(3 * 1024 * 1024) });
    const tooLarge = await fetch(server.url + widgets, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(tooLarge.status).toBe(413);
    expect(await tooLarge.json()).toMatchObject({ kind: "Status", code: 413, reason: "RequestEntityTooLarge" });
    const selector = await fetch(`${server.url}${widgets}?fieldSelector=${"a".repeat(12_000)}`);
    expect(selector.status).toBe(400);
  });

  it("says of an object that is there that it has no such part, and what to change instead", async () => {
    const metadata = { name: "sized", namespace: "default" };
    const spec = { size: 1, platform: "aws" };
    await api.create(widgetType, { apiVersion: "conformance.streamfleet.dev/v1", kind: "Widget", metadata, spec });
    const scaled = (name: string): Promise<Response> =>
      fetch(`${server.url}${widgets}/${name}/scale`, {
        method: "PATCH",
        headers: { "content-type": "application/merge-patch+json" },
        body: JSON.stringify({ spec: { replicas: 3 } }),
      });
    const message =
      'widgets.conformance.streamfleet.dev "sized" has no "scale": change its spec instead: kubectl explain widget.spec';
    expect(await (await scaled("sized")).json()).toMatchObject({ code: 404, reason: "NotFound", message });
    expect(await (await scaled("nobody")).json()).toMatchObject({
      code: 404,
      message: expect.stringMatching(/"nobody" not found$/),
    });
    await api.delete(widgetType, metadata);
  });

  it("says what it is", async () => {
    const version = await fetch(`${server.url}/version`);
    expect(await version.json()).toMatchObject({ gitVersion: "v1.34.0+streamfleet-embedded" });
    expect(await (await fetch(`${server.url}/readyz`)).text()).toBe("ok");
    const schemas = await fetch(`${server.url}/openapi/v2`);
    expect(schemas.headers.get("content-type")).toContain("openapi.spec.v2");
  });

  it("ends its watches when it closes", async () => {
    const other = await startKubeServer({ api, port: 0 });
    const watch = await fetch(`${other.url}${widgets}?watch=true`);
    const reading = watch.text().catch(() => "");
    await other.close();
    expect(await reading).toBe("");
  });

  it("is found through its kubeconfig", () => {
    expect(parse(kubeconfig(server.url))).toMatchObject({
      "current-context": "streamfleet",
      clusters: [{ cluster: { server: server.url, "insecure-skip-tls-verify": true } }],
    });
  });
});
