/** What a SimulatedCloudStore promises: one suite for the one in memory and for the file. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { addMs, instant } from "../../domain/time.ts";
import type { MachineRecord } from "../../platforms/simulated/machine-record.ts";
import {
  CloudStoreError,
  type LaunchRecord,
  type SimulatedCloudState,
  type SimulatedCloudStore,
} from "../../platforms/simulated/store.ts";

const launchedAt = instant(Date.UTC(2026, 0, 1));

function machine(providerId: string, change: Partial<MachineRecord> = {}): MachineRecord {
  return {
    providerId,
    region: "sim-east",
    zone: "sim-easta",
    instanceType: "small",
    image: "image-1",
    token: "token-1",
    launchIndex: 0,
    ordinal: 1,
    launchedAt,
    runningAt: addMs(launchedAt, 2_000),
    visibleAt: addMs(launchedAt, 500),
    tags: { "streamfleet.dev/cluster": "test" },
    userData: "",
    ...change,
  };
}

function launch(token: string, ...providerIds: string[]): LaunchRecord {
  return { token, fingerprint: `digest of ${token}`, launchedAt, providerIds };
}

/** In no particular order: a store keeps none. */
function contentOf(store: SimulatedCloudStore): SimulatedCloudState {
  const { machines, launches, lastOrdinal } = store.load();
  return {
    machines: machines.toSorted((a, b) => a.providerId.localeCompare(b.providerId)),
    launches: launches.toSorted((a, b) => a.token.localeCompare(b.token)),
    lastOrdinal,
  };
}

export interface CloudStoreUnderTest {
  /** Empty. */
  readonly store: SimulatedCloudStore;
  close(): void;
}

/** The suite. `open` is called for each test. */
export function describeSimulatedCloudStore(open: () => CloudStoreUnderTest): void {
  describe("simulated cloud store", () => {
    const first: SimulatedCloudState = {
      machines: [machine("m-1"), machine("m-2", { launchIndex: 1, ordinal: 2 })],
      launches: [launch("token-1", "m-1", "m-2")],
      lastOrdinal: 2,
    };
    let opened: CloudStoreUnderTest;
    let store: SimulatedCloudStore;

    beforeEach(() => {
      opened = open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    it("begins empty", () => {
      expect(store.load()).toEqual({ machines: [], launches: [], lastOrdinal: 0 });
    });

    it("loads what was saved, each field of it", () => {
      const end = { state: "Stopped", askedAt: addMs(launchedAt, 5_000), settledAt: addMs(launchedAt, 6_000) } as const;
      const odd = { tags: { "it's": 'a "tag"', "": "" }, userData: "#!\nü\u0001\\", end };
      const state = {
        ...first,
        machines: [machine("m-1", odd), machine("m-2", { end: { ...end, state: "Terminated" } })],
      };
      store.exclusively(() => store.save(state));
      expect(contentOf(store)).toEqual(state);
    });

    it("replaces records by their keys, and leaves what a change does not name", () => {
      store.exclusively(() => store.save(first));
      const tagged = machine("m-1", { tags: { group: "live" } });
      const other = launch("token-2");
      store.exclusively(() => store.save({ machines: [tagged], launches: [other] }));
      expect(contentOf(store)).toEqual({
        machines: [tagged, first.machines[1]],
        launches: [first.launches[0], other],
        lastOrdinal: 2,
      });
    });

    it("forgets what is removed, and passes over what it does not know", () => {
      store.exclusively(() => store.save(first));
      store.exclusively(() => store.remove({ providerIds: ["m-1", "m-9"], tokens: ["token-1", "token-9"] }));
      expect(contentOf(store)).toEqual({ machines: [first.machines[1]], launches: [], lastOrdinal: 2 });
    });

    it("answers what the act answers, which sees what it has written so far", () => {
      const seen = store.exclusively(() => {
        store.save(first);
        store.remove({ providerIds: ["m-1"], tokens: [] });
        return contentOf(store);
      });
      expect(seen).toEqual({ ...first, machines: [first.machines[1]] });
    });

    it("keeps nothing of an act that throws, and throws the same", () => {
      store.exclusively(() => store.save(first));
      const surprise = new Error("power cut");
      const act = (): never => {
        store.save({ machines: [machine("m-1", { userData: "other" }), machine("m-3")], lastOrdinal: 3 });
        store.save({ launches: [launch("token-1"), launch("token-3", "m-3")] });
        store.remove({ providerIds: ["m-2", "m-3"], tokens: ["token-1"] });
        throw surprise;
      };
      expect(() => store.exclusively(act)).toThrow(surprise);
      expect(contentOf(store)).toEqual(first);
      store.exclusively(() => store.save({ lastOrdinal: 4 }));
      expect(contentOf(store)).toEqual({ ...first, lastOrdinal: 4 });
    });

    it.each([
      ["save", () => store.save(first)],
      ["remove", () => store.remove({ providerIds: [], tokens: [] })],
    ])("refuses to %s outside of a transaction", (_what, write) => {
      expect(write).toThrow(CloudStoreError);
      expect(contentOf(store)).toEqual({ machines: [], launches: [], lastOrdinal: 0 });
    });

    it("refuses a transaction within another, which then keeps nothing either", () => {
      const nested = (): void => {
        store.save(first);
        store.exclusively(() => store.save({ lastOrdinal: 9 }));
      };
      expect(() => store.exclusively(nested)).toThrow(CloudStoreError);
      expect(contentOf(store)).toEqual({ machines: [], launches: [], lastOrdinal: 0 });
    });

    it("does not take its own writes for somebody else's", () => {
      store.load();
      store.exclusively(() => store.save(first));
      expect(store.changedElsewhere()).toBe(false);
    });
  });
}

export interface SharedCloudStoresUnderTest {
  readonly one: SimulatedCloudStore;
  readonly other: SimulatedCloudStore;
  close(): void;
}

/** What holds as well of two stores on the same cloud. */
export function describeSharedCloudStore(open: () => SharedCloudStoresUnderTest): void {
  describe("two stores on one simulated cloud", () => {
    let stores: SharedCloudStoresUnderTest;

    beforeEach(() => {
      stores = open();
    });
    afterEach(() => stores.close());

    it("knows that the other has written, until it has loaded that", () => {
      const { one, other } = stores;
      one.load();
      expect(one.changedElsewhere()).toBe(false);
      other.exclusively(() => other.save({ machines: [machine("m-1")] }));
      expect(one.changedElsewhere()).toBe(true);
      expect(one.load().machines).toEqual([machine("m-1")]);
      expect(one.changedElsewhere()).toBe(false);
    });

    it("hears nothing of what the other took back", () => {
      const { one, other } = stores;
      one.load();
      const act = (): never => {
        other.save({ machines: [machine("m-1")] });
        throw new Error("power cut");
      };
      expect(() => other.exclusively(act)).toThrow("power cut");
      expect(one.changedElsewhere()).toBe(false);
      expect(one.load().machines).toEqual([]);
    });
  });
}
