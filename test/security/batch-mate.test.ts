/** A machine that holds the join token of its batch: it becomes no other node of it, and ends none. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type EventNote } from "../../runtime/events.ts";
import { drainDirectiveId } from "../../domain/node/directive.ts";
import { Fleet, namespace as fleetNamespace } from "../support/fleet.ts";
import { namespace, NodeApiWorld, type NodeApiWorldOptions, registration } from "../support/node-api.ts";

let world: NodeApiWorld;
let notes: { readonly of: string; readonly note: EventNote }[];
const mate = { address: "198.18.0.2", privateAddress: "10.0.0.2" };

async function open(options: NodeApiWorldOptions = {}): Promise<void> {
  notes = [];
  const events = {
    record: ({ metadata }: { metadata: { name: string } }, note: EventNote) =>
      void notes.push({ of: metadata.name, note }),
  };
  world = await NodeApiWorld.open({ ...options, events });
  await world.addNode();
  const addresses = { public: mate.address, private: mate.privateAddress };
  await world.addNode({ name: "live-edge-1", spec: { slot: 1, index: 1, providerId: "i-2" }, status: { addresses } });
}

beforeEach(() => open());
afterEach(() => world.close());

/** What the mate says to be live-edge-0, from its own machine. */
const asVictim = (change: Readonly<Record<string, unknown>> = {}) =>
  world.register({ ...registration, bootId: "boot-of-the-mate", ...change }, world.joinToken(), mate.address);

describe("a batch mate", () => {
  it("does not register as another node, before it or after it, as another boot or as the same", async () => {
    expect(await asVictim()).toMatchObject({ status: 403, body: { code: "NotProven" } });
    await world.registered();
    expect((await asVictim()).status).toBe(403);
    expect((await asVictim({ bootId: registration.bootId })).status).toBe(403);
    const held = (await world.node("live-edge-0")).status?.registration;
    expect(held).toMatchObject({ bootId: "boot-1", provenBy: "Address" });
  });

  it("is told of by an Event on the node that it claims to be", async () => {
    await asVictim();
    expect(notes).toMatchObject([
      {
        of: "live-edge-0",
        note: { type: "Warning", reason: "RegistrationRefused", message: expect.stringContaining(mate.address) },
      },
    ]);
  });

  it("is not believed what it says of from where it calls", async () => {
    const headers = { "X-Forwarded-For": registration.address };
    const body = { ...registration, bootId: "boot-of-the-mate" };
    const answer = await world.post("/v1/nodes/register", world.joinToken(), body, headers);
    expect(answer.status).toBe(403);
    const token = await world.registered({ ...mate, machineId: "i-2" });
    const guess = { ...headers, "X-Streamfleet-Operator": token };
    expect((await world.post("/v1/nodes/register", world.joinToken(), body, guess)).status).toBe(403);
  });

  it("proves nothing by its own former token", async () => {
    const own = await world.registered({ ...mate, machineId: "i-2" });
    expect((await asVictim({ formerToken: own })).status).toBe(403);
    expect((await asVictim({ formerToken: world.joinToken() })).status).toBe(403);
  });

  it("does not speak for another node by its own token, nor by one of another boot or of an object that is no more", async () => {
    await world.registered();
    const own = await world.registered({ ...mate, machineId: "i-2" });
    expect((await world.report(own)).status).toBe(401);
    expect((await world.report(world.nodeToken("i-1", { bootId: "boot-0" }), { bootId: "boot-0" })).status).toBe(401);
    expect((await world.report(world.nodeToken("i-1", { bootId: "boot-0" }))).status).toBe(401);
    expect((await world.report(world.nodeToken("i-1", { uid: "uid-of-before" }))).status).toBe(401);
    expect((await world.goodbye(world.nodeToken("i-1", { bootId: "boot-0" }))).status).toBe(401);
    const asked = await world.post(
      `/v1/nodegroups/${namespace}/live/scale-in-requests`,
      world.nodeToken("i-1", { bootId: "boot-0" }),
      {},
    );
    expect(asked.status).toBe(401);
  });
});

describe("the machine itself", () => {
  it("registers again after a reboot, from its address or by the token of before", async () => {
    const token = await world.registered();
    expect((await world.register({ bootId: "boot-2" })).status).toBe(200);
    const elsewhere = "203.0.113.1";
    const bare = await world.register({ bootId: "boot-3" }, world.joinToken(), elsewhere);
    const proven = await world.register({ bootId: "boot-3", formerToken: token }, world.joinToken(), elsewhere);
    expect([bare.status, proven.status]).toEqual([403, 200]);
    expect((await world.node("live-edge-0")).status?.registration).toMatchObject({
      bootId: "boot-3",
      provenBy: "FormerToken",
    });
  });

  it("is handed out by no address that the cloud does not know", async () => {
    await world.addNode({
      name: "live-edge-2",
      spec: { slot: 2, index: 2, providerId: "i-3" },
      status: { addresses: { private: "10.0.0.3" } },
    });
    const claim = { machineId: "i-3", privateAddress: "10.0.0.3" };
    const evil = await world.register({ ...claim, address: "evil.example.com" }, world.joinToken(), "10.0.0.3");
    expect(evil).toMatchObject({ status: 503, body: { code: "NotMapped" } });
    const own = await world.register({ ...claim, address: "10.0.0.3" }, world.joinToken(), "10.0.0.3");
    expect(own.status).toBe(200);
  });
});

describe("where the batch is trusted, for no address can be seen", () => {
  it("is believed, but takes over no node that has proved itself", async () => {
    await world.close();
    await open({ trustBatch: true });
    expect((await world.register({}, world.joinToken(), "203.0.113.1")).status).toBe(200);
    expect((await world.node("live-edge-0")).status?.registration?.provenBy).toBe("Batch");
    const seen = { ...mate, machineId: "i-2" };
    expect((await world.register(seen)).status).toBe(200);
    expect((await world.register({ ...seen, bootId: "x" }, world.joinToken(), "203.0.113.1")).status).toBe(403);
  });
});

describe("a fleet whose batches are trusted", () => {
  it("ends no drain on the word of a boot that came after it and proved nothing", async () => {
    const fleet = await Fleet.example();
    try {
      await fleet.until("in service", () => fleet.inService() === 3, 15_000);
      const drain = { reason: "ScaleIn", at: new Date(fleet.clock.now()).toISOString() } as const;
      await fleet.patch("StreamNode", "live-edge-0", { spec: { drain } });
      const { registration: held } = fleet.node("live-edge-0").status ?? {};
      await fleet.mediaFleet.nodes.get(fleet.machineOf("live-edge-0").providerId)?.stop();
      const later = new Date(fleet.clock.now() + 1_000).toISOString();
      const mateBoot = { ...held, bootId: "mate", registeredAt: later, provenBy: "Batch" };
      await fleet.kube.mergePatch(
        { group: "streamfleet.dev", version: "v1alpha1", kind: "StreamNode", plural: "streamnodes", namespaced: true },
        { namespace: fleetNamespace, name: "live-edge-0" },
        { status: { registration: mateBoot } },
        { subresource: "status" },
      );
      const { uid } = fleet.node("live-edge-0").metadata;
      const nobody = {
        connections: 0,
        publishers: 0,
        subscribers: 0,
        accepting: false,
        children: [],
        links: [],
        streams: [],
      };
      const report = { ...nobody, uid, namespace: fleetNamespace, name: "live-edge-0", bootId: "mate" };
      for (let sequence = 1; sequence < 20; sequence++) {
        const acknowledged = [drainDirectiveId(drain)];
        fleet.process.reports.record({ ...report, sequence, acknowledged, receivedAt: fleet.clock.now() });
        await fleet.advance(2_000);
      }
      expect(fleet.machineOf("live-edge-0").state).toBe("Running");
      expect(fleet.condition("Drained", "StreamNode", "live-edge-0")).toMatchObject({ reason: "NoReport" });
    } finally {
      fleet.close();
    }
  });
});
