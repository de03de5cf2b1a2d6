import { beforeEach, describe, expect, it } from "@jest/globals";
import { AdoptionGate } from "../../controllers/adoption-gate.ts";
import { instant } from "../../domain/time.ts";

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
    gate.open(key, instant(10), 3);
    expect(gate.isOpen(key)).toBe(true);
    expect(gate.listed(key)).toEqual({ listedAt: 10, machines: 3 });
  });

  it.each([
    ["another region", { ...key, region: "us-east-1" }],
    ["another platform", { ...key, platform: "aws" } as const],
    ["a later group of the same name", { ...key, groupUid: "uid-2" }],
  ])("says nothing of %s", (_name, other) => {
    gate.open(key, instant(10), 3);
    expect(gate.isOpen(other)).toBe(false);
  });

  it("tells of the first listing and of other numbers of machines, and of nothing else", () => {
    gate.open(key, instant(10), 3);
    gate.open(key, instant(20), 3);
    gate.open(key, instant(30), 2);
    expect(told).toEqual(["uid-1", "uid-1"]);
    expect(gate.listed(key)?.listedAt).toBe(30);
  });

  it("closes with the term, and does not open for a listing begun before the next", () => {
    gate.open(key, instant(10), 3);
    gate.close(instant(50));
    expect(gate.isOpen(key)).toBe(false);
    gate.open(key, instant(49), 3);
    expect(gate.isOpen(key)).toBe(false);
    gate.open(key, instant(50), 3);
    expect(gate.isOpen(key)).toBe(true);
  });
});
