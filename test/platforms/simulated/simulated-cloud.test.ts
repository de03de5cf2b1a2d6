import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { MachineStateChange } from "../../../platforms/simulated/state-watch.ts";
import { launchRequest, simulatedWorld, valueOf } from "../../support/simulated-cloud.ts";

const minute = 60_000;

describe("a simulated machine", () => {
  it("boots, stops and vanishes by time alone", async () => {
    const { cloud, clock } = simulatedWorld({ bootMs: 2_000, stopMs: 1_000, terminatedRetentionMs: 10_000 });
    const [launched] = valueOf(cloud.launch(launchRequest()));
    const { providerId } = launched!;
    const state = (): string => {
      const result = cloud.read("sim-east", providerId);
      return result.ok ? result.value.state : result.error.kind;
    };
    expect(state()).toBe("Pending");
    await clock.advance(1_999);
    expect(state()).toBe("Pending");
    await clock.advance(1);
    expect(state()).toBe("Running");
    valueOf(cloud.terminate("sim-east", [providerId]));
    expect(state()).toBe("Stopping");
    await clock.advance(1_000);
    expect(state()).toBe("Terminated");
    await clock.advance(9_999);
    expect(state()).toBe("Terminated");
    await clock.advance(1);
    expect(state()).toBe("NotFound");
    expect(cloud.machines()).toEqual([]);
    expect(cloud.kill(providerId)).toBe(false);
  });

  it("has a public address from its boot on, and none at all when it is gone", async () => {
    const { cloud, clock } = simulatedWorld();
    const [pending] = valueOf(cloud.launch(launchRequest()));
    expect(pending).toMatchObject({ privateAddress: "10.0.0.1" });
    expect(pending).not.toHaveProperty("publicAddress");
    await clock.advance(2_000);
    expect(cloud.machines()[0]).toMatchObject({ privateAddress: "10.0.0.1", publicAddress: "198.18.0.1" });
    cloud.kill(pending!.providerId);
    expect(cloud.machines()[0]).not.toHaveProperty("privateAddress");
    expect(cloud.machines()[0]).not.toHaveProperty("publicAddress");
  });

  it("can be killed at once, while it stops too, but only once", () => {
    const { cloud } = simulatedWorld();
    const [one, two] = valueOf(cloud.launch(launchRequest({ count: 2 })));
    valueOf(cloud.terminate("sim-east", [two!.providerId]));
    expect([cloud.kill(one!.providerId), cloud.kill(two!.providerId)]).toEqual([true, true]);
    expect(cloud.machines().map(({ state }) => state)).toEqual(["Terminated", "Terminated"]);
    expect([cloud.kill(one!.providerId), cloud.kill("nobody")]).toEqual([false, false]);
  });

  it("still exists when it was stopped, and can then be terminated", async () => {
    const { cloud, clock } = simulatedWorld();
    const [machine] = valueOf(cloud.launch(launchRequest()));
    expect(cloud.stop(machine!.providerId)).toBe(true);
    await clock.advance(10 * minute);
    expect(cloud.machines()).toMatchObject([{ state: "Stopped" }]);
    expect(cloud.stop(machine!.providerId)).toBe(false);
    valueOf(cloud.terminate("sim-east", [machine!.providerId]));
    await clock.advance(1_000);
    expect(cloud.machines()).toMatchObject([{ state: "Terminated" }]);
  });

  it("keeps its user data for whoever runs on it", () => {
    const { cloud } = simulatedWorld();
    const [machine] = valueOf(cloud.launch(launchRequest({ userData: "join me" })));
    expect(cloud.userDataOf(machine!.providerId)).toBe("join me");
    expect(cloud.userDataOf("nobody")).toBeUndefined();
  });
});

describe("state changes", () => {
  it("are told when they are due, with the state before", async () => {
    const { cloud, clock } = simulatedWorld();
    const told: string[] = [];
    const tell = ({ machine, before }: MachineStateChange): number => told.push(`${before ?? "-"} ${machine.state}`);
    cloud.onStateChange(tell);
    const [machine] = valueOf(cloud.launch(launchRequest()));
    await clock.advance(2_000);
    valueOf(cloud.terminate("sim-east", [machine!.providerId]));
    valueOf(cloud.terminate("sim-east", [machine!.providerId]));
    await clock.advance(1_000);
    expect(told).toEqual(["- Pending", "Pending Running", "Running Stopping", "Stopping Terminated"]);
  });

  it("may be answered by another call", () => {
    const { cloud } = simulatedWorld();
    cloud.onStateChange(({ machine }) => void cloud.kill(machine.providerId));
    valueOf(cloud.launch(launchRequest({ count: 2 })));
    expect(cloud.machines().map(({ state }) => state)).toEqual(["Terminated", "Terminated"]);
  });

  it("end with the listener's own wish, and with the cloud", async () => {
    const { cloud, clock } = simulatedWorld();
    let told = 0;
    const unsubscribe = cloud.onStateChange(() => (told += 1));
    valueOf(cloud.launch(launchRequest()));
    unsubscribe();
    await clock.advance(2_000);
    expect(told).toBe(1);
    valueOf(cloud.launch(launchRequest({ token: "token-2" })));
    cloud.close();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("the simulated cloud", () => {
  it("spreads a launch over the zones, fewest machines first", () => {
    const zones = {
      "sim-east": [
        { name: "sim-easta", capacity: 1 },
        { name: "sim-eastb", capacity: 9 },
        { name: "sim-eastc", capacity: 9 },
      ],
    };
    const { cloud } = simulatedWorld({ zones });
    const machines = valueOf(cloud.launch(launchRequest({ count: 5 })));
    expect(machines.map(({ zone }) => zone.at(-1))).toEqual(["a", "b", "c", "b", "c"]);
  });

  it("counts the nodes that it is told of in place of its own, and of two zones alike takes the emptier", () => {
    const { cloud } = simulatedWorld();
    valueOf(cloud.launch(launchRequest({ token: "other-1", count: 1 })));
    const zonesFor = (token: string, count: number, nodesByZone: Readonly<Record<string, number>>) =>
      valueOf(cloud.launch(launchRequest({ token, count, nodesByZone }))).map(({ zone }) => zone.at(-1));
    expect(zonesFor("first", 1, {})).toEqual(["b"]);
    expect(zonesFor("second", 4, { "sim-easta": 3, "sim-eastc": 1 })).toEqual(["b", "c", "b", "c"]);
  });

  it("knows a repeat by the nodes it was told of, in whatever order", () => {
    const { cloud } = simulatedWorld();
    const ids = (nodesByZone: Readonly<Record<string, number>>) => cloud.launch(launchRequest({ nodesByZone }));
    const first = valueOf(ids({ a: 1, b: 2 }));
    expect(valueOf(ids({ b: 2, a: 1 }))).toEqual(first);
    expect(ids({ a: 1, b: 3 })).toMatchObject({ ok: false, error: { kind: "InvalidRequest" } });
    expect(cloud.launch(launchRequest())).toMatchObject({ ok: false, error: { kind: "InvalidRequest" } });
  });

  it("takes a zone's capacity away and gives it back", async () => {
    const { cloud, clock } = simulatedWorld({ zones: { "sim-east": [{ name: "sim-easta", capacity: 2 }] } });
    const [machine] = valueOf(cloud.launch(launchRequest({ count: 2 })));
    cloud.kill(machine!.providerId);
    cloud.setCapacity("sim-easta", 1);
    const refused = cloud.launch(launchRequest({ token: "token-2" }));
    expect(refused).toMatchObject({ ok: false, error: { kind: "InsufficientCapacity", zone: "sim-easta" } });
    cloud.setCapacity("sim-easta", 2);
    await clock.advance(1);
    expect(valueOf(cloud.launch(launchRequest({ token: "token-2" })))).toHaveLength(1);
  });

  it.each([
    ["a region that is no name", { region: "Sim East" }],
    ["an empty token", { token: "" }],
    ["an empty image", { image: "" }],
    ["user data that is too long", { userData: "x".repeat(16_385) }],
    ["a tag that is too long", { tags: { long: "x".repeat(257) } }],
  ])("refuses %s", (_what, change) => {
    const { cloud } = simulatedWorld();
    expect(cloud.launch(launchRequest(change))).toMatchObject({ ok: false, error: { kind: "InvalidRequest" } });
  });

  it("knows only the regions it is given", () => {
    const { cloud } = simulatedWorld({ zones: {} });
    const refusal = { ok: false, error: { kind: "InvalidRequest" } };
    expect(cloud.idsIn("sim-east")).toMatchObject(refusal);
    expect(cloud.idsIn("constructor")).toMatchObject(refusal);
    expect(cloud.terminate("sim-east", [])).toMatchObject(refusal);
  });

  it("remembers a token longer than its machines, and forgets both in the end", async () => {
    const { cloud, clock } = simulatedWorld({ tokenRetentionMs: 60 * minute });
    const [first] = valueOf(cloud.launch(launchRequest()));
    cloud.kill(first!.providerId);
    await clock.advance(30 * minute);
    expect(cloud.machines()).toEqual([]);
    expect(valueOf(cloud.launch(launchRequest()))).toMatchObject([
      { providerId: first!.providerId, state: "Terminated" },
    ]);
    await clock.advance(30 * minute);
    valueOf(cloud.launch(launchRequest({ token: "token-2" })));
    expect(cloud.userDataOf(first!.providerId)).toBeUndefined();
    expect(valueOf(cloud.launch(launchRequest()))).toMatchObject([{ state: "Pending" }]);
  });

  it("never forgets the token of a machine that lives", async () => {
    const { cloud, clock } = simulatedWorld({ tokenRetentionMs: minute });
    const [first] = valueOf(cloud.launch(launchRequest()));
    await clock.advance(10 * minute);
    valueOf(cloud.launch(launchRequest({ token: "token-2" })));
    expect(valueOf(cloud.launch(launchRequest()))).toMatchObject([{ providerId: first!.providerId, state: "Running" }]);
  });

  it("gives no two living machines the same id or address, and capacity is never exceeded", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("launch" as const), count: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ kind: fc.constant("kill" as const), which: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { cloud } = simulatedWorld({
          zones: {
            "sim-east": [
              { name: "a", capacity: 40 },
              { name: "b", capacity: 60 },
            ],
          },
        });
        steps.forEach((act, index) => {
          const alive = living(cloud.machines());
          if (act.kind === "launch") cloud.launch(launchRequest({ token: `t${index}`, count: act.count }));
          else cloud.kill(alive[act.which % alive.length]?.providerId ?? "");
        });
        const alive = living(cloud.machines());
        expect(alive.length).toBeLessThanOrEqual(100);
        expect(new Set(alive.map(({ providerId }) => providerId)).size).toBe(alive.length);
        expect(new Set(alive.map(({ privateAddress }) => privateAddress)).size).toBe(alive.length);
      }),
      { numRuns: 50 },
    );
  });

  it("hides each machine for its own lag, from listings and reads and terminations alike", async () => {
    const { cloud, clock } = simulatedWorld({ visibilityLagMs: 120_000, shortestVisibilityLagMs: 10_000, seed: "lag" });
    const ids = valueOf(cloud.launch(launchRequest({ count: 50 }))).map(({ providerId }) => providerId);
    const seenAfter = new Map<string, number>();
    for (let seconds = 0; seconds <= 120; seconds++) {
      const listed = new Set(cloud.listed("sim-east", ids, {}).map(({ providerId }) => providerId));
      for (const id of ids) {
        expect(cloud.read("sim-east", id).ok).toBe(listed.has(id));
        if (listed.has(id) && !seenAfter.has(id)) seenAfter.set(id, seconds);
        if (seenAfter.has(id)) expect(listed.has(id)).toBe(true);
      }
      if (seconds === 5) valueOf(cloud.terminate("sim-east", ids));
      await clock.advance(1_000);
    }
    expect(seenAfter.size).toBe(50);
    expect(Math.min(...seenAfter.values())).toBeGreaterThanOrEqual(10);
    expect(new Set(seenAfter.values()).size).toBeGreaterThan(20);
    expect(new Set(cloud.machines().map(({ state }) => state))).toEqual(new Set(["Running"]));
  });

  it("draws boot times and lags from its seed: the same again with the same seed", async () => {
    const bootOf = async (seed: string): Promise<readonly string[]> => {
      const { cloud, clock } = simulatedWorld({ bootMs: 1_000, bootJitterMs: 4_000, seed });
      valueOf(cloud.launch(launchRequest({ count: 30 })));
      await clock.advance(3_000);
      return cloud.machines().map(({ state }) => state);
    };
    const [one, again, two] = [await bootOf("one"), await bootOf("one"), await bootOf("two")];
    expect(new Set(one)).toEqual(new Set(["Pending", "Running"]));
    expect(again).toEqual(one);
    expect(two).not.toEqual(one);
  });
});

function living<T extends { readonly state: string }>(machines: readonly T[]): readonly T[] {
  return machines.filter(({ state }) => state !== "Terminated");
}
