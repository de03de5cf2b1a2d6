import { beforeEach, describe, expect, it } from "@jest/globals";
import { AdoptionGate } from "../../fleet/adoption-gate.ts";

const key = { groupUid: "uid-1", platform: "simulated", region: "eu-west-1" } as const;

let gate: AdoptionGate;
let told: string[];
beforeEach(() => {
  gate = new AdoptionGate();
  told = [];
  gate.onChange((uid) => told.push(uid));
});

describe("an adoption gate", () => {
  it("is closed until a listing was read", () => {
    expect(gate.isOpen(key)).toBe(false);
    gate.open(key, 10, 3);
    expect(gate.isOpen(key)).toBe(true);
    expect(gate.listed(key)).toEqual({ listedMs: 10, machines: 3 });
  });

  it.each([
    ["another region", { ...key, region: "us-east-1" }],
    ["another platform", { ...key, platform: "aws" } as const],
    ["a later group of the same name", { ...key, groupUid: "uid-2" }],
  ])("says nothing of %s", (_name, other) => {
    gate.open(key, 10, 3);
    expect(gate.isOpen(other)).toBe(false);
  });

  it("tells of the first listing and of other numbers of machines, and of nothing else", () => {
    gate.open(key, 10, 3);
    gate.open(key, 20, 3);
    gate.open(key, 30, 2);
    expect(told).toEqual(["uid-1", "uid-1"]);
    expect(gate.listed(key)?.listedMs).toBe(30);
  });

  it("is shut where a machine has lost its node, until a listing begun after that", () => {
    gate.open(key, 10, 3);
    gate.shut(key, 20);
    expect([gate.isOpen(key), gate.listed(key)]).toEqual([false, undefined]);
    gate.open(key, 19, 3);
    expect(gate.isOpen(key)).toBe(false);
    gate.open(key, 20, 3);
    gate.open(key, 19, 3);
    expect(gate.isOpen(key)).toBe(true);
  });

  it("knows since when something is known, and keeps to it", () => {
    expect([gate.knownSince("uid-1", 10), gate.knownSince("uid-1", 20), gate.knownSince("uid-2", 20)]).toEqual([
      10, 10, 20,
    ]);
  });

  it("closes with the term, and does not open for a listing begun before the next", () => {
    gate.open(key, 10, 3);
    gate.close(50);
    expect(gate.isOpen(key)).toBe(false);
    gate.open(key, 49, 3);
    expect(gate.isOpen(key)).toBe(false);
    gate.open(key, 50, 3);
    expect(gate.isOpen(key)).toBe(true);
  });
});
