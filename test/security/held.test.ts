/** Attacks that were tried and failed: they are to go on failing. Those on tokens are in `test/runtime/node-tokens.test.ts`. */
import { once } from "node:events";
import { join } from "node:path";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { plot } from "../../local/simulation/plot.ts";
import { openEmbeddedDatabase } from "../../prisma/embedded-database.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NodeApiWorld } from "../support/node-api.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

describe("the node API", () => {
  let world: NodeApiWorld;
  let token: string;
  beforeEach(async () => {
    world = await NodeApiWorld.open();
    await world.addNode();
    token = await world.registered();
  });
  afterEach(() => world.close());

  /** The status of every answer to bytes that are sent as they are. */
  async function statuses(text: string): Promise<readonly string[]> {
    const { port } = new URL(world.url);
    const socket = connect(Number(port), "127.0.0.1");
    let answered = "";
    socket.on("data", (data: Buffer) => (answered += data.toString()));
    socket.on("error", () => undefined);
    socket.write(text);
    socket.end();
    await once(socket, "close");
    return [...answered.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status!);
  }

  it.each([
    ["a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "Content-Length: 0\r\nContent-Length: 40\r\n\r\n"],
    ["chunks that are not", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"],
    ["a header on two lines", "X-A: b\r\n c: d\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"],
  ])("answers no second request that is hidden in a first: %s", async (_name, rest) => {
    const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const seen = await statuses(`POST /v1/nodes/register HTTP/1.1\r\nHost: localhost\r\n${rest}${hidden}`);
    expect(seen).not.toContain("200");
    expect(seen).toContain("400");
  });

  it("takes no field of a body for a property that all objects have", async () => {
    const body =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"bootId":"boot-1","sequence":1,"connections":0,"publishers":0,"subscribers":0}';
    const answer = await fetch(`${world.url}/v1/nodes/media/live-edge-0/report`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body,
    });
    expect(answer.status).toBe(200);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("knows nobody by the token of a node that is deleted", async () => {
    await world.deleteNode();
    expect((await world.report(token)).status).toBe(410);
  });

  it.each(["media/live-edge-1", "default/live-edge-0", "media/live-origin-0"])(
    "takes no report for another node than the token's: %s",
    async (other) => {
      const answer = await world.post(`/v1/nodes/${other}/report`, token, { bootId: "boot-1", sequence: 1 });
      expect(answer.status).toBe(401);
    },
  );
});

describe("names that strangers choose", () => {
  const hostile = [`'; DROP TABLE stream; --`, `"}} 1\nforged_total 1`, `</text><script>alert(1)</script>`, "$1", "\\"];

  it("are data to the database", async () => {
    const scratch = new ScratchDirectory();
    const database = await openEmbeddedDatabase(join(scratch.path, "db"), "test");
    try {
      const { streams } = database.history;
      const at = new FakeClock().now();
      const group = { namespace: "default", group: "live" };
      await streams.see(hostile.map((name) => ({ ...group, scope: name, name, nodeUid: "uid", subscribers: 1, at })));
      expect((await streams.live(group)).map(({ name }) => name).sort()).toEqual([...hostile].sort());
    } finally {
      await database.close();
      scratch.remove();
    }
  });

  it("stay within their label in the metrics", async () => {
    const metrics = createMetrics();
    for (const group of hostile) {
      metrics.streamNodes([{ namespace: "default", group, role: "edge", phase: "InService", count: 1 }]);
      const lines = (await metrics.text()).split("\n");
      expect(lines.filter((line) => line.startsWith("forged_total"))).toEqual([]);
      expect(lines.filter((line) => line.startsWith("streamfleet_stream_nodes{"))).toHaveLength(1);
    }
  });

  it("are text in a picture", () => {
    for (const title of hostile) {
      const picture = plot([], { title, subtitle: title });
      expect(picture).not.toContain("<script");
      expect(picture.split("</text>")).toHaveLength(picture.split("<text").length);
    }
  });
});
