import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { signJoinToken, verifyNodeToken } from "../../runtime/node-tokens.ts";
import type { Faults } from "../../local/kube/embedded-api.ts";
import { until } from "../support/eventually.ts";
import { namespace, NodeApiWorld, origin, registration, toldToEnd } from "../support/node-api.ts";

let world: NodeApiWorld;

beforeEach(async () => {
  world = await NodeApiWorld.open();
});
afterEach(() => world.close());

/** Changes the node just before somebody else writes to it, so that the write meets a conflict. */
function disturbing(wanted: () => boolean): Faults {
  let count = 0;
  const disturb: Faults = async ({ verb }) => {
    if (verb !== "mergePatch" || !wanted()) return;
    world.faults.end();
    await world.patchStatus("live-edge-0", { observedGeneration: ++count });
    world.faults.before = disturb;
  };
  return disturb;
}

describe("a machine that registers", () => {
  it("is told which node it is, its parents and its token", async () => {
    await world.addNode();
    await world.addNode(origin(0));
    const { status, body } = await world.register();
    expect(status).toBe(200);
    expect(body).toEqual({
      namespace,
      name: "live-edge-0",
      group: "live",
      role: "edge",
      parents: [{ name: "live-origin-0", address: "198.18.1.0" }],
      token: expect.any(String),
      connectionCapacity: 500,
      reportIntervalMs: 5_000,
    });
    expect(verifyNodeToken(world.keys, String(body["token"]))).toEqual({
      ...{ platform: "simulated", providerId: "i-1", bootId: "boot-1" },
      uid: (await world.node("live-edge-0")).metadata.uid,
    });
  });

  it("is written into the status, and nothing else of it is touched", async () => {
    await world.addNode({ status: { phase: "Running" } });
    await world.register();
    const node = await world.node("live-edge-0");
    expect(node.status).toEqual({
      claimedUid: node.metadata.uid,
      phase: "Running",
      addresses: { public: "198.18.0.1", private: "10.0.0.1" },
      registration: {
        machineId: "i-1",
        address: "198.18.0.1",
        privateAddress: "10.0.0.1",
        provenBy: "Address",
        version: "1.0",
        bootId: "boot-1",
        registeredAt: "2026-01-01T00:00:00.000Z",
      },
    });
  });

  it("comes again while the cloud has told no address of it: anybody could claim it", async () => {
    await world.addNode({ status: { addresses: {} } });
    const answer = await world.register();
    expect(answer).toMatchObject({ status: 503, body: { code: "NotMapped" } });
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect((await world.node("live-edge-0")).status?.registration).toBeUndefined();
  });

  it("may have no parents yet", async () => {
    await world.addNode();
    expect((await world.register()).body["parents"]).toEqual([]);
  });

  it("gets the same answer twice, and is written once", async () => {
    await world.addNode();
    const written = (): number => world.faults.calls.filter((verb) => verb === "mergePatch").length;
    const before = written();
    const first = await world.register();
    const second = await world.register();
    expect(second.status).toBe(200);
    expect(second.body).toEqual(first.body);
    expect(written()).toBe(before + 1);
  });

  it("replaces its registration after a reboot at the same address", async () => {
    await world.addNode();
    await world.register();
    await world.clock.advance(60_000);
    expect((await world.register({ bootId: "boot-2" })).status).toBe(200);
    const held = (await world.node("live-edge-0")).status?.registration;
    expect(held).toMatchObject({ bootId: "boot-2", registeredAt: "2026-01-01T00:01:00.000Z" });
  });

  it("takes a goodbye back, also when the API's copy of the node lags behind", async () => {
    await world.addNode();
    const token = await world.registered();
    await world.sync("live-edge-0");
    expect((await world.goodbye(token)).status).toBe(204);
    expect((await world.register()).status).toBe(200);
    expect((await world.node("live-edge-0")).status?.registration?.goodbyeAt).toBeUndefined();
  });

  it("loses the optional fields that it no longer gives", async () => {
    await world.addNode();
    await world.register();
    await world.register({ privateAddress: undefined, bootId: "boot-2" });
    expect((await world.node("live-edge-0")).status?.registration?.privateAddress).toBeUndefined();
  });

  it("is registered although others keep changing the node", async () => {
    await world.addNode();
    let disturbances = 0;
    world.faults.before = disturbing(() => (disturbances += 1) <= 3);
    expect((await world.register()).status).toBe(200);
    expect(disturbances).toBe(4);
  });
});

describe("a machine that is turned away", () => {
  it.each([
    ["no token", () => undefined],
    ["garbage", () => "abc"],
    ["a node token", () => world.nodeToken("i-1")],
    ["a token of another group", () => world.joinToken({ group: "other" })],
    ["a token of another batch", () => world.joinToken({ batch: "live-edge-b2" })],
    ["a token of another namespace", () => world.joinToken({ namespace: "other" })],
    [
      "a token of a key that is not ours",
      () =>
        signJoinToken(
          { id: world.keys.current.id, secret: new Uint8Array(32) },
          { namespace, group: "live", batch: "live-edge-b1" },
        ),
    ],
  ])("has %s: 401", async (_name, token) => {
    await world.addNode();
    const answer = await world.post("/v1/nodes/register", token(), registration);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe("Bearer");
    expect(answer.headers.get("Content-Type")).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ code: "Unauthorized", status: 401 });
    expect((await world.node("live-edge-0")).status?.registration).toBeUndefined();
  });

  it("is not mapped yet: 503 with Retry-After", async () => {
    const { status, headers, body } = await world.register();
    expect([status, headers.get("Retry-After"), body["code"]]).toEqual([503, "1", "NotMapped"]);
  });

  it("comes before the nodes have been read: 503 with Retry-After", async () => {
    world.known.synced = false;
    const { status, headers, body } = await world.register();
    expect([status, headers.get("Retry-After"), body["code"]]).toEqual([503, "1", "NotReady"]);
  });

  it("has a node that is being deleted: 410", async () => {
    await world.addNode();
    await world.deleteNode();
    expect(await world.register()).toMatchObject({ status: 410, body: { code: "NodeDeleted" } });
  });

  it("has a node that was deleted: 410", async () => {
    await world.addNode();
    world.known.lose(await world.deleteNode());
    expect((await world.register()).status).toBe(410);
  });

  it("has a node that was lost without a deletion: 503, until it is adopted", async () => {
    world.known.lose(await world.addNode());
    expect(await world.register()).toMatchObject({ status: 503, body: { code: "NotMapped" } });
  });

  it("has a node that the cluster no longer has, and whose machine was told to end: 410", async () => {
    await world.addNode();
    await world.patchStatus("live-edge-0", toldToEnd(await world.node("live-edge-0")));
    await world.client.delete(await world.node("live-edge-0"));
    expect((await world.register()).status).toBe(410);
  });

  it("has a node that the cluster no longer has, and whose machine nobody told to end: 503", async () => {
    await world.client.delete(await world.addNode());
    expect(await world.register()).toMatchObject({ status: 503, body: { code: "NotMapped" } });
  });

  it("has a node that is deleted, or was, and whose machine was not told to end: 503, until it is adopted", async () => {
    await world.addNode();
    const node = await world.deleteNode("live-edge-0", "NotTold");
    expect(await world.register()).toMatchObject({ status: 503, body: { code: "NotMapped" } });
    world.known.lose(node);
    expect(await world.register()).toMatchObject({ status: 503, body: { code: "NotMapped" } });
  });

  it.each(["Released", "a copy"])("has a node that went %s, whatever its status says: 503", async (how) => {
    const node = await world.addNode();
    const { conditions = [], ...told } = toldToEnd(node);
    const [ended] = conditions;
    const released = { ...ended!, type: "Released", status: "True", reason: "NoGroup" } as const;
    const status =
      how === "Released"
        ? { ...told, conditions: [...conditions, released] }
        : { ...told, conditions, claimedUid: "another" };
    await world.patchStatus("live-edge-0", status);
    world.known.lose(await world.deleteNode("live-edge-0", "NotTold"));
    expect(await world.register()).toMatchObject({ status: 503, body: { code: "NotMapped" } });
  });

  it("comes again and again before it has a node: 503, with a Retry-After that rises to a minute", async () => {
    const waits: string[] = [];
    for (let time = 0; time < 8; time++) waits.push((await world.register()).headers.get("Retry-After") ?? "");
    expect(waits).toEqual(["1", "2", "4", "8", "16", "32", "60", "60"]);
    await world.addNode();
    expect((await world.register()).status).toBe(200);
    world.known.lose(await world.node("live-edge-0"));
    expect((await world.register()).headers.get("Retry-After")).toBe("1");
  });

  it("was claimed from another address by another boot: 409", async () => {
    await world.addNode();
    await world.register();
    const answer = await world.register({ address: "198.18.0.2", bootId: "boot-2" });
    expect(answer).toMatchObject({ status: 409, body: { code: "ClaimedByAnother" } });
    expect((await world.node("live-edge-0")).status?.registration?.address).toBe("198.18.0.1");
  });

  it("gives an address that the cloud does not know: 409", async () => {
    await world.addNode({ status: { addresses: { public: "198.18.0.9", private: "10.0.0.1" } } });
    expect((await world.register()).status).toBe(409);
  });

  it("meets a cluster that does not answer: 503 with Retry-After", async () => {
    await world.addNode();
    world.faults.refuseAll(new Error("connection refused"));
    const answer = await world.register();
    expect(answer).toMatchObject({ status: 503, body: { code: "KubernetesUnavailable" } });
    expect(answer.headers.get("Retry-After")).toBe("2");
    expect(world.logger.lines).toContainEqual(expect.objectContaining({ level: "error" }));
  });

  it.each(["get", "mergePatch"] as const)(
    "meets a cluster that keeps %s waiting: 503 while it still listens",
    async (slow) => {
      await world.addNode();
      let waits = false;
      world.faults.before = ({ verb, signal }) =>
        new Promise((resolve) => {
          if (verb !== slow) resolve();
          waits ||= verb === slow;
          signal?.addEventListener("abort", () => resolve(), { once: true });
        });
      const answer = world.register();
      await until("the cluster is asked", () => waits);
      await world.clock.advance(3_000);
      expect(await answer).toMatchObject({ status: 503, body: { code: "KubernetesUnavailable" } });
      expect((await answer).headers.get("Retry-After")).toBe("2");
      expect(world.clock.pendingTimers).toBe(0);
    },
  );

  it("meets nothing but conflicts: 503 in the end", async () => {
    await world.addNode();
    world.faults.before = disturbing(() => true);
    expect((await world.register()).status).toBe(503);
  });
});

describe("too many registrations of one launch", () => {
  it("wait as long as Retry-After says, and those of another do not: 429", async () => {
    await world.close();
    world = await NodeApiWorld.open({ rateLimits: { perLaunch: { perSecond: 0.5, burst: 1 } } });
    await world.addNode();
    expect((await world.register()).status).toBe(200);
    const { status, headers } = await world.register();
    expect([status, headers.get("Retry-After")]).toEqual([429, "2"]);
    const ofAnother = world.joinToken({ batch: "live-edge-b2" });
    await world.addNode({ name: "live-edge-1", spec: { slot: 1, index: 0, providerId: "i-2", batch: "live-edge-b2" } });
    expect((await world.register({ machineId: "i-2", address: "198.18.0.2" }, ofAnother)).status).not.toBe(429);
    await world.clock.advance(2_000);
    expect((await world.register()).status).toBe(200);
  });
});

describe("a body that does not fit", () => {
  it.each([
    ["a missing field", { bootId: undefined }, "bootId"],
    ["an unknown platform", { platform: "azure" }, "platform"],
    ["an address with a port", { address: "1.2.3.4/x" }, "address"],
    ["a control character", { version: "1\u0000" }, "version"],
    ["a machine id that is too long", { machineId: "x".repeat(257) }, "machineId"],
  ])("has %s: 400 that names the field", async (_name, change, field) => {
    await world.addNode();
    const { status, body } = await world.register(change);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: "InvalidBody", errors: [expect.objectContaining({ field })] });
    expect(body["detail"]).toContain(field);
  });
});
