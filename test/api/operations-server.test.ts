import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Listener } from "../../api/listener.ts";
import { serveOperations } from "../../api/operations-server.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

describe("the operations of a process that serves no nodes", () => {
  const logger = new RecordingLogger();
  let isReady: boolean;
  let text: () => Promise<string>;
  let listener: Listener;

  beforeEach(async () => {
    isReady = true;
    text = () => Promise.resolve("streamfleet_leader 1\n");
    const metrics = { contentType: "text/plain", text: () => text() };
    listener = await serveOperations(
      { isReady: () => isReady, metrics, clock: new FakeClock(), logger },
      { port: 0, host: "127.0.0.1" },
    );
  });
  afterEach(() => listener.close());

  const get = (path: string) => fetch(`http://127.0.0.1:${listener.port}${path}`);

  it("are health, readiness and metrics, and no route of a node", async () => {
    expect((await get("/healthz")).status).toBe(200);
    expect((await get("/readyz")).status).toBe(200);
    expect(await (await get("/metrics")).text()).toBe("streamfleet_leader 1\n");
    expect((await get("/v1/nodes/register")).status).toBe(404);
    isReady = false;
    expect((await get("/readyz")).status).toBe(503);
  });

  it("take GET and HEAD, with or without a query", async () => {
    const url = `http://127.0.0.1:${listener.port}/healthz`;
    expect((await get("/healthz?verbose")).status).toBe(200);
    expect(await (await fetch(url, { method: "HEAD" })).text()).toBe("");
    const posted = await fetch(url, { method: "POST", body: "{}" });
    expect([posted.status, await posted.json()]).toEqual([405, expect.objectContaining({ code: "MethodNotAllowed" })]);
    const strange = await get("/toString");
    expect([strange.status, strange.headers.get("Content-Type")]).toEqual([404, "application/problem+json"]);
  });

  it("say nothing of a failure of our own but that the log has it", async () => {
    text = () => Promise.reject(new Error("cannot open /etc/shadow"));
    const answer = await get("/metrics");
    expect(answer.status).toBe(500);
    const body = await answer.text();
    expect(JSON.parse(body)).toMatchObject({ code: "Internal", status: 500 });
    expect(body).not.toContain("shadow");
    expect(logger.lines).toContainEqual(
      expect.objectContaining({ level: "error", message: "failed to answer request" }),
    );
  });
});
