/** A machine that says where it is reached: players and edges are sent only where the cloud, or its LaunchConfig, vouches for it. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { streamNodeSchema } from "../../crds/stream-node.ts";
import { servedAddresses } from "../../domain/node/address.ts";
import { namespace, NodeApiWorld, streamNode } from "../support/node-api.ts";

const cloud = { public: "198.18.0.1", private: "10.0.0.1" };

interface Told {
  readonly launch?: object;
  readonly addresses?: { readonly public?: string; readonly private?: string };
  readonly registration?: object;
}

/** The addresses that are handed out of an edge that registered like this. */
function served({ launch = {}, addresses = cloud, registration = {} }: Told) {
  const node = streamNode();
  const claimed = { machineId: "i-1", address: "198.18.0.1", version: "1", bootId: "boot-1" };
  return servedAddresses(
    streamNodeSchema.parse({
      ...node,
      spec: { ...node.spec, launch: { ...node.spec.launch, ...launch } },
      status: {
        ...node.status,
        addresses,
        registration: { ...claimed, registeredAt: "2026-01-01T00:00:00Z", ...registration },
      },
    }),
  );
}

describe("the address that is handed out", () => {
  it("is none that the cloud does not know, and is judged again when the cloud tells more", () => {
    const registration = { address: "evil.example.com", privateAddress: "10.9.9.9" };
    expect(served({ registration, addresses: {} })).toEqual({ address: undefined, privateAddress: undefined });
    expect(served({ registration, addresses: { private: "10.0.0.1" } })).toEqual({
      address: "10.0.0.1",
      privateAddress: "10.0.0.1",
    });
    expect(served({ registration })).toEqual({ address: "198.18.0.1", privateAddress: "10.0.0.1" });
  });

  it.each([
    ["Public", {}, cloud.public],
    ["Private", {}, cloud.private],
    [
      "Hostname",
      { hostname: "{name}.{region}.{group}.{namespace}.example.com" },
      `live-edge-0.sim-east.live.${namespace}.example.com`,
    ],
    ["Hostname", { hostname: "{role}{slot}-{public}.example.com" }, "edge0-198-18-0-1.example.com"],
    ["Hostname", { hostname: "{private}.example.com" }, "10-0-0-1.example.com"],
  ] as const)("is the one that the LaunchConfig names, whatever the node says: %s %j", (addressFrom, more, address) => {
    const registration = { address: "10.0.0.1" };
    expect(served({ launch: { addressFrom, ...more }, registration }).address).toBe(address);
  });

  it.each([
    ["Public", {}],
    ["Hostname", { hostname: "{public}.example.com" }],
  ] as const)("is none while the cloud has not told what it is made of: %s", (addressFrom, more) => {
    expect(served({ launch: { addressFrom, ...more }, addresses: { private: "10.0.0.1" } }).address).toBeUndefined();
  });
});

describe("a node with a host name", () => {
  let world: NodeApiWorld;
  beforeEach(async () => {
    world = await NodeApiWorld.open();
    const { spec } = streamNode();
    await world.addNode({
      spec: { launch: { ...spec.launch, addressFrom: "Hostname", hostname: "{name}.example.com" } },
    });
  });
  afterEach(() => world.close());

  const from = (address: string) => world.register({ address }, world.joinToken(), cloud.public);

  it("registers under it, or under what the cloud knows, and under no other", async () => {
    expect((await from("live-edge-1.example.com")).status).toBe(409);
    expect((await from("live-edge-0.example.com")).status).toBe(200);
    expect((await from(cloud.public)).status).toBe(200);
  });
});
