import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { adoptionOf, type AdoptionFacts, type HeldSlot } from "../../../domain/node/adoption.ts";
import type { Machine } from "../../../domain/node/machine.ts";
import { toTags } from "../../../domain/node/ownership.ts";
import { addMs } from "../../../domain/time.ts";
import { machine, owner } from "../../support/domain-values.ts";

const ours = owner({ slots: [4, 5, 6] });

function launched(fields: Partial<Machine> = {}): Machine {
  return machine({ tags: toTags(ours, {}), launchIndex: 1, ...fields });
}

function world(fields: Partial<AdoptionFacts> & { readonly held?: ReadonlyMap<number, HeldSlot> } = {}): AdoptionFacts {
  const { held = new Map<number, HeldSlot>(), ...rest } = fields;
  const now = addMs(machine().launchedAt, 3_600_000);
  const nothing = { now, holding: () => "None" as const, isBeingLaunched: () => false, groupExists: () => true };
  return { ...nothing, slotsOf: () => held, ...rest };
}

const held = (...entries: readonly (readonly [number, Partial<HeldSlot>])[]): ReadonlyMap<number, HeldSlot> =>
  new Map(entries.map(([slot, fields]) => [slot, { awaitsMachine: false, batch: ours.batch, ...fields }]));

describe("a machine with our tags", () => {
  it.each([
    ["is known when a node has it", launched(), world({ holding: () => "Ours" }), { kind: "Known" }],
    [
      "waits while the node of an earlier group has it",
      launched(),
      world({ holding: () => "Former" }),
      { kind: "Former", owner: ours },
    ],
    ["is gone when it is terminated", launched({ state: "Terminated" }), world(), { kind: "Gone" }],
    ["is gone when it is stopping", launched({ state: "Stopping" }), world(), { kind: "Gone" }],
    [
      "is left to its batch while its launch is not settled",
      launched(),
      world({ isBeingLaunched: () => true }),
      { kind: "LaunchPending" },
    ],
    [
      "is kept aside when nobody can read its tags",
      machine(),
      world(),
      { kind: "Quarantine", reason: "UnreadableTags" },
    ],
    [
      "is kept aside when there is no such group",
      launched(),
      world({ groupExists: () => false }),
      { kind: "Quarantine", reason: "NoGroup" },
    ],
    ["is adopted into the slot of its launch index", launched(), world(), { kind: "Adopt", owner: ours, slot: 5 }],
    [
      "is adopted though it is stopped: it exists and is paid for",
      launched({ state: "Stopped" }),
      world(),
      { kind: "Adopt", owner: ours, slot: 5 },
    ],
    [
      "is given to the node of its batch that waits for it",
      launched(),
      world({ held: held([5, { awaitsMachine: true }]) }),
      { kind: "Map", owner: ours, slot: 5 },
    ],
    [
      "waits while it is young when its own slot is taken",
      launched(),
      world({ now: addMs(launched().launchedAt, 119_999), held: held([5, {}]) }),
      { kind: "Young", owner: ours },
    ],
    [
      "takes the lowest free slot when its own is taken",
      launched(),
      world({ held: held([0, {}], [5, {}]) }),
      { kind: "Adopt", owner: ours, slot: 1 },
    ],
    [
      "does not take the machine that a node of another batch waits for",
      launched(),
      world({ held: held([5, { awaitsMachine: true, batch: "live-edge-b2" }]) }),
      { kind: "Adopt", owner: ours, slot: 0 },
    ],
    [
      "takes the lowest free slot when its launch had none for its index",
      launched({ launchIndex: 3 }),
      world({ held: held([0, {}]) }),
      { kind: "Adopt", owner: ours, slot: 1 },
    ],
  ] as const)("%s", (_name, given, around, verdict) => {
    expect(adoptionOf(given, around)).toEqual(verdict);
  });

  it("asks the world by its own token and group", () => {
    const asked: string[] = [];
    const around = world({
      isBeingLaunched: (token) => asked.push(token) === 0,
      groupExists: (namespace, group) => asked.push(namespace, group) > 0,
    });
    adoptionOf(launched(), around);
    expect(asked).toEqual(["token-1", "default", "live"]);
  });

  it("is never adopted into a slot that is held, and finds one however many are", () => {
    const anyHeld = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.boolean(), fc.constantFrom(ours.batch, "live-edge-b2")));
    fc.assert(
      fc.property(anyHeld, fc.nat({ max: 5 }), (entries, launchIndex) => {
        const slots = held(...entries.map(([slot, awaitsMachine, batch]) => [slot, { awaitsMachine, batch }] as const));
        const verdict = adoptionOf(launched({ launchIndex }), world({ held: slots }));
        if (verdict.kind === "Map") expect(slots.get(verdict.slot)).toEqual({ awaitsMachine: true, batch: ours.batch });
        else expect(verdict.kind === "Adopt" && !slots.has(verdict.slot)).toBe(true);
      }),
    );
  });
});

describe("machines whose objects are all lost", () => {
  it("come back into their own slots, one by one", () => {
    const slots = new Map<number, HeldSlot>();
    for (const launchIndex of [2, 0, 1]) {
      const verdict = adoptionOf(launched({ launchIndex }), world({ held: slots }));
      if (verdict.kind === "Adopt") slots.set(verdict.slot, { awaitsMachine: false, batch: ours.batch });
    }
    expect([...slots.keys()]).toEqual([6, 4, 5]);
  });
});
