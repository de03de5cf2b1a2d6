import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { LaunchAttempt } from "../../../crds/launch-batch.ts";
import {
  isDefinite,
  keepNewest,
  type LaunchStep,
  type LaunchView,
  nextLaunchStep,
  pendingStep,
} from "../../../domain/launch/launch-step.ts";
import type { PlatformErrorKind } from "../../../domain/launch/platform-error.ts";
import { addMs, type Instant, toRfc3339 } from "../../../domain/time.ts";
import { at } from "../../support/domain-values.ts";

const now = at(0);

function attempt(fields: Partial<LaunchAttempt> = {}): LaunchAttempt {
  const number = fields.number ?? 1;
  const settings = { keyId: "k1", clusterId: "test", apiUrl: "http://api.test", startedAt: toRfc3339(now) };
  return { number, token: `token-${number}`, slots: [0, 1], ...settings, outcome: "Pending", ...fields };
}

function failed(number: number, error = "InsufficientCapacity", endedAt = now): LaunchAttempt {
  return attempt({ number, outcome: "Failed", error, message: "none left", endedAt: toRfc3339(endedAt) });
}

function view(fields: Partial<Omit<LaunchView, "settled" | "unwanted">> & Record<never, never> = {}, settled = [9]) {
  return {
    slots: [0, 1],
    settled: new Set(settled),
    unwanted: new Set<number>(),
    attempts: [],
    deleting: false,
    everythingPaused: false,
    room: 2,
    currentRevision: true,
    ...fields,
  } satisfies LaunchView;
}

const pending = attempt();
const partly = attempt({ outcome: "Launched", launched: 1, endedAt: toRfc3339(now) });

describe("a launch batch", () => {
  it.each([
    ["starts with an attempt for all of its slots", view(), { kind: "Start", number: 1, slots: [0, 1] }],
    ["sends what was committed", view({ attempts: [pending] }), { kind: "Send", attempt: pending }],
    [
      "asks at once for what the cloud left out, under a new number",
      view({ attempts: [partly] }, [0]),
      { kind: "Start", number: 2, slots: [1] },
    ],
    ["is complete when every slot is settled", view({}, [0, 1]), { kind: "Complete" }],
    [
      "waits after a refusal and remembers it",
      view({ attempts: [failed(1)] }),
      { kind: "Wait", until: at(15_000), lastError: "InsufficientCapacity: none left" },
    ],
    [
      "tries again after the wait with a new attempt",
      view({ attempts: [failed(1, "InsufficientCapacity", at(-15_000))] }),
      { kind: "Start", number: 2, slots: [0, 1] },
    ],
    ["starts nothing while everything is paused", view({ everythingPaused: true }), { kind: "Held" }],
    [
      "sends nothing while everything is paused",
      view({ attempts: [pending], everythingPaused: true }),
      { kind: "Held" },
    ],
  ] as const)("%s", (_name, given, step) => {
    expect(nextLaunchStep(given, now)).toEqual(step);
  });
});

describe("a call that was sent lately and not answered", () => {
  const sent = { attempts: [pending], sendAgainAt: at(5_000) };

  it.each([
    ["is waited for", sent, 4_999, { kind: "AwaitAnswer", until: at(5_000) }],
    ["is waited for though the group is deleted", { ...sent, deleting: true }, 0, { kind: "AwaitAnswer" }],
    ["is sent again when the wait is over", sent, 5_000, { kind: "Send", attempt: pending }],
    ["is held by a pause of everything", { ...sent, everythingPaused: true }, 5_000, { kind: "Held" }],
  ] as const)("%s", (_name, fields, ms, step) => {
    expect(nextLaunchStep({ ...view(), ...fields }, at(ms))).toMatchObject(step);
  });
});

describe("machines that the sweep gave to the nodes of open slots", () => {
  const found = [{ slot: 1, providerId: "m-1" }];

  it.each([
    ["are taken, and nothing is launched for their slots", {}],
    ["are taken though a call has failed", { attempts: [failed(1)] }],
    ["are taken though there is no room", { room: 0 }],
    ["are taken though the group is deleted, which terminates them", { deleting: true }],
    ["are taken though their nodes are deleted", { unwanted: new Set([1]) }],
    ["are taken while everything is paused", { everythingPaused: true }],
  ])("%s", (_name, fields) => {
    expect(nextLaunchStep({ ...view(), found, ...fields }, now)).toEqual({ kind: "Found", machines: found });
  });

  it("wait for a pending call, which answers them itself", () => {
    expect(nextLaunchStep({ ...view(), found, attempts: [pending] }, now)).toMatchObject({ kind: "Send" });
  });

  it("are no news of slots that are settled", () => {
    expect(nextLaunchStep({ ...view({}, [1]), found }, now)).toMatchObject({ kind: "Start", slots: [0] });
  });
});

describe("a pending attempt goes before all else, for its machines may exist", () => {
  it.each([
    ["in a group that is deleted", { deleting: true }],
    ["in a group that is deleted while paused", { deleting: true, everythingPaused: true }],
    ["when the maximum was lowered", { room: 0 }],
    ["when the launch config has changed", { currentRevision: false }],
    ["when its nodes are unwanted", { unwanted: new Set([0, 1]) }],
  ])("%s", (_name, fields) => {
    const given = { ...view({ attempts: [failed(1), attempt({ number: 2 })] }), ...fields };
    expect(nextLaunchStep(given, now)).toMatchObject({ kind: "Send", attempt: { number: 2 } });
  });
});

describe("what is pending", () => {
  it("follows from no more than the attempts, the pause and the deletion", () => {
    const little = { attempts: [pending], deleting: false, everythingPaused: false };
    expect(pendingStep(little, now)).toEqual({ kind: "Send", attempt: pending });
    expect(pendingStep({ ...little, everythingPaused: true }, now)).toEqual({ kind: "Held" });
    expect(pendingStep({ ...little, everythingPaused: true, deleting: true }, now)).toMatchObject({ kind: "Send" });
  });

  it.each([
    ["where nothing was tried", []],
    ["where everything was answered", [failed(1), { ...partly, number: 2 }]],
  ])("is nothing %s", (_name, attempts) => {
    expect(pendingStep(view({ attempts }), now)).toBeUndefined();
  });
});

describe("slots are given up", () => {
  it.each([
    ["when the group is deleted", { deleting: true }, { slots: [0, 1], reason: "Deleting" }],
    ["when the group is deleted while paused", { deleting: true, everythingPaused: true }, { reason: "Deleting" }],
    ["when the batch itself is deleted", { batchDeleting: true }, { slots: [0, 1], reason: "BatchDeleted" }],
    ["when their nodes are deleted", { unwanted: new Set([1]) }, { slots: [1], reason: "NodeDeleted" }],
    ["beyond the maximum", { room: 1 }, { slots: [1], reason: "MaximumReached" }],
    ["all of them when the maximum is already passed", { room: -3 }, { slots: [0, 1], reason: "MaximumReached" }],
    [
      "after a refusal of what the launch config no longer says",
      { attempts: [failed(1)], currentRevision: false },
      { slots: [0, 1], reason: "LaunchConfigChanged" },
    ],
  ] as const)("%s", (_name, fields, expected) => {
    expect(nextLaunchStep({ ...view(), ...fields }, now)).toMatchObject({ kind: "Abandon", ...expected });
  });

  it.each([
    ["before the first refusal", { attempts: [], currentRevision: false }],
    ["after a part of the machines came", { attempts: [partly], currentRevision: false }],
  ])("not for a changed launch config %s", (_name, fields) => {
    expect(nextLaunchStep(view(fields), now).kind).toBe("Start");
  });
});

describe("the wait after a refusal", () => {
  const waitSeconds = (attempts: readonly LaunchAttempt[]): number => {
    const step = nextLaunchStep(view({ attempts: [...attempts] }), now);
    return step.kind === "Wait" ? (step.until - now) / 1_000 : 0;
  };

  it("doubles at each refusal in a row, up to five minutes", () => {
    const refusals = Array.from({ length: 8 }, (_, index) => failed(index + 1));
    const waits = refusals.map((_, index) => waitSeconds(refusals.slice(0, index + 1)));
    expect(waits).toEqual([15, 30, 60, 120, 240, 300, 300, 300]);
  });

  it("begins anew after a success", () => {
    expect(waitSeconds([failed(1), failed(2), attempt({ ...partly, number: 3 }), failed(4)])).toBe(15);
  });

  it.each([
    ["Throttled", 5],
    ["Unavailable", 5],
    ["InsufficientCapacity", 15],
    ["NotFound", 30],
    ["InvalidRequest", 30],
    ["Unauthorized", 30],
    ["QuotaExceeded", 60],
  ] as const)("begins after %s with %d s", (error, seconds) => {
    expect(waitSeconds([failed(1, error)])).toBe(seconds);
  });

  it.each(["SomethingNew", "constructor", ""])("is not left out for the unknown word %j", (error) => {
    expect(waitSeconds([failed(1, error)])).toBe(5);
  });
});

describe("what is definite", () => {
  it("is every refusal but those that say nothing of the outcome", () => {
    const kinds: readonly PlatformErrorKind[] = [
      "NotFound",
      "InsufficientCapacity",
      "QuotaExceeded",
      "InvalidRequest",
      "Unauthorized",
      "Throttled",
      "Unavailable",
    ];
    expect(kinds.filter((kind) => !isDefinite(kind))).toEqual(["Throttled", "Unavailable"]);
  });
});

describe("the attempts that are kept", () => {
  it("are the newest, the pending one among them", () => {
    const all = [...Array.from({ length: 20 }, (_, index) => failed(index + 1)), attempt({ number: 21 })];
    const kept = keepNewest(all, 16);
    expect(kept).toHaveLength(16);
    expect(kept.at(-1)).toEqual(all.at(-1));
  });
});

/** One thing that happens to the batch between two steps or in the middle of one. */
type Happening =
  | { readonly kind: "Works"; readonly most: number }
  | { readonly kind: "Refused"; readonly error: PlatformErrorKind }
  /** The call is sent, and the answer is lost or the process dies before it is written down. */
  | { readonly kind: "AnswerLost"; readonly most: number }
  /** A call that was sent before is refused, as a cloud does when it has come out differently: its machines are found. */
  | { readonly kind: "Mismatch" }
  /** The process dies before it does anything. */
  | { readonly kind: "Crash" }
  | { readonly kind: "Pause"; readonly on: boolean }
  | { readonly kind: "Room"; readonly room: number }
  | { readonly kind: "NodeDeleted"; readonly slot: number }
  | { readonly kind: "ConfigChanged" }
  | { readonly kind: "Deleted" }
  | { readonly kind: "BatchDeleted" };

const most = fc.integer({ min: 1, max: 6 });
const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("Works" as const), most }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("Refused" as const),
      error: fc.constantFrom<PlatformErrorKind>("InsufficientCapacity", "QuotaExceeded", "Throttled", "Unavailable"),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("AnswerLost" as const), most }) },
  { weight: 2, arbitrary: fc.constant<Happening>({ kind: "Crash" }) },
  { weight: 2, arbitrary: fc.constant<Happening>({ kind: "Mismatch" }) },
  fc.record({ kind: fc.constant("Pause" as const), on: fc.boolean() }),
  fc.record({ kind: fc.constant("Room" as const), room: fc.integer({ min: -1, max: 6 }) }),
  fc.record({ kind: fc.constant("NodeDeleted" as const), slot: fc.nat({ max: 5 }) }),
  fc.constant<Happening>({ kind: "ConfigChanged" }),
  fc.constant<Happening>({ kind: "Deleted" }),
  fc.constant<Happening>({ kind: "BatchDeleted" }),
);

/** A batch of some slots, carried out against a cloud that keeps its word about tokens. */
class BatchRun {
  readonly slots: readonly number[];
  readonly settled = new Map<number, "Launched" | "Abandoned">();
  readonly unwanted = new Set<number>();
  /** Slots with a machine, by the token that started them. */
  readonly machines = new Map<string, readonly number[]>();
  attempts: readonly LaunchAttempt[] = [];
  started: readonly { readonly number: number; readonly slots: readonly number[]; readonly room: number }[] = [];
  paused = false;
  deleting = false;
  batchDeleting = false;
  currentRevision = true;
  room = 6;
  time: Instant = now;

  /** A batch that was created with its call has the first attempt pending. */
  constructor(slots: readonly number[], committed: boolean) {
    this.slots = slots;
    if (committed) this.attempts = [attempt({ slots: [...slots] })];
  }

  view(): LaunchView {
    const { slots, unwanted, attempts, deleting, batchDeleting, room, currentRevision } = this;
    const limits = { room, currentRevision, everythingPaused: this.paused };
    const settled = new Set(this.settled.keys());
    return { slots, settled, found: this.#found(), unwanted, attempts, deleting, batchDeleting, ...limits };
  }

  /** What the sweep does: the machines of a call that is closed go to the nodes of their slots. */
  #found() {
    const closed = this.attempts.filter(({ outcome }) => outcome !== "Pending");
    const slots = closed.flatMap(({ token }) => this.machines.get(token) ?? []);
    return slots.filter((slot) => !this.settled.has(slot)).map((slot) => ({ slot, providerId: `m-${slot}` }));
  }

  next(): LaunchStep {
    return nextLaunchStep(this.view(), this.time);
  }

  meet(happening: Happening): void {
    switch (happening.kind) {
      case "Pause":
        this.paused = happening.on;
        return;
      case "Room":
        this.room = happening.room;
        return;
      case "NodeDeleted":
        this.unwanted.add(happening.slot);
        return;
      case "ConfigChanged":
        this.currentRevision = false;
        return;
      case "Deleted":
        this.deleting = true;
        return;
      case "BatchDeleted":
        this.batchDeleting = true;
        return;
      case "Mismatch":
        this.#mismatch(this.next());
        return;
      case "Crash":
        return;
      default:
        this.#take(this.next(), happening);
    }
  }

  #take(step: LaunchStep, cloud: Extract<Happening, { kind: "Works" | "Refused" | "AnswerLost" }>): void {
    switch (step.kind) {
      case "Start":
        this.started = [...this.started, { number: step.number, slots: step.slots, room: this.room }];
        this.attempts = keepNewest([...this.attempts, attempt({ number: step.number, slots: [...step.slots] })], 4);
        return;
      case "Abandon":
        for (const slot of step.slots) this.#settle(slot, "Abandoned");
        return;
      case "Found":
        for (const { slot } of step.machines) this.#settle(slot, "Launched");
        return;
      case "Wait":
      case "AwaitAnswer":
        this.time = step.until;
        return;
      case "Send":
        this.#send(step.attempt, cloud);
        return;
      case "Held":
      case "Complete":
    }
  }

  #send(sent: LaunchAttempt, cloud: Extract<Happening, { kind: "Works" | "Refused" | "AnswerLost" }>): void {
    // A token that has machines is answered with them, whatever else the cloud would say.
    const known = this.machines.get(sent.token);
    if (cloud.kind === "Refused" && known === undefined) {
      if (isDefinite(cloud.error)) this.#end({ ...sent, outcome: "Failed", error: cloud.error });
      return;
    }
    const launched = known ?? sent.slots.slice(0, cloud.kind === "Refused" ? 0 : cloud.most);
    this.machines.set(sent.token, launched);
    if (cloud.kind === "AnswerLost") return;
    for (const slot of launched) this.#settle(slot, "Launched");
    this.#end({ ...sent, outcome: "Launched", launched: launched.length });
  }

  #mismatch(step: LaunchStep): void {
    if (step.kind !== "Send" || !this.machines.has(step.attempt.token)) return;
    this.#end({ ...step.attempt, outcome: "Failed", error: "InvalidRequest" });
  }

  #end(ended: LaunchAttempt): void {
    const written = { ...ended, endedAt: toRfc3339(this.time) };
    this.attempts = this.attempts.map((known) => (known.number === ended.number ? written : known));
    this.time = addMs(this.time, 1);
  }

  #settle(slot: number, outcome: "Launched" | "Abandoned"): void {
    expect(this.settled.has(slot)).toBe(false);
    this.settled.set(slot, outcome);
  }
}

const anySlots = fc.uniqueArray(fc.nat({ max: 5 }), { minLength: 1, maxLength: 6 });
const anyRun = fc.tuple(anySlots, fc.array(anyHappening), fc.boolean());

function run([slots, happenings, committed]: readonly [readonly number[], readonly Happening[], boolean]): BatchRun {
  const batch = new BatchRun(slots, committed);
  for (const happening of happenings) batch.meet(happening);
  return batch;
}

/** Lets the cloud work until there is nothing to do; fails where that takes more steps than it may. */
function settle(batch: BatchRun): void {
  batch.meet({ kind: "Pause", on: false });
  for (let step = 0; step < 50 && batch.next().kind !== "Complete"; step += 1) batch.meet({ kind: "Works", most: 1 });
}

describe("a batch under refusals, partial launches, lost answers and crashes", () => {
  it("comes to an end, every slot settled once", () => {
    fc.assert(
      fc.property(anyRun, (given) => {
        const batch = run(given);
        settle(batch);
        expect(batch.next()).toEqual({ kind: "Complete" });
        expect([...batch.settled.keys()].sort()).toEqual([...batch.slots].sort());
      }),
      { numRuns: 200 },
    );
  });

  it("starts no slot's machine twice, and records every machine", () => {
    fc.assert(
      fc.property(anyRun, (given) => {
        const batch = run(given);
        settle(batch);
        const machines = [...batch.machines.values()].flat();
        expect(new Set(machines).size).toBe(machines.length);
        const launched = [...batch.settled].filter(([, outcome]) => outcome === "Launched").map(([slot]) => slot);
        expect(machines.sort()).toEqual(launched.sort());
      }),
      { numRuns: 200 },
    );
  });

  it("numbers its attempts upwards, so that each has a token of its own, and asks for no more than there is room", () => {
    fc.assert(
      fc.property(anyRun, (given) => {
        const batch = run(given);
        settle(batch);
        const first = given[2] ? 2 : 1;
        expect(batch.started.map(({ number }) => number)).toEqual(batch.started.map((_, index) => index + first));
        for (const { slots, room } of batch.started) expect(slots.length).toBeLessThanOrEqual(Math.max(0, room));
      }),
      { numRuns: 200 },
    );
  });

  it("asks for open slots only, and for none that is unwanted", () => {
    fc.assert(
      fc.property(anyRun, (given) => {
        const batch = run(given);
        const step = batch.next();
        if (step.kind !== "Start" && step.kind !== "Abandon") return;
        expect(step.slots.length).toBeGreaterThan(0);
        for (const slot of step.slots) expect(batch.settled.has(slot)).toBe(false);
        if (step.kind === "Start") expect(step.slots.some((slot) => batch.unwanted.has(slot))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it("takes the same step when it is asked twice", () => {
    fc.assert(
      fc.property(anyRun, (given) => {
        const batch = run(given);
        expect(batch.next()).toEqual(batch.next());
      }),
    );
  });
});
