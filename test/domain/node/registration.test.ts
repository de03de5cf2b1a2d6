import { describe, expect, it } from "@jest/globals";
import { decideRegistration } from "../../../domain/node/registration.ts";
import type { StreamNode, StreamNodeStatus } from "../../../crds/stream-node.ts";
import { instant } from "../../../domain/time.ts";
import { streamNode } from "../../support/node-api.ts";
import { isSameAddress } from "../../../api/client-address.ts";

const now = instant(Date.UTC(2026, 0, 1));
const claim = {
  machineId: "i-1",
  platform: "simulated",
  address: "198.18.0.1",
  privateAddress: "10.0.0.1",
  version: "1.0",
  bootId: "boot-1",
} as const;
const held = {
  machineId: "i-1",
  address: "198.18.0.1",
  privateAddress: "10.0.0.1",
  version: "1.0",
  bootId: "boot-1",
  registeredAt: "2025-12-31T00:00:00.000Z",
};
const here = { source: "198.18.0.1", isSameAddress, former: undefined, trustBatch: false };
const elsewhere = { ...claim, address: "198.18.0.2" };

function node(status: StreamNodeStatus): StreamNode {
  return streamNode({ status });
}

const told = { public: "198.18.0.1", private: "10.0.0.1" };
const from = ({ address }: { readonly address: string }) => ({ ...here, source: address });

describe("a first claim", () => {
  it.each([
    ["the cloud has told no address yet", {}, claim, "AwaitAddress"],
    ["the public address is the cloud's", { public: "198.18.0.1" }, claim, "Write"],
    ["it gives the private address alone", { private: "10.0.0.1" }, { ...claim, address: "10.0.0.1" }, "Write"],
    ["the public address is not told yet, though the private one fits", { private: "10.0.0.1" }, claim, "AwaitAddress"],
    ["the public address is another", { public: "198.18.0.9", private: "10.0.0.1" }, claim, "Refuse"],
    ["the private address is another", { public: "198.18.0.1", private: "10.0.0.9" }, claim, "Refuse"],
    ["nothing vouches for a name", { private: "10.0.0.1" }, { ...claim, address: "evil.example.com" }, "AwaitAddress"],
  ] as const)("when %s", (_name, addresses, request, kind) => {
    expect(decideRegistration(node({ addresses }), request, { ...here, source: request.address }, now).kind).toBe(kind);
  });
});

describe("a claim of a machine that is registered", () => {
  it.each([
    ["the same is kept", held, {}, claim, "Keep"],
    ["another version is written", held, {}, { ...claim, version: "1.1" }, "Write"],
    ["a goodbye is taken back", { ...held, goodbyeAt: "2025-12-31T01:00:00.000Z" }, {}, claim, "Write"],
    ["another boot at the same address replaces it", held, {}, { ...claim, bootId: "boot-2" }, "Write"],
    ["the same boot may get another address", held, { public: "198.18.0.2" }, elsewhere, "Write"],
    ["another boot elsewhere is refused", held, {}, { ...elsewhere, bootId: "boot-2" }, "Refuse"],
    [
      "another boot elsewhere is refused while the cloud knows the old address",
      { ...held, address: "198.18.0.1" },
      { public: "198.18.0.2", private: "198.18.0.1" },
      { ...elsewhere, privateAddress: undefined, bootId: "boot-2" },
      "Refuse",
    ],
    [
      "another boot at the address that the cloud has moved the machine to replaces it",
      held,
      { public: "198.18.0.2", private: "10.0.0.1" },
      { ...elsewhere, bootId: "boot-2" },
      "Write",
    ],
  ] as const)("%s", (_name, registration, addresses, request, kind) => {
    expect(
      decideRegistration(node({ registration, addresses: { ...told, ...addresses } }), request, from(request), now)
        .kind,
    ).toBe(kind);
  });

  it("keeps the time of its boot's first call", () => {
    const known = node({ registration: held, addresses: told });
    const again = decideRegistration(known, { ...claim, version: "1.1" }, here, now);
    expect(again).toMatchObject({ patch: { registeredAt: held.registeredAt, goodbyeAt: null } });
    const rebooted = decideRegistration(known, { ...claim, bootId: "boot-2" }, here, now);
    expect(rebooted).toMatchObject({ patch: { registeredAt: "2026-01-01T00:00:00.000Z" } });
  });
});

describe("what proves a claim", () => {
  const token = { platform: "simulated", providerId: "i-1", uid: "uid-0", bootId: "boot-0" } as const;
  const nothing = { source: "203.0.113.9", isSameAddress, former: undefined, trustBatch: false };

  it.each([
    ["nothing, from another address", nothing, "Unproven"],
    ["nothing, where the address cannot be seen", { ...nothing, source: undefined }, "Unproven"],
    ["the public address", here, "Write"],
    ["the private address", { ...nothing, source: "10.0.0.1" }, "Write"],
    ["the address in another form", { ...nothing, source: "::ffff:198.18.0.1" }, "Write"],
    ["the token of before", { ...nothing, former: token }, "Write"],
    ["the token of another machine", { ...nothing, former: { ...token, providerId: "i-2" } }, "Unproven"],
    ["the token of a machine of another cloud", { ...nothing, former: { ...token, platform: "gce" } }, "Unproven"],
    ["its batch, where that is to do", { ...nothing, trustBatch: true }, "Write"],
  ] as const)("is asked of the first claim, of a reboot and of a repetition: %s", (_name, evidence, kind) => {
    const first = node({ addresses: told });
    const again = node({ addresses: told, registration: held });
    expect(decideRegistration(first, claim, evidence, now).kind).toBe(kind);
    expect(decideRegistration(again, { ...claim, bootId: "boot-2" }, evidence, now).kind).toBe(kind);
    expect(decideRegistration(again, claim, evidence, now).kind).toBe(kind === "Write" ? "Keep" : kind);
  });

  it("is written, and what was proven by more is not taken over by a batch alone", () => {
    expect(decideRegistration(node({ addresses: told }), claim, here, now)).toMatchObject({
      patch: { provenBy: "Address" },
    });
    const proven = node({ addresses: told, registration: { ...held, provenBy: "Address" } });
    const byBatch = { ...nothing, trustBatch: true };
    expect(decideRegistration(proven, { ...claim, bootId: "boot-2" }, byBatch, now).kind).toBe("Unproven");
  });
});
