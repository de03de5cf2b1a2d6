/** Bodies that are small and become large: the server of the embedded API refuses them, and lives. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { startKubeServer, type KubeServer } from "../../local/kube/http-server.ts";
import { widgetApi } from "../support/embedded-api.ts";

let server: KubeServer;
beforeEach(async () => {
  server = await startKubeServer({ api: widgetApi({ namespaces: ["default"] }), port: 0 });
});
afterEach(() => server.close());

const widgets = "/apis/conformance.streamfleet.dev/v1/namespaces/default/widgets";
const widget = (name: string, note = "x") => ({
  apiVersion: "conformance.streamfleet.dev/v1",
  kind: "Widget",
  metadata: { name, annotations: { note } },
  spec: { size: 1, platform: "aws" },
});

async function send(method: string, path: string, body: unknown, type = "application/json") {
  const answer = await fetch(server.url + path, {
    method,
    headers: { "Content-Type": type },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, unknown>> };
}

describe("a JSON patch", () => {
  it("that copies a field into itself again and again is refused before it has doubled for long", async () => {
    expect((await send("POST", widgets, widget("bomb", "x".repeat(100)))).status).toBe(201);
    const from = "/metadata/annotations";
    const copies = Array.from({ length: 26 }, (_, at) => ({ op: "copy", from, path: `${from}/copy-${at}` }));
    const answer = await send("PATCH", `${widgets}/bomb`, copies, "application/json-patch+json");
    expect(answer).toMatchObject({ status: 413, body: { kind: "Status", reason: "RequestEntityTooLarge" } });
    expect((await fetch(`${server.url}${widgets}/bomb`)).status).toBe(200);
  });

  it("may copy what a person copies", async () => {
    await send("POST", widgets, widget("plain"));
    const copy = [{ op: "copy", from: "/metadata/annotations/note", path: "/metadata/annotations/again" }];
    const answer = await send("PATCH", `${widgets}/plain`, copy, "application/json-patch+json");
    expect(answer).toMatchObject({ status: 200, body: { metadata: { annotations: { note: "x", again: "x" } } } });
  });
});

describe("an object", () => {
  it.each([
    ["written at once", () => send("POST", widgets, { ...widget("large"), spec: large() })],
    [
      "grown by a patch",
      async () => {
        await send("POST", widgets, widget("large"));
        return send("PATCH", `${widgets}/large`, { spec: large() }, "application/merge-patch+json");
      },
    ],
  ])("that is larger than a real server stores is refused: %s", async (_name, attempt) => {
    expect(await attempt()).toMatchObject({ status: 413, body: { reason: "RequestEntityTooLarge" } });
  });
});

function large(): Readonly<Record<string, unknown>> {
  return { size: 1, platform: "aws", note: "x".repeat(2_000_000) };
}
