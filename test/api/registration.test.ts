import { describe, expect, it } from "@jest/globals";
import { decideRegistration } from "../../api/registration.ts";
import type { StreamNode, StreamNodeStatus } from "../../crds/stream-node.ts";
import { instant } from "../../domain/time.ts";
import { streamNode } from "../support/node-api.ts";

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
const elsewhere = { ...claim, address: "198.18.0.2" };

function node(status: StreamNodeStatus): StreamNode {
  return streamNode({ status });
}

describe("a first claim", () => {
  it.each([
    ["the cloud has told no address yet", {}, claim, "AwaitAddress"],
    ["the public address is the cloud's", { public: "198.18.0.1" }, claim, "Write"],
    ["it gives the private address alone", { private: "10.0.0.1" }, { ...claim, address: "10.0.0.1" }, "Write"],
    ["the public address is not told yet, and the private one fits", { private: "10.0.0.1" }, claim, "Write"],
    ["the public address is another", { public: "198.18.0.9", private: "10.0.0.1" }, claim, "Refuse"],
    ["the private address is another", { public: "198.18.0.1", private: "10.0.0.9" }, claim, "Refuse"],
    ["nothing vouches for the public one", { private: "10.0.0.1" }, { ...claim, privateAddress: undefined }, "Refuse"],
  ] as const)("when %s", (_name, addresses, request, kind) => {
    expect(decideRegistration(node({ addresses }), request, now).kind).toBe(kind);
  });
});

describe("a claim of a machine that is registered", () => {
  it.each([
    ["the same is kept", held, {}, claim, "Keep"],
    ["another version is written", held, {}, { ...claim, version: "1.1" }, "Write"],
    ["a goodbye is taken back", { ...held, goodbyeAt: "2025-12-31T01:00:00.000Z" }, {}, claim, "Write"],
    ["another boot at the same address replaces it", held, {}, { ...claim, bootId: "boot-2" }, "Write"],
    ["the same boot may get another address", held, {}, elsewhere, "Write"],
    ["another boot elsewhere is refused", held, {}, { ...elsewhere, bootId: "boot-2" }, "Refuse"],
    [
      "another boot elsewhere is refused while the cloud knows the old address",
      held,
      { public: "198.18.0.1", private: "198.18.0.2" },
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
    expect(decideRegistration(node({ registration, addresses }), request, now).kind).toBe(kind);
  });

  it("keeps the time of its boot's first call", () => {
    const again = decideRegistration(node({ registration: held }), { ...claim, version: "1.1" }, now);
    expect(again).toMatchObject({ patch: { registeredAt: held.registeredAt, goodbyeAt: null } });
    const rebooted = decideRegistration(node({ registration: held }), { ...claim, bootId: "boot-2" }, now);
    expect(rebooted).toMatchObject({ patch: { registeredAt: "2026-01-01T00:00:00.000Z" } });
  });
});
