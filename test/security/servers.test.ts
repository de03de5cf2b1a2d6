/** Who holds connections, sends slowly, calls by a foreign name, or asks for metrics all the time. */
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { createServer, request, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectSecurely } from "node:tls";
import { afterEach, describe, expect, it } from "@jest/globals";
import { MetricsPage } from "../../api/metrics-page.ts";
import { arrivalLimits, boundConnections, type ConnectionLimits, isOwnHost } from "../../runtime/server-limits.ts";
import { kubeAccess } from "../../local/kube/access.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NodeApiWorld } from "../support/node-api.ts";
import { ScratchDirectory } from "../support/scratch-directory.ts";

const open: { readonly sockets: Socket[]; readonly servers: Server[] } = { sockets: [], servers: [] };
afterEach(async () => {
  for (const socket of open.sockets.splice(0)) socket.destroy();
  for (const server of open.servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(limits: ConnectionLimits, timeouts: object = {}): Promise<number> {
  const server = createServer({ keepAliveTimeout: 60_000, ...arrivalLimits, ...timeouts }, (req, res) => {
    if (req.url === "/busy") {
      res.flushHeaders();
      return;
    }
    req.resume().once("end", () => res.end("ok"));
  });
  boundConnections(server, limits);
  open.servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A connection; with a path one that the server has seen: it has answered a request on it, or begun to. */
async function connected(port: number, path?: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  open.sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  if (path === undefined) return socket;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, "data");
  return socket;
}

const closed = (socket: Socket): Promise<unknown> => (socket.closed ? Promise.resolve() : once(socket, "close"));

describe("connections of one address", () => {
  it("are bounded: the one that has been idle for the longest makes room", async () => {
    const port = await serve({ total: 100, perAddress: 3 });
    const first = await connected(port, "/");
    const second = await connected(port, "/");
    const third = await connected(port, "/");
    first.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(first, "data");
    const fourth = await connected(port, "/");
    second.resume();
    await closed(second);
    expect([first.closed, third.closed, fourth.closed]).toEqual([false, false, false]);
  });

  it("do not take those that are busy: then a new one is closed", async () => {
    const port = await serve({ total: 100, perAddress: 2 });
    const busy = [await connected(port, "/busy"), await connected(port, "/busy")];
    const third = connect(port, "127.0.0.1").resume();
    open.sockets.push(third);
    third.on("error", () => undefined);
    await closed(third);
    expect(busy.map((socket) => socket.closed)).toEqual([false, false]);
  });

  it("are told busy from idle over TLS as well", async () => {
    const scratch = new ScratchDirectory();
    const access = await kubeAccess(join(scratch.path, "access"), { now: new Date(), random: randomBytes });
    scratch.remove();
    const server = createSecureServer({ key: access.key, cert: access.certificate }, (req, res) => {
      res.flushHeaders();
      if (req.url !== "/busy") res.end("ok");
    });
    boundConnections(server, { total: 100, perAddress: 2 });
    open.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const called = async (path: string): Promise<Socket> => {
      const socket = connectSecurely({ port, host: "127.0.0.1", ca: access.certificate });
      open.sockets.push(socket);
      socket.on("error", () => undefined);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await once(socket, "data");
      return socket;
    };
    const busy = await called("/busy");
    const idle = await called("/");
    await called("/");
    idle.resume();
    await closed(idle);
    expect(busy.closed).toBe(false);
  });

  it("are bounded by the total alone where they come by a proxy", async () => {
    const port = await serve({ total: 4, perAddress: 1, proxies: ["127.0.0.0/8", "fd00::/8"] });
    const four = [];
    for (let count = 0; count < 4; count++) four.push(await connected(port, "/"));
    const fifth = connect(port, "127.0.0.1").resume();
    open.sockets.push(fifth);
    fifth.on("error", () => undefined);
    await closed(fifth);
    expect(four.map((socket) => socket.closed)).toEqual([false, false, false, false]);
  });
});

describe("a request that arrives slowly", () => {
  const fast = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };
  it.each([
    ["its headers", "GET / HTTP/1.1\r\nHost: localhost\r\n"],
    ["its body", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nab"],
  ])("is ended by the server: %s", async (_name, text) => {
    const port = await serve({ total: 10, perAddress: 10 }, fast);
    const socket = await connected(port);
    socket.write(text);
    socket.resume();
    await closed(socket);
  });

  it("has the same bounds at every server", () => {
    expect(arrivalLimits.headersTimeout).toBeLessThanOrEqual(10_000);
    expect(arrivalLimits.requestTimeout).toBeLessThanOrEqual(30_000);
  });
});

describe("the name by which a server is called", () => {
  it.each(["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "streamfleet.test:9"])("is ours: %s", (host) => {
    expect(isOwnHost(host, new Set(["streamfleet.test"]))).toBe(true);
  });

  it.each(["evil.example.com", "127.0.0.1.evil.example.com", "localhost.evil.example.com", "", undefined, "127.0.0.2"])(
    "is foreign: %s",
    (host) => {
      expect(isOwnHost(host)).toBe(false);
    },
  );

  it("is checked by the node API of `up`, before anything else", async () => {
    const world = await NodeApiWorld.open({ hosts: ["streamfleet.test"] });
    try {
      const called = (host: string): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const sent = request(`${world.url}/healthz`, { headers: { host } }, (response) => {
            response.resume().once("end", () => resolve(response.statusCode));
          });
          sent.once("error", reject).end();
        });
      expect(await called("streamfleet.test:8080")).toBe(200);
      expect(await called("127.0.0.1")).toBe(200);
      expect(await called("rebound.example.com")).toBe(403);
    } finally {
      await world.close();
    }
  });
});

describe("metrics", () => {
  it("are rendered once a second, however many ask, and again after a failure", async () => {
    const clock = new FakeClock();
    let rendered = 0;
    let failing = false;
    const page = new MetricsPage(
      {
        contentType: "text/plain",
        text: () => (failing ? Promise.reject(new Error("no")) : Promise.resolve(`rendering ${++rendered}`)),
      },
      clock,
    );
    expect(await Promise.all([page.text(), page.text(), page.text()])).toEqual(Array(3).fill("rendering 1"));
    await clock.advance(999);
    expect(await page.text()).toBe("rendering 1");
    await clock.advance(1);
    failing = true;
    await expect(page.text()).rejects.toThrow("no");
    failing = false;
    expect(await page.text()).toBe("rendering 2");
  });

  it("are not on the players' port of `api`", async () => {
    const world = await NodeApiWorld.open({ servesMetrics: false });
    try {
      expect((await world.get("/metrics")).status).toBe(404);
      const { body } = await world.get("/openapi.json");
      expect(Object.keys(body["paths"] as object)).not.toContain("/metrics");
    } finally {
      await world.close();
    }
  });
});
