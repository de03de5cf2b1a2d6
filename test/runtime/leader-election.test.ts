import { beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { LeaderElection } from "../../runtime/leader-election.ts";
import { leaseSpec, type LeaseSpec, leaseType, microTime } from "../../runtime/lease.ts";
import type { KubernetesApi } from "../../runtime/kubernetes-api.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import type { Clock } from "../../domain/ports.ts";
import { addMs, instant } from "../../domain/time.ts";
import type { EmbeddedApi } from "../../local/kube/embedded-api.ts";
import { widgetApi } from "../support/embedded-api.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { OrderedFaults } from "../support/ordered-faults.ts";
import { RecordingLogger } from "../support/recording-logger.ts";

const at = { namespace: "streamfleet-system", name: "controller" };

let clock: FakeClock;
let faults: OrderedFaults;
let api: EmbeddedApi;
/** Candidates whose API calls fail. */
let cutOff: Set<string>;
let told: string[];

beforeEach(() => {
  clock = new FakeClock();
  openApi();
  cutOff = new Set();
  told = [];
});

function openApi(): void {
  faults = new OrderedFaults();
  api = widgetApi({ faults: faults.around, namespaces: [at.namespace] });
}

/** The API as one candidate sees it: it may be cut off while the others are not. */
function apiOf(identity: string): KubernetesApi {
  return new Proxy(api, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...parameters: unknown[]): unknown => {
        if (cutOff.has(identity)) return Promise.reject(new Error("ECONNREFUSED"));
        return Reflect.apply(member, target, parameters) as unknown;
      };
    },
  });
}

function candidate(identity: string, own: Clock = clock): LeaderElection {
  const common = { clock: own, random: () => 0, logger: new RecordingLogger(), metrics: createMetrics() };
  const election = new LeaderElection({ ...common, ...at, identity, api: apiOf(identity) });
  election.onChange({ started: () => told.push(`${identity} started`), lost: () => told.push(`${identity} lost`) });
  election.start();
  return election;
}

async function lease(): Promise<LeaseSpec> {
  return leaseSpec(await api.get(leaseType, at));
}

describe("leader election", () => {
  it("makes the first candidate the leader, and keeps the second waiting", async () => {
    const a = candidate("a");
    await clock.advance(0);
    const b = candidate("b");
    await clock.advance(60_000);
    expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);
    expect(told).toEqual(["a started"]);
  });

  it("writes a Lease as the server wants it", async () => {
    candidate("a");
    await clock.advance(6_500);
    expect(await lease()).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:06.000000Z",
      leaseTransitions: 0,
    });
  });

  it("lets the second lead at once after a graceful stop", async () => {
    const a = candidate("a");
    await clock.advance(0);
    const b = candidate("b");
    await clock.advance(10_000);
    await a.stop({ release: true });
    expect(await lease()).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
    await clock.advance(2_000);
    expect([a.isLeader(), b.isLeader()]).toEqual([false, true]);
    expect(told).toEqual(["a started", "a lost", "b started"]);
    expect(await lease()).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  it("leaves the lease to run out when it is not to be released", async () => {
    const a = candidate("a");
    await clock.advance(0);
    const b = candidate("b");
    await clock.advance(2_000);
    await a.stop({ release: false });
    await clock.advance(13_900);
    expect(b.isLeader()).toBe(false);
    await clock.advance(4_000);
    expect(b.isLeader()).toBe(true);
  });

  it("ends leadership 10 s after the last renewal, before another takes over at 15 s", async () => {
    const a = candidate("a");
    await clock.advance(0);
    const b = candidate("b");
    await clock.advance(4_000);
    cutOff.add("a");
    await clock.advance(9_999);
    expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);
    await clock.advance(1);
    expect([a.isLeader(), b.isLeader()]).toEqual([false, false]);
    expect(told).toEqual(["a started", "a lost"]);
    await clock.advance(7_000);
    expect([a.isLeader(), b.isLeader()]).toEqual([false, true]);
    cutOff.delete("a");
    await clock.advance(60_000);
    expect([a.isLeader(), b.isLeader()]).toEqual([false, true]);
    expect(told).toEqual(["a started", "a lost", "b started"]);
  });

  it("leads again when it comes back and nobody else has taken over", async () => {
    const a = candidate("a");
    await clock.advance(0);
    cutOff.add("a");
    await clock.advance(30_000);
    cutOff.delete("a");
    await clock.advance(2_000);
    expect(a.isLeader()).toBe(true);
    expect(told).toEqual(["a started", "a lost", "a started"]);
    expect(await lease()).toMatchObject({ acquireTime: "2026-01-01T00:00:00.000000Z", leaseTransitions: 0 });
  });

  it("knows that time is up even when no timer has run", async () => {
    let frozenMs = 0;
    const late: Clock = {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs() + frozenMs,
      after: (ms, callback) => clock.after(ms, callback),
    };
    const a = candidate("a", late);
    await clock.advance(0);
    frozenMs = 10_000;
    expect(told).toEqual(["a started"]);
    expect(a.isLeader()).toBe(false);
  });

  it("counts from before a slow renewal, not from its answer", async () => {
    const a = candidate("a");
    await clock.advance(0);
    let delayMs = 0;
    faults.before = ({ verb }) => {
      if (verb !== "replace") return;
      return new Promise((resolve) => void clock.after(delayMs, resolve));
    };
    delayMs = 4_000;
    await clock.advance(6_000);
    cutOff.add("a");
    // Renewed by a call that began at 2 s and was answered at 6 s.
    await clock.advance(5_999);
    expect(a.isLeader()).toBe(true);
    await clock.advance(1);
    expect(a.isLeader()).toBe(false);
  });

  it("gives up an attempt that is never answered", async () => {
    const a = candidate("a");
    await clock.advance(0);
    faults.before = ({ signal }) => {
      return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    };
    await clock.advance(5_000);
    faults.end();
    await clock.advance(6_000);
    expect(a.isLeader()).toBe(true);
    expect(told).toEqual(["a started"]);
  });

  it("does not trust the clock of another: a lease that looks expired is left alone while it changes", async () => {
    const past: Clock = {
      now: () => addMs(clock.now(), -3_600_000),
      monotonicMs: () => clock.monotonicMs(),
      after: (ms, callback) => clock.after(ms, callback),
    };
    const a = candidate("a", past);
    await clock.advance(0);
    const b = candidate("b");
    await clock.advance(120_000);
    expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);
  });

  it("renews after an answer that was lost", async () => {
    const a = candidate("a");
    await clock.advance(0);
    faults.after = ({ verb }) => {
      if (verb === "replace") throw new Error("ECONNRESET");
    };
    await clock.advance(4_000);
    faults.end();
    await clock.advance(2_000);
    expect(a.isLeader()).toBe(true);
    await a.stop({ release: true });
    expect(await lease()).toMatchObject({ holderIdentity: "" });
  });

  it("stands back when another creates the lease first", async () => {
    faults.before = async ({ verb }) => {
      if (verb !== "create") return;
      faults.end();
      const spec = { holderIdentity: "other", leaseDurationSeconds: 15 };
      await api.create(leaseType, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: at, spec });
    };
    const a = candidate("a");
    await clock.advance(2_000);
    expect(a.isLeader()).toBe(false);
  });

  it("refuses a renew deadline that is not shorter than the lease", () => {
    const common = { clock, random: () => 0, logger: new RecordingLogger(), metrics: createMetrics(), api, ...at };
    expect(() => new LeaderElection({ ...common, identity: "a", renewDeadlineMs: 15_000 })).toThrow("shorter");
  });

  it("never has two leaders, whoever is cut off and for how long", async () => {
    const step = fc.record({ who: fc.constantFrom("a", "b", "c"), ms: fc.integer({ min: 0, max: 25_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        clock = new FakeClock();
        openApi();
        cutOff = new Set();
        const candidates = ["a", "b", "c"].map((identity) => candidate(identity));
        for (const { who, ms } of steps) {
          if (!cutOff.delete(who)) cutOff.add(who);
          for (let passed = 0; passed < ms; passed += 500) {
            await clock.advance(500);
            expect(candidates.filter((election) => election.isLeader()).length).toBeLessThanOrEqual(1);
          }
        }
        cutOff.clear();
        await clock.advance(20_000);
        expect(candidates.filter((election) => election.isLeader())).toHaveLength(1);
      }),
      { numRuns: 15 },
    );
  });
});

describe("micro time", () => {
  it("has six digits", () => {
    expect(microTime(instant(1_234))).toBe("1970-01-01T00:00:01.234000Z");
  });
});
