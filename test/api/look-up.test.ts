import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  type Answer,
  edge,
  namespace,
  NodeApiWorld,
  type NodeApiWorldOptions,
  nodeReport,
  origin,
} from "../support/node-api.ts";

let world: NodeApiWorld;

beforeEach(async () => {
  world = await NodeApiWorld.open();
});
afterEach(() => world.close());

async function reopen(options: NodeApiWorldOptions): Promise<void> {
  await world.close();
  world = await NodeApiWorld.open(options);
}

/** Look-ups one after another, and the nodes that they were given. */
async function nodesOf(times: number, verb: "publish" | "subscribe" = "subscribe"): Promise<unknown[]> {
  const nodes = [];
  for (let i = 0; i < times; i++) nodes.push((await world.lookUp(verb)).body["node"]);
  return nodes;
}

describe("a look-up", () => {
  it("sends a publisher to an origin and a viewer to an edge, with all they need", async () => {
    await world.addServing(origin(0));
    await world.addServing(edge(0));
    const stream = { namespace, group: "live", scope: "live", name: "one", region: "sim-east", reservedSeconds: 10 };
    const published = await world.lookUp("publish");
    expect(published.status).toBe(200);
    expect(published.headers.get("Cache-Control")).toBe("no-store");
    expect(published.body).toEqual({ ...stream, node: "live-origin-0", role: "origin", address: "198.18.1.0" });
    const { body } = await world.lookUp("subscribe");
    expect(body).toEqual({ ...stream, node: "live-edge-0", role: "edge", address: "198.18.2.0" });
  });

  it("needs no token, and decodes scope and name", async () => {
    await world.addServing(edge(0));
    const answer = await world.get(`/v1/streams/live%2Froom/caf%C3%A9/subscribe?namespace=${namespace}&group=live`);
    expect(answer).toMatchObject({ status: 200, body: { scope: "live/room", name: "café" } });
  });

  it("keeps a slot for GET alone: HEAD is refused", async () => {
    await world.addServing(edge(0, 1));
    const path = `/v1/streams/live/one/subscribe?namespace=${namespace}&group=live`;
    for (const verb of ["subscribe", "publish", "subscribe"]) {
      const response = await fetch(`${world.url}${path.replace("subscribe", verb)}`, { method: "HEAD" });
      expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET"]);
    }
    const posted = await fetch(`${world.url}${path}`, { method: "POST" });
    expect([posted.status, posted.headers.get("Allow")]).toEqual([405, "GET"]);
    expect((await world.lookUp("subscribe")).status).toBe(200);
  });

  it.each(["region=eu-west-1", "endpoints=2", "transcode=true", "region[]=a", "region=", "region=a&region=b"])(
    "with %s is refused by the parameter's name, and keeps no slot",
    async (parameter) => {
      await world.addServing(edge(0, 1));
      await world.addServing(origin(0));
      for (const verb of ["subscribe", "publish"]) {
        const path = `/v1/streams/live/one/${verb}?namespace=${namespace}&group=live&${parameter}`;
        const answer = await world.get(path);
        const [field] = parameter.split("=");
        expect(answer).toMatchObject({ status: 400, body: { code: "InvalidParameters", errors: [{ field }] } });
        expect(String(answer.body["detail"])).toContain(field);
      }
      expect((await world.lookUp("subscribe")).status).toBe(200);
    },
  );

  it("goes to the least loaded, and counts who was sent there and is not reported yet", async () => {
    await world.addServing(edge(0), { connections: 2 });
    await world.addServing(edge(1), { connections: 0 });
    expect(await nodesOf(4)).toEqual(["live-edge-1", "live-edge-1", "live-edge-0", "live-edge-1"]);
  });

  it("keeps a slot for ten seconds, whatever reports arrive", async () => {
    const node = await world.addServing(edge(0, 2));
    expect(await nodesOf(2)).toEqual(["live-edge-0", "live-edge-0"]);
    await world.clock.advance(4_000);
    world.reports.record(nodeReport(node, { sequence: 2, receivedAt: world.clock.now() }));
    expect((await world.lookUp("subscribe")).status).toBe(503);
    await world.clock.advance(5_999);
    expect((await world.lookUp("subscribe")).status).toBe(503);
    await world.clock.advance(1);
    expect((await world.lookUp("subscribe")).status).toBe(200);
  });

  it("counts a client once that has arrived and is reported, and keeps the slot of one that has not", async () => {
    const node = await world.addServing(edge(0, 3), { connections: 1 });
    expect(await nodesOf(2)).toEqual(["live-edge-0", "live-edge-0"]);
    await world.clock.advance(4_000);
    world.reports.record(nodeReport(node, { sequence: 2, connections: 2, receivedAt: world.clock.now() }));
    expect((await world.lookUp("subscribe")).status).toBe(503);
    world.reports.record(nodeReport(node, { sequence: 3, connections: 1, receivedAt: world.clock.now() }));
    expect((await world.lookUp("subscribe")).status).toBe(200);
    await world.clock.advance(6_000);
    expect((await world.lookUp("subscribe")).status).toBe(200);
    expect((await world.lookUp("subscribe")).status).toBe(503);
  });

  it("goes by how many clients the node has taken in, where it counts them: others may have left meanwhile", async () => {
    const node = await world.addServing(edge(0, 3), { connections: 2, admitted: 40 });
    expect(await nodesOf(1)).toEqual(["live-edge-0"]);
    expect((await world.lookUp("subscribe")).status).toBe(503);
    const tell = (
      sequence: number,
      counts: { readonly connections: number; readonly admitted: number; readonly bootId?: string },
    ) => world.reports.record(nodeReport(node, { sequence, receivedAt: world.clock.now(), ...counts }));
    await world.clock.advance(1_000);
    tell(2, { connections: 2, admitted: 41 });
    expect(await nodesOf(1)).toEqual(["live-edge-0"]);
    tell(3, { connections: 2, admitted: 41 });
    expect((await world.lookUp("subscribe")).status).toBe(503);
    await world.clock.advance(1);
    tell(1, { connections: 1, admitted: 1, bootId: "boot-2" });
    expect(await nodesOf(2)).toEqual(["live-edge-0", "live-edge-0"]);
  });

  it("keeps a slot also when the node changes, and not when another takes its name", async () => {
    const node = await world.addServing(edge(0, 2));
    await nodesOf(2);
    world.known.learn({ ...node, metadata: { ...node.metadata, resourceVersion: "9" } });
    expect((await world.lookUp("subscribe")).status).toBe(503);
    const successor = { ...node, metadata: { ...node.metadata, uid: "uid-of-the-next" } };
    world.known.learn(successor);
    expect((await world.lookUp("subscribe")).status).toBe(503);
    world.reports.record(nodeReport(successor, { receivedAt: world.clock.now() }));
    expect(await nodesOf(2)).toEqual(["live-edge-0", "live-edge-0"]);
    world.reports.record(nodeReport(node, { sequence: 2, receivedAt: world.clock.now() }));
    expect((await world.lookUp("subscribe")).status).toBe(503);
  });

  it("finds no free slot: 503 with how long to wait, at most five seconds", async () => {
    await world.addServing(edge(0, 2), { connections: 1 });
    await nodesOf(1);
    const full = await world.lookUp("subscribe");
    expect(full).toMatchObject({ status: 503, body: { code: "NoFreeSlot" } });
    expect(full.body["detail"]).toMatch(/^1 edge node takes new clients in media\/live, and every slot is taken/);
    expect(full.headers.get("Retry-After")).toBe("5");
    await world.clock.advance(7_500);
    expect((await world.lookUp("subscribe")).headers.get("Retry-After")).toBe("3");
  });

  it("of a viewer goes to the origins while the group has no edge at all, but not while edges are coming", async () => {
    await world.addServing(origin(0));
    expect(await nodesOf(1)).toEqual(["live-origin-0"]);
    const coming = await world.addNode({ ...edge(0), status: { phase: "Pending" } });
    expect(await world.lookUp("subscribe")).toMatchObject({ status: 503, body: { code: "NoFreeSlot" } });
    world.known.lose(coming);
    expect(await nodesOf(1)).toEqual(["live-origin-0"]);
  });

  const notGiven: [string, (name: string) => Promise<void>][] = [
    ["drains", (name) => world.patchSpec(name, { drain: { reason: "ScaleIn", at: "2026-01-01T00:00:00Z" } })],
    ["is not in service", (name) => world.patchStatus(name, { phase: "Unresponsive" })],
    [
      "is about to be deleted",
      async (name) => {
        await world.deleteNode(name);
      },
    ],
    ["said goodbye", (name) => world.patchStatus(name, saidGoodbye)],
    [
      "takes nobody by its own word",
      async (name) => {
        const node = await world.node(name);
        world.reports.record(nodeReport(node, { sequence: 9, receivedAt: world.clock.now(), accepting: false }));
      },
    ],
    ["is gone", async (name) => world.known.lose(await world.node(name))],
  ];
  const saidGoodbye = {
    phase: "InService",
    registration: {
      ...{ machineId: "e-0", address: "198.18.2.0", bootId: "boot-1" },
      ...{ registeredAt: "2026-01-01T00:00:00Z", goodbyeAt: "2026-01-01T00:00:00Z" },
    },
  } as const;
  it.each(notGiven)("does not go to a node that %s", async (_name, change) => {
    await world.addServing(edge(0));
    await world.addServing(edge(1), { connections: 100 });
    expect(await nodesOf(1)).toEqual(["live-edge-0"]);
    await change("live-edge-0");
    expect(await nodesOf(1)).toEqual(["live-edge-1"]);
  });

  it("goes to a node again whose drain was taken back", async () => {
    await world.addServing(edge(0));
    await world.patchSpec("live-edge-0", { drain: { reason: "ScaleIn", at: "2026-01-01T00:00:00Z" } });
    await world.patchSpec("live-edge-0", { drain: null });
    expect(await nodesOf(1)).toEqual(["live-edge-0"]);
  });

  it("never goes to a node that has not reported, and to a silent one only when no other has room", async () => {
    await world.addNode(edge(0));
    expect((await world.lookUp("subscribe")).status).toBe(503);
    await world.addServing(edge(1));
    await world.clock.advance(10_001);
    await world.addServing(edge(2, 2), { connections: 1 });
    expect(await nodesOf(3)).toEqual(["live-edge-2", "live-edge-1", "live-edge-1"]);
  });

  it("follows reports that come later", async () => {
    const node = await world.addNode(edge(0));
    world.reports.record(nodeReport(node, { receivedAt: world.clock.now() }));
    expect(await nodesOf(1)).toEqual(["live-edge-0"]);
    world.reports.record(nodeReport(node, { sequence: 2, receivedAt: world.clock.now(), connections: 500 }));
    expect((await world.lookUp("subscribe")).status).toBe(503);
  });

  it("keeps groups apart", async () => {
    await world.addServing(edge(0));
    expect(await world.lookUp("subscribe", `namespace=${namespace}&group=other`)).toMatchObject({
      status: 404,
      body: { code: "NoSuchGroup" },
    });
  });
});

describe("a look-up that cannot be answered", () => {
  it.each([
    ["without a group", `namespace=${namespace}`, "group"],
    ["with an empty group", "group=", "group"],
    ["with two groups", "group=a&group=b", "group"],
    ["with an empty namespace", "namespace=&group=live", "namespace"],
  ])("%s: 400 that names it", async (_name, query, field) => {
    const answer = await world.lookUp("subscribe", query);
    expect(answer).toMatchObject({ status: 400, body: { code: "InvalidParameters", errors: [{ field }] } });
  });

  it.each([
    ["a control character", "a%1Bb"],
    ["a name that is too long", "x".repeat(256)],
  ])("with %s in the path: 400", async (_name, name) => {
    const answer = await world.get(`/v1/streams/live/${name}/publish?group=live`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: "name" }] } });
  });

  it("is of the namespace `default` unless it says another", async () => {
    const { body } = await world.lookUp("subscribe", "group=live");
    expect(body["detail"]).toBe("there is no NodeGroup default/live");
  });

  it("is of a group that has no nodes yet: 503", async () => {
    world.addGroup();
    const answer = await world.lookUp("publish");
    expect(answer).toMatchObject({ status: 503, body: { code: "NoFreeSlot" } });
    expect(answer.headers.get("Retry-After")).toBe("5");
  });

  it("comes before the nodes have been read: 503", async () => {
    world.known.synced = false;
    expect(await world.lookUp("publish")).toMatchObject({ status: 503, body: { code: "NotReady" } });
  });

  it("comes too often from one address: 429", async () => {
    await reopen({ rateLimits: { perPlayer: { perSecond: 1, burst: 2 } } });
    const statuses = (await Promise.all([1, 2, 3].map(() => world.lookUp("publish")))).map(({ status }) => status);
    expect(statuses.sort()).toEqual([404, 404, 429]);
  });
});

describe("a crowd", () => {
  it("fills every slot and no more", async () => {
    for (const slot of [0, 1, 2]) await world.addServing(edge(slot, 2));
    const answers: Answer[] = await Promise.all(Array.from({ length: 9 }, () => world.lookUp("subscribe")));
    const given = answers.flatMap(({ status, body }) => (status === 200 ? [body["node"]] : []));
    expect(given.sort()).toEqual([
      "live-edge-0",
      "live-edge-0",
      "live-edge-1",
      "live-edge-1",
      "live-edge-2",
      "live-edge-2",
    ]);
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(3);
  });
});
