/** A tenant who may write StreamNodes in a namespace of his own: another's machine does not become his. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { streamNodeSchema, type StreamNode } from "../../crds/stream-node.ts";
import { Fleet } from "../support/fleet.ts";
import { namespace, NodeApiWorld } from "../support/node-api.ts";

describe("a StreamNode that a tenant copies into his namespace", () => {
  let world: NodeApiWorld;
  beforeEach(async () => {
    world = await NodeApiWorld.open();
  });
  afterEach(() => world.close());

  /** The shadow of a node, seen before it by the API; `forged`: with a status that says it is the operator's own. */
  function shadowOf(node: StreamNode, forged: boolean): StreamNode {
    return streamNodeSchema.parse({
      metadata: {
        ...node.metadata,
        namespace: "aaa",
        uid: "uid-shadow",
        creationTimestamp: "2036-01-01T00:00:00Z",
      },
      spec: { ...node.spec, group: "shadow" },
      status: { ...node.status, claimedUid: forged ? "uid-shadow" : "uid of the original" },
    });
  }

  it.each([false, true])("is no claimant of the machine, whatever its status says (forged: %s)", async (forged) => {
    const node = await world.addNode();
    world.known.lose(node);
    world.known.learn(shadowOf(node, forged));
    await world.sync("live-edge-0");
    const { status, body } = await world.register();
    expect([status, body["namespace"]]).toEqual([200, namespace]);
    const token = String(body["token"]);
    expect((await world.report(token)).status).toBe(200);
  });

  it("gets no token for it, and the true node is not turned away, while it alone is known", async () => {
    const node = await world.addNode();
    world.known.lose(node);
    world.known.learn(shadowOf(node, false));
    const shadow = world.joinToken({ namespace: "aaa", group: "shadow" });
    expect(await world.register({}, shadow)).toMatchObject({ status: 503, body: { code: "NotMapped" } });
    expect(await world.register()).toMatchObject({ status: 503, body: { code: "NotMapped" } });
  });
});

describe("a fleet beside which a tenant has copies", () => {
  it("goes on after a restart: every node keeps its session", async () => {
    const fleet = await Fleet.example();
    try {
      await fleet.until("in service", () => fleet.inService() === 3, 15_000);
      await fleet.kube.create(
        { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false },
        { apiVersion: "v1", kind: "Namespace", metadata: { name: "aaa" } },
      );
      for (const { metadata, spec } of fleet.nodes()) {
        const copy = { metadata: { name: metadata.name, namespace: "aaa" }, spec: { ...spec, group: "shadow" } };
        const kind = { apiVersion: "streamfleet.dev/v1alpha1", kind: "StreamNode" };
        const type = { group: "streamfleet.dev", version: "v1alpha1", plural: "streamnodes", namespaced: true };
        await fleet.kube.create({ ...type, kind: "StreamNode" }, { ...kind, ...copy });
      }
      fleet.kill();
      await fleet.start();
      await fleet.advance(60_000);
      const reported = fleet.nodes().filter(({ metadata }) => metadata.namespace === "default");
      expect(reported.map(({ status }) => status?.phase)).toEqual(["InService", "InService", "InService"]);
      expect(fleet.machines()).toHaveLength(3);
      const { reports } = fleet.process;
      expect(reported.map(({ metadata }) => reports.latest(metadata.uid) !== undefined)).toEqual([true, true, true]);
    } finally {
      fleet.close();
    }
  });
});
