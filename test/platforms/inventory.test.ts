import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import { MachineInventory, type MachineInventoryOptions } from "../../platforms/inventory.ts";
import type { MachineChange } from "../../platforms/listing.ts";
import { suggestsGone } from "../../platforms/sighting-history.ts";
import { settle } from "../support/fake-clock.ts";
import { launchRequest, simulatedWorld, valueOf, type WorldOptions } from "../support/simulated-cloud.ts";

const region = "sim-east";
const unavailable: PlatformError = { kind: "Unavailable", message: "down" };

function inventoryWorld(options: WorldOptions = {}, change: Partial<MachineInventoryOptions> = {}) {
  const world = simulatedWorld(options);
  let listings = 0;
  const counted: MachineInventoryOptions["platform"] = {
    name: "simulated",
    visibilityLagMs: world.platform.visibilityLagMs,
    listIntervalMs: world.platform.listIntervalMs,
    launch: (request, signal) => world.platform.launch(request, signal),
    terminate: (name, ids, signal) => world.platform.terminate(name, ids, signal),
    read: (name, id, signal) => world.platform.read(name, id, signal),
    readMany: (name, ids, signal) => world.platform.readMany(name, ids, signal),
    updateTags: (name, id, tags, signal) => world.platform.updateTags(name, id, tags, signal),
    list: (query, signal) => {
      listings += 1;
      return world.platform.list(query, signal);
    },
  };
  // A draw of one half is no jitter between listings that succeed.
  const inventory = new MachineInventory({
    platform: counted,
    clock: world.clock,
    random: () => 0.5,
    clusterId: "test",
    ...change,
  });
  const launch = (token: string, count = 1, tags: Record<string, string> = {}) =>
    valueOf(
      world.cloud.launch(
        launchRequest({
          token,
          count,
          tags: { "streamfleet.dev/cluster": "test", "streamfleet.dev/token": token, ...tags },
        }),
      ),
    );
  return { ...world, inventory, launch, listings: () => listings };
}

describe("polling", () => {
  it("lists at once and then at the platform's interval, while somebody watches", async () => {
    const { inventory, clock, listings } = inventoryWorld();
    const unwatch = inventory.watch(region);
    const unwatchToo = inventory.watch(region);
    await settle();
    expect(listings()).toBe(1);
    await clock.advance(3_000);
    expect(listings()).toBe(4);
    unwatch();
    unwatch();
    await clock.advance(1_000);
    expect(listings()).toBe(5);
    unwatchToo();
    await clock.advance(10_000);
    expect(listings()).toBe(5);
    expect(clock.pendingTimers).toBe(0);
  });

  it("backs off while listings fail, keeps the last complete one, and recovers", async () => {
    const failures: string[] = [];
    const options = { onFailure: (name: string, error: PlatformError) => failures.push(`${name} ${error.kind}`) };
    const { inventory, clock, platform, launch, listings } = inventoryWorld({}, options);
    launch("a");
    inventory.watch(region);
    await settle();
    const before = inventory.latest(region);
    expect(before?.machines.size).toBe(1);
    platform.failNext("list", unavailable, { times: 3 });
    await clock.advance(1_000 + 2_200 + 4_400);
    expect(listings()).toBe(4);
    expect(inventory.latest(region)).toBe(before);
    expect(inventory.lastError(region)).toEqual(unavailable);
    expect(failures).toEqual(Array(3).fill("sim-east Unavailable"));
    await clock.advance(8_800);
    expect(inventory.lastError(region)).toBeUndefined();
    expect(inventory.latest(region)?.startedAt).toBe(clock.now());
    await clock.advance(1_000);
    expect(listings()).toBe(6);
  });

  it("does not call a cloud that throttles before the time it asked for, even when asked to refresh", async () => {
    const { inventory, clock, platform, listings } = inventoryWorld();
    const throttled: PlatformError = { kind: "Throttled", message: "slow down", retryAfterMs: 20_000 };
    platform.failNext("list", throttled);
    inventory.watch(region);
    await settle();
    expect(await inventory.refresh(region)).toEqual({ ok: false, error: throttled });
    await clock.advance(19_999);
    expect(await inventory.refresh(region)).toEqual({ ok: false, error: throttled });
    expect(listings()).toBe(1);
    await clock.advance(2_001);
    expect(listings()).toBe(2);
    expect(inventory.lastError(region)).toBeUndefined();
  });

  it("goes on after a throttling that nobody watched", async () => {
    const { inventory, clock, platform, listings } = inventoryWorld();
    platform.failNext("list", { kind: "Throttled", message: "slow down" });
    await inventory.refresh(region);
    inventory.watch(region);
    await clock.advance(10_000);
    expect(listings()).toBeGreaterThan(2);
  });

  it("gives up a listing that does not end, and takes a driver that throws for one that is down", async () => {
    const answers = [() => new Promise<never>(() => undefined), () => Promise.reject(new Error("defect"))];
    const list = () => answers.shift()!();
    const platform = { name: "simulated", visibilityLagMs: 0, listIntervalMs: 1_000, ...unusedMethods, list } as const;
    const { inventory, clock } = inventoryWorld({}, { listTimeoutMs: 5_000, platform });
    const first = inventory.refresh(region);
    await clock.advance(5_000);
    expect(await first).toMatchObject({
      ok: false,
      error: { kind: "Unavailable", message: /did not end within 5000 ms/ },
    });
    expect(await inventory.refresh(region)).toMatchObject({ ok: false, error: { message: /defect/ } });
  });

  it("stops: ends what is under way, and lists no more", async () => {
    const { inventory, clock, listings } = inventoryWorld({ callMs: 100 });
    inventory.watch(region);
    const asked = inventory.refresh(region);
    inventory.stop();
    expect(await asked).toMatchObject({ ok: false, error: { kind: "Unavailable" } });
    expect(await inventory.refresh(region)).toMatchObject({ ok: false });
    await clock.advance(10_000);
    expect(listings()).toBe(1);
    expect(inventory.latest(region)).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("refresh", () => {
  it("answers a listing that began after it was asked for, shared by all who ask meanwhile", async () => {
    const { inventory, clock, launch, listings } = inventoryWorld({ callMs: 100 });
    const running = inventory.refresh(region);
    await clock.advance(75);
    launch("late");
    const next = inventory.refresh(region);
    const nextToo = inventory.refresh(region);
    expect(nextToo).toBe(next);
    await clock.advance(200);
    expect(valueOf(await running).machines.size).toBe(0);
    const listing = valueOf(await next);
    expect(listing.machines.size).toBe(1);
    expect(listing.startedMonotonicMs).toBe(100);
    expect(listings()).toBe(2);
  });

  it("never lets two listings of a region overlap", async () => {
    let under = 0;
    let most = 0;
    const world = inventoryWorld({ callMs: 10 });
    const list: MachineInventoryOptions["platform"]["list"] = async (query, signal) => {
      most = Math.max(most, ++under);
      const answer = await world.platform.list(query, signal);
      under -= 1;
      return answer;
    };
    const platform = { name: "simulated", visibilityLagMs: 0, listIntervalMs: 15, ...unusedMethods, list } as const;
    const { clock } = world;
    const inventory = new MachineInventory({ platform, clock, random: () => 0.5, clusterId: "test" });
    inventory.watch(region);
    for (let ms = 0; ms < 200; ms += 3) {
      void inventory.refresh(region).then(() => inventory.refresh(region));
      await clock.advance(3);
    }
    expect(most).toBe(1);
  });

  it("lists only machines with our cluster id, and finds those of a launch call in order", async () => {
    const { inventory, launch } = inventoryWorld();
    const machines = launch("ours", 3);
    launch("theirs", 2, { "streamfleet.dev/cluster": "other" });
    const listing = valueOf(await inventory.refresh(region));
    expect(listing.byToken.get("ours")?.map(({ providerId }) => providerId)).toEqual(
      machines.map(({ providerId }) => providerId),
    );
    expect([...listing.byToken.keys()]).toEqual(["ours"]);
    expect(listing.machines.size).toBe(3);
  });
});

describe("changes", () => {
  it("are what differs from the listing before", async () => {
    const { inventory, clock, cloud, launch } = inventoryWorld({ terminatedRetentionMs: 5_000 });
    const told: (readonly MachineChange[])[] = [];
    const unsubscribe = inventory.onListing((_name, _listing, changes) => told.push(changes));
    const [one, two] = launch("a", 2);
    const next = async (): Promise<string[]> => {
      await inventory.refresh(region);
      return told.at(-1)!.map(({ providerId, before, after }) => {
        const name = providerId === one!.providerId ? "one" : "two";
        return `${name} ${before?.state ?? "-"} ${after?.state ?? "-"}`;
      });
    };
    expect(await next()).toEqual(["one - Pending", "two - Pending"]);
    expect(await next()).toEqual([]);
    await clock.advance(2_000);
    expect(await next()).toEqual(["one Pending Running", "two Pending Running"]);
    cloud.kill(two!.providerId);
    expect(await next()).toEqual(["two Running Terminated"]);
    valueOf(cloud.updateTags(region, one!.providerId, { slot: "1" }));
    expect(await next()).toEqual(["one Running Running"]);
    await clock.advance(5_000);
    expect(await next()).toEqual(["two Terminated -"]);
    unsubscribe();
    await inventory.refresh(region);
    expect(told).toHaveLength(6);
  });

  it("leave a machine that has none the same object in every listing", async () => {
    const { inventory, cloud, launch } = inventoryWorld();
    const [one, two] = launch("a", 2).map(({ providerId }) => providerId);
    await inventory.refresh(region);
    const first = inventory.latest(region)!;
    valueOf(cloud.updateTags(region, two!, { slot: "1" }));
    await inventory.refresh(region);
    const second = inventory.latest(region)!;
    expect(second.machines.get(one!)).toBe(first.machines.get(one!));
    expect(second.byToken.get("a")?.[0]).toBe(first.machines.get(one!));
    expect(second.machines.get(two!)?.tags["slot"]).toBe("1");
    expect(second.machines.size).toBe(2);
  });
});

describe("sightings", () => {
  it("go from never listed to seen to missing, and back", async () => {
    const { inventory, clock, cloud, launch } = inventoryWorld({ terminatedRetentionMs: 0 });
    const [machine] = launch("a");
    const { providerId } = machine!;
    inventory.observe([machine!]);
    expect(inventory.sighting(region, providerId)).toEqual({
      kind: "NeverListed",
      machine,
      absence: { listings: 0, spanMs: 0 },
    });
    expect(inventory.machine(region, providerId)).toEqual(machine);
    await clock.advance(10);
    const seenAt = clock.now();
    await inventory.refresh(region);
    expect(inventory.sighting(region, providerId)).toMatchObject({ kind: "Seen", at: seenAt });
    cloud.kill(providerId);
    await clock.advance(10);
    const since = clock.now();
    await inventory.refresh(region);
    await clock.advance(40);
    await inventory.refresh(region);
    const sighting = inventory.sighting(region, providerId);
    expect(sighting).toMatchObject({
      kind: "Missing",
      lastSeenAt: seenAt,
      absence: { listings: 2, since, spanMs: 40 },
    });
    expect(suggestsGone(sighting, 0)).toBe(true);
    inventory.observe([machine!]);
    expect(inventory.sighting(region, providerId)).toMatchObject({ kind: "Missing", absence: { listings: 0 } });
    await clock.advance(10);
    await inventory.refresh(region);
    expect(inventory.sighting(region, providerId)).toMatchObject({ absence: { listings: 1, since: clock.now() } });
  });

  it("do not count what began before the machine was known, nor what ran into its lag", async () => {
    const { inventory, clock, cloud } = inventoryWorld({ visibilityLagMs: 10_000, callMs: 100 });
    const running = inventory.refresh(region);
    await clock.advance(50);
    expect(inventory.sighting(region, "sim-x")).toMatchObject({ kind: "NeverListed", absence: { listings: 0 } });
    await clock.advance(50);
    valueOf(await running);
    expect(inventory.sighting(region, "sim-x")).toMatchObject({ absence: { listings: 0 } });
    for (let second = 0; second < 9; second++) {
      void inventory.refresh(region);
      await clock.advance(1_000);
    }
    expect(inventory.sighting(region, "sim-x")).toMatchObject({ absence: { listings: 0 } });
    await clock.advance(1_000);
    void inventory.refresh(region);
    await clock.advance(1_000);
    expect(inventory.sighting(region, "sim-x")).toMatchObject({ absence: { listings: 1, spanMs: 0 } });
    expect(cloud.machines()).toEqual([]);
  });

  it("take no notice of listings that fail", async () => {
    const { inventory, clock, platform, cloud, launch } = inventoryWorld({ terminatedRetentionMs: 0 });
    const [machine] = launch("a");
    await inventory.refresh(region);
    cloud.kill(machine!.providerId);
    platform.failNext("list", unavailable, { times: 5 });
    for (let times = 0; times < 5; times++) {
      await clock.advance(1_000);
      await inventory.refresh(region);
    }
    expect(inventory.sighting(region, machine!.providerId)).toMatchObject({ kind: "Seen" });
  });

  it("are forgotten a day after the machine went", async () => {
    const { inventory, clock, cloud, launch } = inventoryWorld({ terminatedRetentionMs: 0 });
    const [machine] = launch("a");
    await inventory.refresh(region);
    cloud.kill(machine!.providerId);
    await clock.advance(24 * 3_600_000);
    await inventory.refresh(region);
    expect(inventory.sighting(region, machine!.providerId).kind).toBe("Missing");
    await clock.advance(1);
    await inventory.refresh(region);
    expect(inventory.sighting(region, machine!.providerId).kind).toBe("NeverListed");
  });

  it("never count an absence of a machine that exists, whatever its lag; and suggest it once it is gone", async () => {
    const act = fc.record({
      kind: fc.constantFrom("launch", "observedLaunch", "kill", "refresh", "fail"),
      waitMs: fc.integer({ min: 0, max: 40_000 }),
      which: fc.nat(),
    });
    const lags = fc.record({ longest: fc.integer({ min: 0, max: 120_000 }), seed: fc.string({ maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(lags, fc.array(act, { maxLength: 25 }), async ({ longest, seed }, acts) => {
        const retention = { terminatedRetentionMs: 1_000, listIntervalMs: 10_000 };
        const world = inventoryWorld({ ...retention, visibilityLagMs: longest, seed });
        const { inventory, cloud, clock, platform, launch } = world;
        const launched: string[] = [];
        const killed = new Set<string>();
        const check = (): void => {
          for (const id of launched) {
            const sighting = inventory.sighting(region, id);
            if (killed.has(id) || sighting.kind === "Seen") continue;
            expect(sighting.absence).toEqual({ listings: 0, spanMs: 0 });
          }
        };
        inventory.onListing(check);
        const unwatch = inventory.watch(region);
        for (const [index, { kind, waitMs, which }] of acts.entries()) {
          if (kind === "launch" || kind === "observedLaunch") {
            const machines = launch(`t${index}`, 2);
            if (kind === "observedLaunch") inventory.observe(machines);
            launched.push(...machines.map(({ providerId }) => providerId));
          }
          const victim = launched[which % launched.length];
          if (kind === "kill" && victim !== undefined && cloud.kill(victim)) killed.add(victim);
          if (kind === "refresh") void inventory.refresh(region);
          if (kind === "fail") platform.failNext("list", unavailable);
          check();
          await clock.advance(waitMs);
        }
        await clock.advance(2 * longest + 5 * 60_000);
        check();
        for (const id of killed) expect(suggestsGone(inventory.sighting(region, id), longest)).toBe(true);
        unwatch();
      }),
      { numRuns: 40 },
    );
  });
});

const unused = (): never => {
  throw new Error("not used here");
};
const unusedMethods = { launch: unused, terminate: unused, read: unused, readMany: unused, updateTags: unused };
