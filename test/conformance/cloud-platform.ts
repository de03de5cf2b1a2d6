/** What every driver of a cloud must do: the port's docstrings as tests. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Machine } from "../../domain/node/machine.ts";
import type { PlatformError } from "../../domain/launch/platform-error.ts";
import type { Result } from "../../domain/result.ts";
import { mostReadAtOnce, type CloudPlatform, type LaunchRequest } from "../../platforms/platform.ts";

export interface CloudUnderTest {
  readonly platform: CloudPlatform;
  /** A region in which well over a hundred machines fit. */
  readonly region: string;
  /** Another region of the same cloud. */
  readonly otherRegion: string;
  /** A region, otherwise unused, in which no more machines than this fit. */
  readonly scarce?: { readonly region: string; readonly capacity: number };
  /** An image and a type that exist, and another type. */
  readonly image: string;
  readonly instanceType: string;
  readonly otherInstanceType: string;
  /** Waits until every machine launched is visible, booted or stopped; terminated ones may or may not be listed then. */
  settle(): Promise<void>;
  close?(): Promise<void> | void;
}

/** Runs the contract of the `CloudPlatform` port; `open` is called before each test. */
export function describeCloudPlatform(open: () => CloudUnderTest | Promise<CloudUnderTest>): void {
  describe("cloud platform", () => {
    let cloud: CloudUnderTest;
    let launches = 0;
    const signal = new AbortController().signal;

    beforeEach(async () => {
      cloud = await open();
    });
    afterEach(async () => {
      await cloud.close?.();
    });

    /** A launch that is like no other, unless its token is given. */
    function request(change: Partial<LaunchRequest> = {}): LaunchRequest {
      launches += 1;
      const token = `token-${launches}`;
      const { region, image, instanceType } = cloud;
      const tags = { "streamfleet.dev/cluster": "conformance", launch: token };
      return { token, region, count: 2, image, instanceType, tags, userData: "text for the boot", ...change };
    }
    const launch = async (wanted: LaunchRequest): Promise<readonly Machine[]> =>
      valueOf(await cloud.platform.launch(wanted, signal));
    const list = async (tags: Record<string, string>, region = cloud.region): Promise<readonly Machine[]> =>
      valueOf(await cloud.platform.list({ region, tags }, signal));
    const terminate = async (ids: readonly string[], region = cloud.region): Promise<void> =>
      valueOf(await cloud.platform.terminate(region, ids, signal));

    describe("launch", () => {
      it("answers the machines in order of launch index, with what was asked for", async () => {
        const wanted = request({ count: 3 });
        const machines = await launch(wanted);
        expect(machines.map(({ launchIndex }) => launchIndex)).toEqual([0, 1, 2]);
        expect(new Set(idsOf(machines)).size).toBe(3);
        for (const machine of machines) {
          expect(machine).toMatchObject({ platform: cloud.platform.name, region: cloud.region });
          expect(machine).toMatchObject({ image: wanted.image, instanceType: wanted.instanceType });
          expect(machine.tags).toMatchObject(wanted.tags);
          expect(["Pending", "Running"]).toContain(machine.state);
        }
      });

      it("boots machines with addresses of their own", async () => {
        const wanted = request({ count: 3 });
        await launch(wanted);
        await cloud.settle();
        const machines = await list(wanted.tags);
        expect(machines.map(({ state }) => state)).toEqual(["Running", "Running", "Running"]);
        expect(new Set(machines.map(({ privateAddress }) => privateAddress)).size).toBe(3);
        for (const { privateAddress } of machines) expect(privateAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      });

      it("answers the same machines to the same token, at once and later", async () => {
        const wanted = request();
        const ids = idsOf(await launch(wanted));
        expect(idsOf(await launch(wanted))).toEqual(ids);
        await cloud.settle();
        expect(idsOf(await launch({ ...wanted }))).toEqual(ids);
        expect([...idsOf(await list(wanted.tags))].sort()).toEqual([...ids].sort());
      });

      it("answers the same machines to two calls at once with the same token", async () => {
        const wanted = request();
        const [one, other] = await Promise.all([launch(wanted), launch(wanted)]);
        expect(idsOf(one)).toEqual(idsOf(other));
      });

      it("answers the same machines to the same token after they were terminated", async () => {
        const wanted = request();
        const ids = idsOf(await launch(wanted));
        await cloud.settle();
        await terminate(ids);
        await cloud.settle();
        expect(idsOf(await launch(wanted))).toEqual(ids);
        const alive = (await list(wanted.tags)).filter(({ state }) => state !== "Terminated");
        expect(alive).toEqual([]);
      });

      it("refuses a token that was used with other parameters, and launches nothing", async () => {
        const wanted = request();
        await launch(wanted);
        const others = [{ count: 1 }, { instanceType: cloud.otherInstanceType }, { userData: "another text" }];
        for (const other of others) {
          expect(errorOf(await cloud.platform.launch({ ...wanted, ...other }, signal)).kind).toBe("InvalidRequest");
        }
        await cloud.settle();
        expect(await list(wanted.tags)).toHaveLength(2);
      });

      it.each([0, 51])("refuses %s machines in one call", async (count) => {
        expect(errorOf(await cloud.platform.launch(request({ count }), signal)).kind).toBe("InvalidRequest");
      });

      it("spreads over the zones, and repairs an imbalance that it is told of", async () => {
        const spread = zonesOf(await launch(request({ count: 12, nodesByZone: {} })));
        expect(Math.max(...spread.values()) - Math.min(...spread.values())).toBeLessThanOrEqual(1);
        const [emptiest, ...others] = [...spread.keys()];
        const nodesByZone = Object.fromEntries(others.map((zone) => [zone, 5]));
        const repaired = zonesOf(await launch(request({ count: 4, nodesByZone })));
        expect([...repaired]).toEqual([[emptiest, 4]]);
      });

      it("launches what fits, and says so when nothing does", async () => {
        if (cloud.scarce === undefined) return;
        const { region, capacity } = cloud.scarce;
        const first = request({ region, count: capacity + 2 });
        const machines = await launch(first);
        expect(machines.map(({ launchIndex }) => launchIndex)).toEqual([...Array(capacity).keys()]);
        const second = request({ region, count: 1 });
        const refusal = errorOf(await cloud.platform.launch(second, signal));
        expect(["InsufficientCapacity", "QuotaExceeded"]).toContain(refusal.kind);
        expect(idsOf(await launch(first))).toEqual(idsOf(machines));
        await cloud.settle();
        await terminate(idsOf(machines), region);
        await cloud.settle();
        // What was refused was not carried out, so its token is free.
        expect(await launch(second)).toHaveLength(1);
      });
    });

    describe("list", () => {
      it("is empty where nothing was launched", async () => {
        expect(await list({ launch: "never" })).toEqual([]);
      });

      it("shows every machine after the visibility lag, however many there are", async () => {
        const tags = { batch: "large" };
        const first = await launch(request({ count: 50, tags }));
        const second = await launch(request({ count: 50, tags }));
        const third = await launch(request({ count: 7, tags }));
        await cloud.settle();
        const expected = [...idsOf([...first, ...second, ...third])].sort();
        expect([...idsOf(await list(tags))].sort()).toEqual(expected);
      });

      it("shows only machines that carry all of the tags", async () => {
        const [red] = await launch(request({ count: 1, tags: { set: "s", colour: "red" } }));
        await launch(request({ count: 1, tags: { set: "s", colour: "blue" } }));
        await cloud.settle();
        expect(await list({ set: "s" })).toHaveLength(2);
        expect(idsOf(await list({ set: "s", colour: "red" }))).toEqual([red?.providerId]);
        expect(await list({ set: "s", colour: "green" })).toEqual([]);
        expect(await list({ set: "s", shape: "round" })).toEqual([]);
      });

      it("shows only machines of the region", async () => {
        const tags = { spread: "wide" };
        await launch(request({ count: 1, tags }));
        await launch(request({ count: 2, tags, region: cloud.otherRegion }));
        await cloud.settle();
        expect(await list(tags)).toHaveLength(1);
        expect(await list(tags, cloud.otherRegion)).toHaveLength(2);
      });

      it("shows a machine as it was launched", async () => {
        const wanted = request({ count: 2 });
        const launched = await launch(wanted);
        await cloud.settle();
        const listed = [...(await list(wanted.tags))].sort((a, b) => a.launchIndex - b.launchIndex);
        expect(listed.map(withoutState)).toEqual(launched.map(withoutState));
      });
    });

    describe("read", () => {
      it("shows the machine as a listing does", async () => {
        const wanted = request({ count: 1 });
        const id = idsOf(await launch(wanted))[0]!;
        await cloud.settle();
        const [listed] = await list(wanted.tags);
        expect(valueOf(await cloud.platform.read(cloud.region, id, signal))).toEqual(listed);
      });

      it("answers NotFound for an id that the region does not have", async () => {
        const id = idsOf(await launch(request({ count: 1 })))[0]!;
        await cloud.settle();
        const elsewhere = await cloud.platform.read(cloud.otherRegion, id, signal);
        expect(errorOf(elsewhere).kind).toBe("NotFound");
        const mistyped = await cloud.platform.read(cloud.region, lastChanged(id), signal);
        expect(errorOf(mistyped).kind).toBe("NotFound");
      });

      it("answers the machine or NotFound before the visibility lag is over", async () => {
        const id = idsOf(await launch(request({ count: 1 })))[0]!;
        const early = await cloud.platform.read(cloud.region, id, signal);
        if (early.ok) expect(early.value.providerId).toBe(id);
        else expect(early.error.kind).toBe("NotFound");
      });
    });

    describe("readMany", () => {
      it("answers those of the machines that the region knows, as read does, and leaves out the others", async () => {
        const ids = idsOf(await launch(request({ count: 3 })));
        await cloud.settle();
        const asked = [ids[2]!, lastChanged(ids[0]!), ids[0]!];
        const found = valueOf(await cloud.platform.readMany(cloud.region, asked, signal));
        expect(new Set(found.keys())).toEqual(new Set([ids[0], ids[2]]));
        for (const [id, machine] of found)
          expect(machine).toEqual(valueOf(await cloud.platform.read(cloud.region, id, signal)));
        expect(valueOf(await cloud.platform.readMany(cloud.otherRegion, ids, signal)).size).toBe(0);
      });

      it("takes no id, one id twice, and as many as it is to take", async () => {
        const id = idsOf(await launch(request({ count: 1 })))[0]!;
        await cloud.settle();
        expect(valueOf(await cloud.platform.readMany(cloud.region, [], signal)).size).toBe(0);
        expect([...valueOf(await cloud.platform.readMany(cloud.region, [id, id], signal)).keys()]).toEqual([id]);
        const unknown = Array.from({ length: mostReadAtOnce - 1 }, (_, at) => `${id.slice(0, -3)}${100 + at}`);
        const found = valueOf(await cloud.platform.readMany(cloud.region, [...unknown, id], signal));
        expect(found.has(id)).toBe(true);
      });
    });

    describe("terminate", () => {
      it("ends these machines and no others", async () => {
        const wanted = request({ count: 3 });
        const ids = idsOf(await launch(wanted));
        await cloud.settle();
        await terminate(ids.slice(0, 2));
        await cloud.settle();
        const alive = (await list(wanted.tags)).filter(({ state }) => state !== "Terminated");
        expect(idsOf(alive)).toEqual(ids.slice(2));
        const gone = await cloud.platform.read(cloud.region, ids[0]!, signal);
        expect(gone.ok ? gone.value.state : gone.error.kind).toMatch(/^(Terminated|NotFound)$/);
      });

      it("may be repeated, and passes over ids that the cloud does not know", async () => {
        const id = idsOf(await launch(request({ count: 1 })))[0]!;
        await cloud.settle();
        await terminate([lastChanged(id), id]);
        await terminate([id, id]);
        await cloud.settle();
        await terminate([id]);
        await terminate([]);
      });
    });

    describe("updateTags", () => {
      it("adds and replaces tags, and keeps the others", async () => {
        const id = idsOf(await launch(request({ count: 1, tags: { keep: "k", change: "before" } })))[0]!;
        await cloud.settle();
        const result = await cloud.platform.updateTags(cloud.region, id, { change: "after", add: "a" }, signal);
        expect(result.ok).toBe(true);
        await cloud.settle();
        const machine = valueOf(await cloud.platform.read(cloud.region, id, signal));
        expect(machine.tags).toEqual({ keep: "k", change: "after", add: "a" });
        expect(idsOf(await list({ change: "after", add: "a" }))).toEqual([id]);
        expect(await list({ change: "before" })).toEqual([]);
      });

      it("answers NotFound for an id that the cloud does not know", async () => {
        const id = idsOf(await launch(request({ count: 1 })))[0]!;
        await cloud.settle();
        const result = await cloud.platform.updateTags(cloud.region, lastChanged(id), { a: "b" }, signal);
        expect(errorOf(result).kind).toBe("NotFound");
      });
    });

    describe("a signal that has aborted", () => {
      it("makes every call Unavailable", async () => {
        const id = idsOf(await launch(request({ count: 1 })))[0]!;
        await cloud.settle();
        const { platform, region } = cloud;
        const gone = AbortSignal.abort();
        const results: readonly Result<unknown, PlatformError>[] = [
          await platform.launch(request(), gone),
          await platform.terminate(region, [id], gone),
          await platform.read(region, id, gone),
          await platform.readMany(region, [id], gone),
          await platform.list({ region, tags: {} }, gone),
          await platform.updateTags(region, id, { a: "b" }, gone),
        ];
        expect(results.map((result) => errorOf(result).kind)).toEqual(Array(6).fill("Unavailable"));
      });

      it("launches and terminates nothing", async () => {
        const tags = { abort: "tried" };
        const ids = idsOf(await launch(request({ count: 1, tags })));
        await cloud.settle();
        await cloud.platform.launch(request({ tags }), AbortSignal.abort());
        await cloud.platform.terminate(cloud.region, ids, AbortSignal.abort());
        await cloud.settle();
        expect((await list(tags)).map(({ providerId, state }) => [providerId, state])).toEqual([[ids[0], "Running"]]);
      });
    });
  });
}

function valueOf<T>(result: Result<T, PlatformError>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.error.kind}: ${result.error.message}`);
}

function errorOf(result: Result<unknown, PlatformError>): PlatformError {
  if (!result.ok) return result.error;
  throw new Error(`expected a refusal, got ${JSON.stringify(result.value)}`);
}

function idsOf(machines: readonly Machine[]): readonly string[] {
  return machines.map(({ providerId }) => providerId);
}

/** How many of the machines are in each zone. */
function zonesOf(machines: readonly Machine[]): ReadonlyMap<string, number> {
  const zones = Map.groupBy(machines, ({ zone }) => zone);
  return new Map([...zones].map(([zone, { length }]) => [zone, length]));
}

/** An id of the same shape that nobody has. */
function lastChanged(id: string): string {
  return id.slice(0, -1) + (id.endsWith("0") ? "1" : "0");
}

/** What of a machine stays the same from its launch on. */
function withoutState(machine: Machine): Partial<Machine> {
  const { providerId, zone, instanceType, image, launchIndex, launchedAt, privateAddress, tags } = machine;
  return {
    providerId,
    zone,
    instanceType,
    image,
    launchIndex,
    launchedAt,
    tags,
    ...(privateAddress && { privateAddress }),
  };
}
