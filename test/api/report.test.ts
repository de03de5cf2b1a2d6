import { type IncomingMessage, request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { NodeReport } from "../../domain/load/report.ts";
import { drainDirectiveId } from "../../domain/node/directive.ts";
import { signNodeToken } from "../../runtime/node-tokens.ts";
import { emptyReport, namespace, NodeApiWorld, origin } from "../support/node-api.ts";

let world: NodeApiWorld;
let news: NodeReport[];

beforeEach(async () => {
  news = [];
  world = await NodeApiWorld.open({ onReport: (report) => void news.push(report) });
});
afterEach(() => world.close());

describe("a report", () => {
  it("is answered with parents and directives, and kept", async () => {
    const node = await world.addNode();
    await world.addNode(origin(0));
    const token = await world.registered();
    const load = {
      sequence: 7,
      connections: 3,
      publishers: 0,
      subscribers: 3,
      cpuPercent: 12.5,
      streams: [{ scope: "live", name: "one", subscribers: 3 }],
      links: [{ parent: "live-origin-0", state: "established" }],
      acknowledged: ["drain-1"],
    };
    const { status, body } = await world.report(token, load);
    expect(status).toBe(200);
    expect(body).toEqual({
      parents: [{ name: "live-origin-0", address: "198.18.1.0" }],
      directives: [],
      reportIntervalMs: 5_000,
    });
    const unsaid = { accepting: true, children: [] };
    const kept = { ...load, ...unsaid, uid: node.metadata.uid, namespace, name: "live-edge-0", bootId: "boot-1" };
    expect(world.reports.latest(node.metadata.uid)).toEqual({ ...kept, receivedAt: world.clock.now() });
    expect(news).toHaveLength(1);
  });

  it("is taken although the API's copy of the node does not have the registration yet", async () => {
    await world.addNode();
    expect((await world.report(await world.registered())).status).toBe(200);
  });

  it("tells of a second origin, and of one that drains or goes, at once", async () => {
    await world.addNode();
    await world.addNode(origin(0));
    const token = await world.registered();
    const parents = async (sequence: number) => {
      const { body } = await world.report(token, { sequence });
      return (body["parents"] as { name: string }[]).map(({ name }) => name);
    };
    expect(await parents(1)).toEqual(["live-origin-0"]);
    const second = await world.addNode(origin(1));
    expect(await parents(2)).toEqual(["live-origin-0", "live-origin-1"]);
    await world.patchSpec("live-origin-0", { drain: { reason: "ScaleIn", at: "2026-01-01T00:00:00Z" } });
    expect(await parents(3)).toEqual(["live-origin-1"]);
    world.known.lose(second);
    expect(await parents(4)).toEqual([]);
  });

  it("is answered with the drain, under the same id each time, until it is taken back", async () => {
    await world.addNode();
    const token = await world.registered();
    const drain = { reason: "ScaleIn", at: "2026-01-01T00:00:05Z" } as const;
    await world.patchSpec("live-edge-0", { drain });
    const directive = { id: drainDirectiveId(drain), kind: "Drain", ...drain };
    expect((await world.report(token, { sequence: 1 })).body["directives"]).toEqual([directive]);
    expect((await world.report(token, { sequence: 2 })).body["directives"]).toEqual([directive]);
    await world.patchSpec("live-edge-0", { drain: null });
    expect((await world.report(token, { sequence: 3 })).body["directives"]).toEqual([]);
  });

  it("that carries out a drain which the API's copy does not know yet is told of the drain all the same", async () => {
    await world.addNode();
    const token = await world.registered();
    const drain = { reason: "ScaleIn", at: "2026-01-01T00:00:05Z" } as const;
    const acknowledged = [drainDirectiveId(drain)];
    await world.sync("live-edge-0");
    await world.patchSpec("live-edge-0", { drain }, "unseen");
    expect((await world.report(token, { sequence: 1 })).body["directives"]).toEqual([]);
    const { body } = await world.report(token, { sequence: 2, acknowledged, accepting: false });
    expect(body["directives"]).toEqual([{ id: acknowledged[0], kind: "Drain", ...drain }]);
  });

  it("of many more clients than the node can have is refused, and moves nothing", async () => {
    const node = await world.addNode();
    const token = await world.registered();
    await world.report(token, { sequence: 1, connections: 5 });
    const capacity = node.spec.launch.connectionCapacity;
    const { status, body } = await world.report(token, { sequence: 2, connections: 10 * capacity + 1 });
    expect([status, body["code"]]).toEqual([400, "InvalidBody"]);
    expect(body["errors"]).toEqual([
      { field: "connections", message: expect.stringContaining(`the ${capacity} that`) },
    ]);
    expect(world.reports.latest(node.metadata.uid)?.connections).toBe(5);
    expect((await world.report(token, { sequence: 2, connections: 10 * capacity })).status).toBe(200);
  });

  it.each([
    ["repeated", 5],
    ["overtaken", 4],
  ])("that is %s is answered and changes nothing", async (_name, sequence) => {
    const node = await world.addNode();
    const token = await world.registered();
    await world.report(token, { sequence: 5, connections: 1 });
    expect((await world.report(token, { sequence, connections: 9 })).status).toBe(200);
    expect(world.reports.latest(node.metadata.uid)?.connections).toBe(1);
    expect(news).toHaveLength(1);
  });

  it("is forgotten with its node", async () => {
    const node = await world.addNode();
    await world.report(await world.registered());
    world.known.lose(node);
    expect(world.reports.latest(node.metadata.uid)).toBeUndefined();
  });
});

const claims = { platform: "simulated", providerId: "i-1", uid: "uid-1", bootId: "boot-1" } as const;

describe("a report that is turned away", () => {
  it.each([
    ["no token", () => undefined],
    ["a join token", () => world.joinToken()],
    ["the token of another machine", () => world.nodeToken("i-2")],
    ["a token of a key that is gone", () => signNodeToken({ id: "0123456789ab", secret: new Uint8Array(32) }, claims)],
  ])("has %s: 401", async (_name, token) => {
    await world.addNode();
    await world.addNode({ name: "live-edge-1", spec: { slot: 1, providerId: "i-2" } });
    await world.register();
    const answer = await world.report(token());
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
  });

  it("is of another boot than the registered one: 401", async () => {
    await world.addNode();
    const token = await world.registered();
    await world.register({ bootId: "boot-2" });
    await world.sync("live-edge-0");
    expect((await world.report(token)).status).toBe(401);
    // The token is of the boot that it was answered to.
    expect((await world.report(token, { bootId: "boot-2" })).status).toBe(401);
    expect((await world.report(await world.registered({ bootId: "boot-2" }), { bootId: "boot-2" })).status).toBe(200);
  });

  it("comes before any registration: 401", async () => {
    await world.addNode();
    const token = world.nodeToken("i-1");
    expect((await world.report(token)).status).toBe(401);
  });

  it("is of a machine that has no StreamNode, but no deletion was seen: 503", async () => {
    const token = world.nodeToken("i-1");
    const answer = await world.report(token);
    expect(answer).toMatchObject({ status: 503, body: { code: "NotMapped" } });
    expect(answer.headers.get("Retry-After")).toBe("1");
  });

  it("is of a node that is deleted, or about to be: 410", async () => {
    await world.addNode();
    const token = await world.registered();
    await world.deleteNode();
    expect((await world.report(token)).status).toBe(410);
    world.known.lose(await world.node("live-edge-0"));
    expect((await world.report(token)).status).toBe(410);
  });

  it("comes too often: 429 with Retry-After, for this node alone", async () => {
    await world.close();
    world = await NodeApiWorld.open({ rateLimits: { perNode: { perSecond: 1, burst: 2 } } });
    await world.addNode();
    const addresses = { public: "198.18.0.2", private: "10.0.0.2" };
    await world.addNode({ name: "live-edge-1", spec: { slot: 1, providerId: "i-2" }, status: { addresses } });
    const token = await world.registered();
    const other = await world.registered({ machineId: "i-2", address: "198.18.0.2", privateAddress: "10.0.0.2" });
    for (const sequence of [1, 2]) expect((await world.report(token, { sequence })).status).toBe(200);
    const answer = await world.report(token, { sequence: 3 });
    expect(answer).toMatchObject({ status: 429, body: { code: "TooManyRequests" } });
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect((await world.report(other, {}, "live-edge-1")).status).toBe(200);
    await world.clock.advance(1_000);
    expect((await world.report(token, { sequence: 4 })).status).toBe(200);
  });

  it("guesses tokens: 429 in the end", async () => {
    await world.close();
    world = await NodeApiWorld.open({ rateLimits: { strangers: { perSecond: 1, burst: 2 } } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await world.report("guess")).status);
    expect(statuses).toEqual([401, 401, 429]);
  });

  it("names a key that cannot be looked up now: 503, and 429 in the end", async () => {
    await world.close();
    world = await NodeApiWorld.open({ rateLimits: { strangers: { perSecond: 0.01, burst: 2 } } });
    await world.clock.advance(5_000);
    world.faults.refuseAll(new Error("connection refused"));
    const key = { id: "0123456789ab", secret: new Uint8Array(32) };
    const token = signNodeToken(key, claims);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await world.report(token)).status);
    expect(statuses).toEqual([503, 401, 429]);
  });
});

describe("what a report says of others", () => {
  const children = [{ name: "live-edge-0", connections: 4, subscribers: 3, streams: 1 }];

  it("is kept when an origin says it, and whether it takes new clients", async () => {
    const node = await world.addNode(origin(0));
    const answer = await world.report(world.nodeToken("o-0"), { children, accepting: false }, "live-origin-0");
    expect(answer.status).toBe(200);
    expect(world.reports.latest(node.metadata.uid)).toMatchObject({ children, accepting: false });
  });

  it("is left out where it gives an edge many more clients than it can have, and the rest is taken", async () => {
    const node = await world.addNode(origin(0));
    const edge = await world.addNode();
    const most = 10 * edge.spec.launch.connectionCapacity;
    const child = (connections: number) => ({ name: "live-edge-0", connections, subscribers: 0, streams: 0 });
    let sequence = 0;
    const report = (...children: unknown[]) =>
      world.report(world.nodeToken("o-0"), { children, sequence: ++sequence }, "live-origin-0");
    const strange = { ...child(1), name: "live-edge-9" };
    expect((await report(strange, child(most + 1))).status).toBe(200);
    expect(world.reports.latest(node.metadata.uid)).toMatchObject({
      children: [strange],
      losses: [{ part: "children", reason: "Impossible", count: 1 }],
    });
    expect((await report(child(most))).status).toBe(200);
    expect(world.reports.latest(node.metadata.uid)?.children).toEqual([child(most)]);
    expect(world.reports.latest(node.metadata.uid)).not.toHaveProperty("losses");
  });

  it("is left out when an edge says it: it speaks for itself alone", async () => {
    const node = await world.addNode();
    expect((await world.report(await world.registered(), { children, connections: 3 })).status).toBe(200);
    expect(world.reports.latest(node.metadata.uid)).toMatchObject({ children: [], connections: 3 });
    expect(world.losses).toEqual([{ part: "children", reason: "NotAllowed", count: 1 }]);
  });
});

describe("the answer to a report", () => {
  it("says how far a node had counted whose report is not news", async () => {
    await world.addNode();
    const token = await world.registered();
    expect((await world.report(token, { sequence: 900 })).body).not.toHaveProperty("newestSequence");
    expect((await world.report(token, { sequence: 3 })).body["newestSequence"]).toBe(900);
    expect((await world.report(token, { sequence: 901 })).body).not.toHaveProperty("newestSequence");
  });

  it.each([
    ["tells an origin after how long an edge is idle", {}, 60],
    ["tells it what the policy says", { scaleIn: { idleSeconds: 7 } }, 7],
    ["does not tell it where origins may not ask", { scaleIn: { edgeSources: ["Manager"] } }, undefined],
  ])("%s", async (_name, policy, seconds) => {
    await world.addNode(origin(0));
    world.addGroup({}, policy);
    expect((await world.report(world.nodeToken("o-0"), {}, "live-origin-0")).body["edgeIdleSeconds"]).toBe(seconds);
  });

  it("does not tell an edge, nor anybody where group or policy are not known", async () => {
    await world.addNode(origin(0));
    const ask = async (sequence: number) =>
      (await world.report(world.nodeToken("o-0"), { sequence }, "live-origin-0")).body;
    expect(await ask(1)).not.toHaveProperty("edgeIdleSeconds");
    world.addGroup();
    world.scalePolicies.clear();
    expect(await ask(2)).not.toHaveProperty("edgeIdleSeconds");
    world.addGroup();
    await world.addNode();
    expect((await world.report(await world.registered())).body).not.toHaveProperty("edgeIdleSeconds");
  });
});

describe("a report's body", () => {
  const child = { name: "live-edge-0", connections: 0, subscribers: 0, streams: 0 };
  const send = async (body: string, headers: Readonly<Record<string, string>>) => {
    await world.addNode();
    const token = await world.registered();
    const response = await fetch(`${world.url}/v1/nodes/${namespace}/live-edge-0/report`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, ...headers },
      body,
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const json = { "Content-Type": "application/json" };

  it.each([
    ["too large", JSON.stringify({ ...emptyReport, x: "x".repeat(13_000_000) }), json, 413, "BodyTooLarge"],
    ["no JSON", "{", json, 400, "MalformedJson"],
    ["text", "hello", { "Content-Type": "text/plain" }, 415, "UnsupportedMediaType"],
    ["of an unknown encoding", "{}", { ...json, "Content-Encoding": "zip" }, 415, "UnsupportedMediaType"],
    ["of an unknown charset", "{}", { "Content-Type": "application/json; charset=x" }, 415, "UnsupportedMediaType"],
  ])("is %s: a problem", async (_name, body, headers, status, code) => {
    expect(await send(body, headers)).toMatchObject({ status, body: { status, code } });
  });

  it.each([
    ["connections", { connections: -1 }],
    ["connections", { connections: 1.5 }],
    ["subscribers", { subscribers: 10_000_001 }],
    ["sequence", { sequence: "1" }],
    ["sequence", { sequence: 2 ** 53 - 1 }],
    ["connections", { connections: undefined }],
    ["publishers", { publishers: "0" }],
    ["bootId", { bootId: undefined }],
  ])("names %s when it does not fit: 400", async (field, change) => {
    await world.addNode();
    const { status, body } = await world.report(await world.registered(), change);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "InvalidBody", errors: [expect.objectContaining({ field })] });
  });

  it.each([
    ["negative", '{"bootId":"boot-1","sequence":2,"connections":-5,"publishers":0,"subscribers":0}', "connections"],
    ["NaN, as JSON has none", '{"bootId":"boot-1","sequence":2,"connections":NaN}', undefined],
    ["null, as others write NaN", '{"bootId":"boot-1","sequence":2,"connections":null}', "connections"],
    ["infinite", '{"bootId":"boot-1","sequence":2,"connections":1e999,"publishers":0,"subscribers":0}', "connections"],
    ["huge", '{"bootId":"boot-1","sequence":2,"connections":1e9,"publishers":0,"subscribers":0}', "connections"],
    ["of the far future", '{"bootId":"boot-1","sequence":1e300,"connections":1}', "sequence"],
    ["missing", '{"bootId":"boot-1","sequence":2}', "connections"],
  ])("may have numbers that are %s: 400, and nothing is moved by it", async (_name, body, field) => {
    const answer = await send(body, json);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: field === undefined ? "MalformedJson" : "InvalidBody" },
    });
    if (field !== undefined) expect(String(answer.body["detail"])).toContain(`${field}: `);
    expect(news).toEqual([]);
  });

  it("may list 10,000 streams: the first 2,000 are kept, and its counts are taken", async () => {
    const stream = { scope: "live", name: "x".repeat(255), subscribers: 0 };
    const body = JSON.stringify({ ...emptyReport, streams: Array.from({ length: 10_000 }, () => stream) });
    expect((await send(body, json)).status).toBe(200);
    expect(news[0]?.streams).toHaveLength(2_000);
    expect(world.losses).toEqual([{ part: "streams", reason: "TooMany", count: 8_000 }]);
  });

  it("has room for every list, full", async () => {
    const of = <T>(length: number, make: (index: number) => T): T[] =>
      Array.from({ length }, (_, index) => make(index));
    await world.addNode(origin(0));
    const answer = await world.report(
      world.nodeToken("o-0"),
      {
        streams: of(2_000, (index) => ({ scope: "live/some-event", name: `camera-${index}`, subscribers: 1_000 })),
        children: of(2_000, (index) => ({ ...child, name: `live-edge-${index}` })),
        links: of(1_000, (index) => ({ parent: `live-origin-${index}`, state: "established" })),
      },
      "live-origin-0",
    );
    expect(answer.status).toBe(200);
    expect(news[0]?.children).toHaveLength(2_000);
  });

  it("may be 20 MB long: 413 before it is sent, whether or not it says its length", async () => {
    await world.addNode();
    const token = await world.registered();
    for (const length of [{ "Content-Length": 20_000_000 }, { "Transfer-Encoding": "chunked" }]) {
      const path = `/v1/nodes/${namespace}/live-edge-0/report`;
      const headers = { ...json, Authorization: `Bearer ${token}`, ...length };
      const sending = request(`${world.url}${path}`, { method: "POST", headers });
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        sending.once("response", resolve).once("error", reject);
      });
      // A little more than the server takes, and never its end.
      sending.write(`{"x":"${"x".repeat(13_000_000)}`);
      expect((await answered).statusCode).toBe(413);
      sending.destroy();
    }
    expect(news).toEqual([]);
  });

  it("may be 20 MB long, sent at once: 413", async () => {
    expect(await send(JSON.stringify({ ...emptyReport, x: "x".repeat(20_000_000) }), json)).toMatchObject({
      status: 413,
      body: { code: "BodyTooLarge" },
    });
  });

  it("ignores fields of a later version", async () => {
    await world.addNode();
    expect((await world.report(await world.registered(), { gpuPercent: 5 })).status).toBe(200);
  });

  it("may be anything and never makes the server fail", async () => {
    await world.close();
    world = await NodeApiWorld.open({ rateLimits: { perNode: { perSecond: 1, burst: 10_000 } } });
    await world.addNode();
    const token = await world.registered();
    const fields = fc.record(
      {
        bootId: fc.oneof(fc.constant("boot-1"), fc.anything()),
        sequence: fc.oneof(fc.nat(), fc.double(), fc.anything()),
        connections: fc.oneof(fc.nat(), fc.anything()),
        publishers: fc.oneof(fc.nat(), fc.anything()),
        subscribers: fc.oneof(fc.nat(), fc.anything()),
        cpuPercent: fc.oneof(fc.double(), fc.anything()),
        streams: fc.oneof(
          fc.array(fc.record({ scope: fc.string(), name: fc.string(), subscribers: fc.nat() })),
          fc.anything(),
        ),
        accepting: fc.anything(),
        children: fc.oneof(fc.array(fc.record({ name: fc.string(), connections: fc.nat() })), fc.anything()),
        links: fc.anything(),
        acknowledged: fc.oneof(fc.array(fc.string()), fc.anything()),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fields, fc.jsonValue()), async (body) => {
        const text = JSON.stringify(body, (_key, value: unknown) =>
          typeof value === "bigint" ? String(value) : value,
        );
        const response = await fetch(`${world.url}/v1/nodes/${namespace}/live-edge-0/report`, {
          method: "POST",
          headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
          body: text,
        });
        await response.arrayBuffer();
        expect([200, 400, 401]).toContain(response.status);
      }),
      { numRuns: 300 },
    );
  });
});

describe("what does not fit in a report", () => {
  const odd = { cpuPercent: 180, streams: [{ scope: "live", name: "x".repeat(256), subscribers: 0 }] };

  it("is left out or made to fit, counted each time, and logged once an hour", async () => {
    const node = await world.addNode();
    const token = await world.registered();
    for (let sequence = 1; sequence <= 3; sequence += 1) {
      expect((await world.report(token, { ...odd, sequence, connections: 70 })).status).toBe(200);
      await world.clock.advance(5_000);
    }
    const kept = world.reports.latest(node.metadata.uid);
    expect(kept).toMatchObject({ connections: 70, streams: [{ name: "x".repeat(255) }] });
    expect(kept).not.toHaveProperty("cpuPercent");
    const losses = [
      { part: "cpuPercent", reason: "OutOfRange", count: 1 },
      { part: "streams", reason: "BadText", count: 1 },
    ];
    expect(kept?.losses).toEqual(losses);
    expect(world.losses).toEqual([...losses, ...losses, ...losses]);
    const said = () => world.logger.lines.filter(({ message }) => message === "took a report in part");
    expect(said()).toHaveLength(1);
    expect(said()[0]).toMatchObject({ fields: { parts: ["cpuPercent OutOfRange: 1", "streams BadText: 1"] } });
    await world.clock.advance(3_600_000);
    await world.report(token, { ...odd, sequence: 9 });
    expect(said()).toHaveLength(2);
  });

  it.each([
    ["Counts", { connections: -1 }],
    ["Counts", { subscribers: 1e9 }],
    ["Counts", { publishers: 10_000 }],
    ["Identity", { sequence: null }],
  ])("is refused, told as %s, and takes nothing away from what is known", async (reason, change) => {
    const node = await world.addNode();
    const { uid } = node.metadata;
    const token = await world.registered();
    await world.report(token, { sequence: 1, connections: 5 });
    expect((await world.report(token, { sequence: 2, ...change })).status).toBe(400);
    expect(world.reports.latest(uid)?.connections).toBe(5);
    expect(world.reports.refusals()).toMatchObject([{ uid, name: "live-edge-0", reason }]);
    expect(world.losses).toEqual([{ part: "report", reason, count: 1 }]);
    expect(world.logger.lines.filter(({ message }) => message === "refused a report")).toHaveLength(1);
  });

  it.each([
    ["NotJson", '{"connections":NaN}'],
    ["TooLarge", JSON.stringify({ x: "x".repeat(13_000_000) })],
  ])("is a body that cannot be read: %s", async (reason, body) => {
    const node = await world.addNode();
    const token = await world.registered();
    await fetch(`${world.url}/v1/nodes/${namespace}/live-edge-0/report`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body,
    }).catch(() => undefined);
    expect(world.reports.refusals()).toMatchObject([{ uid: node.metadata.uid, reason }]);
  });

  it("of strangers is told of nobody", async () => {
    await world.addNode();
    await world.report("guess", { connections: -1 });
    expect([world.losses, world.reports.refusals()]).toEqual([[], []]);
  });
});

describe("a goodbye", () => {
  it("is noted once, however often it is said", async () => {
    await world.addNode();
    const token = await world.registered();
    expect((await world.goodbye(token)).status).toBe(204);
    await world.clock.advance(1_000);
    expect((await world.goodbye(token)).status).toBe(204);
    const held = (await world.node("live-edge-0")).status?.registration;
    expect(held).toMatchObject({ bootId: "boot-1", goodbyeAt: "2026-01-01T00:00:00.000Z" });
  });

  it("ends the boot's word: one that goes on reporting is told to register again", async () => {
    await world.addNode();
    const token = await world.registered();
    await world.sync("live-edge-0");
    await world.goodbye(token);
    // Our copy shows it as it was for a moment, and then as it is.
    for (const seen of [false, true]) {
      if (seen) await world.sync("live-edge-0");
      expect((await world.report(token, { sequence: 2 })).status).toBe(seen ? 401 : 200);
    }
    expect((await world.report(await world.registered(), { sequence: 3 })).status).toBe(200);
  });

  it("takes the node from the parents of others", async () => {
    await world.addNode(origin(0));
    await world.addNode();
    const token = await world.registered();
    const originToken = world.nodeToken("o-0");
    await world.goodbye(originToken, {}, "live-origin-0");
    await world.sync("live-origin-0");
    expect((await world.report(token)).body["parents"]).toEqual([]);
  });

  it.each([
    ["of another boot: 401", { bootId: "boot-2" }, 401],
    ["without a boot: 400", { bootId: undefined }, 400],
  ])("%s", async (_name, change, status) => {
    await world.addNode();
    expect((await world.goodbye(await world.registered(), change)).status).toBe(status);
  });
});
