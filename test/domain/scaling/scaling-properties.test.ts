import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decideScaling, type ScalingInput } from "../../../domain/scaling/decide-scaling.ts";
import {
  anyBusyInput,
  anyQuietInput,
  anyScalingInput,
  at,
  type KnownLoad,
  scaleOutAlarm,
} from "../../support/domain-values.ts";
import { playHour } from "../../support/scaling-hour.ts";

const free = { deleting: false, pause: "None", resolved: true, adopted: true } as const;
const runs = { numRuns: 500 };
const presentOf = ({ counts }: ScalingInput) => counts.inService + counts.starting;

function launchesOf(input: ScalingInput): number {
  const decision = decideScaling(input);
  return decision.kind === "LaunchNodes" ? decision.count : 0;
}

/** Inputs that are answered in this way: a property that nothing meets says nothing. */
function answered(kind: "LaunchNodes" | "DrainNode") {
  return anyScalingInput.filter((input) => decideScaling(input).kind === kind);
}

/** Inputs by which a node goes for want of load, with that load. */
const scaledIn = anyQuietInput
  .filter((input) => decideScaling(input).kind === "DrainNode")
  .map((input) => {
    if (input.load.kind !== "Known") throw new Error("a node went by a load that is not known");
    return { input, load: input.load };
  });

describe("decideScaling, for any input", () => {
  it("never launches above the maximum, draining nodes counted", () => {
    fc.assert(
      fc.property(answered("LaunchNodes"), (input) => {
        const launches = launchesOf(input);
        expect(launches).toBeGreaterThan(0);
        expect(presentOf(input) + input.counts.draining + launches).toBeLessThanOrEqual(input.maxLimit);
      }),
    );
  });

  it("never drains below the minimum, and one node at a time", () => {
    fc.assert(
      fc.property(answered("DrainNode"), (input) => {
        const { counts, minLimit } = input;
        expect(presentOf(input) - 1).toBeGreaterThanOrEqual(minLimit);
        expect(counts.draining + counts.terminating).toBe(0);
        if (decideScaling(input).reason !== "AboveMaximum")
          expect(counts.inService - 1).toBeGreaterThanOrEqual(minLimit);
      }),
    );
  });

  it("launches what the minimum misses as far as the maximum has room, whatever else is the case", () => {
    fc.assert(
      fc.property(
        anyScalingInput.filter((input) => presentOf(input) < input.minLimit),
        (input) => {
          const room = Math.max(0, input.maxLimit - presentOf(input) - input.counts.draining);
          const missing = input.minLimit - presentOf(input);
          expect(launchesOf({ ...input, ...free })).toBe(Math.min(missing, room));
        },
      ),
    );
  });

  it("drains what is above the maximum, whatever is known of the load", () => {
    fc.assert(
      fc.property(
        anyScalingInput.filter((input) => presentOf(input) > input.maxLimit),
        (input) => {
          const busy = input.counts.draining + input.counts.terminating > 0;
          const expected = busy ? { kind: "Hold" } : { kind: "DrainNode" };
          expect(decideScaling({ ...input, ...free })).toMatchObject({ ...expected, reason: "AboveMaximum" });
        },
      ),
    );
  });

  it.each([
    ["is being deleted", { deleting: true }],
    ["is paused", { pause: "Everything" }],
    ["has no valid references", { resolved: false }],
    ["has machines that were not read", { adopted: false }],
  ] as const)("does nothing for a group that %s", (_name, obstacle) => {
    fc.assert(
      fc.property(anyScalingInput, (input) => expect(decideScaling({ ...input, ...obstacle }).kind).toBe("Hold")),
    );
  });

  it("says of a paused group what it would do, to the node", () => {
    fc.assert(
      fc.property(anyScalingInput, (input) => {
        const decision = decideScaling({ ...input, ...free });
        const paused = decideScaling({ ...input, ...free, pause: "Everything" });
        const said = / would (launch \d+|drain 1)$/.exec(paused.message)?.[1];
        const done = {
          LaunchNodes: `launch ${launchesOf({ ...input, ...free })}`,
          DrainNode: "drain 1",
          Hold: undefined,
        };
        expect(said).toBe(done[decision.kind]);
      }),
      runs,
    );
  });

  it("gives the same answer to the same input, also after it was recorded", () => {
    fc.assert(
      fc.property(anyScalingInput, (input) => {
        const recorded = JSON.parse(JSON.stringify(input)) as ScalingInput;
        expect(decideScaling(recorded)).toEqual(decideScaling(input));
      }),
      runs,
    );
  });

  it("changes nothing that it was given", () => {
    fc.assert(
      fc.property(anyScalingInput, (input) => {
        const before = JSON.stringify(input);
        decideScaling(input);
        expect(JSON.stringify(input)).toBe(before);
      }),
    );
  });

  it("wants a number between the limits, and none of a group that goes", () => {
    fc.assert(
      fc.property(anyScalingInput, (input) => {
        const { desired } = decideScaling(input);
        if (input.deleting) expect(desired).toBe(0);
        else expect(desired >= input.minLimit && desired <= input.maxLimit).toBe(true);
      }),
      runs,
    );
  });

  it("launches no fewer for a higher minimum, and wants no fewer, where nothing else is asked for", () => {
    fc.assert(
      fc.property(anyScalingInput, fc.nat({ max: 12 }), (any, more) => {
        const input = { ...any, alarms: [], requests: [] };
        const higher = { ...input, minLimit: Math.min(input.minLimit + more, input.maxLimit) };
        expect(decideScaling(higher).desired).toBeGreaterThanOrEqual(decideScaling(input).desired);
        expect(launchesOf(higher)).toBeGreaterThanOrEqual(launchesOf(input));
      }),
      runs,
    );
  });

  it("has no more to launch for the minimum or for connections once it was carried out", () => {
    const byConnections = anyScalingInput.map((input) => ({
      ...input,
      ...free,
      behavior: { mode: "Competitive", ...withoutStep(input) } as const,
      alarms: [scaleOutAlarm()],
    }));
    fc.assert(
      fc.property(byConnections, (input) => {
        const launches = launchesOf(input);
        const after = {
          ...input,
          counts: { ...input.counts, starting: input.counts.starting + launches },
          capacity: { ...input.capacity, coming: input.capacity.coming + launches * input.capacity.newNode },
        };
        // The minimum is launched first, and what the alarm asks for next.
        if (decideScaling(input).reason !== "BelowMinimum") expect(launchesOf(after)).toBe(0);
        else expect(decideScaling(after).reason).not.toBe("BelowMinimum");
      }),
      runs,
    );
  });

  it("is a sentence that a status takes", () => {
    fc.assert(
      fc.property(anyScalingInput, (input) => {
        const { message } = decideScaling(input);
        expect(message).toMatch(/^\S.*\S$/);
        expect(message).not.toMatch(/undefined|NaN|Infinity|\d\.\d{2}/);
        expect(message.length).toBeLessThanOrEqual(1_000);
      }),
      runs,
    );
  });
});

function withoutStep({ behavior }: ScalingInput) {
  const { coolDownMs, stabilizationMs, edgeSources } = behavior;
  return { coolDownMs, stabilizationMs, edgeSources, scaleOutWaitMs: 0, scaleInWaitMs: 0 };
}

/** The same with more load: more connections now or at the peak, more CPU, more alarms for it and fewer against it. */
const moreLoad = fc.record({
  connections: fc.nat({ max: 400 }),
  peak: fc.nat({ max: 400 }),
  percent: fc.nat({ max: 40 }),
  flips: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
});

function withMore(
  input: ScalingInput,
  load: KnownLoad,
  more: typeof moreLoad extends fc.Arbitrary<infer M> ? M : never,
) {
  const connections = load.connections + more.connections;
  const cpu = load.cpuPercent === undefined ? {} : { cpuPercent: load.cpuPercent + more.percent };
  const memory = load.memoryPercent === undefined ? {} : { memoryPercent: load.memoryPercent + more.percent };
  const peak = { ...load.peak, connections: load.peak.connections + more.connections + more.peak };
  const freeSlots = Math.max(0, load.capacity - connections);
  const alarms = input.alarms.map((alarm, position) =>
    more.flips[position] === true ? { ...alarm, inAlarm: alarm.action === "ScaleOut" } : alarm,
  );
  return { ...input, alarms, load: { ...load, connections, freeSlots, ...cpu, ...memory, peak } };
}

describe("more load", () => {
  it("never gives fewer nodes", () => {
    fc.assert(
      fc.property(anyScalingInput, moreLoad, (input, more) => {
        const { load } = input;
        if (load.kind !== "Known") return;
        const calm = decideScaling(input);
        const stressed = decideScaling(withMore(input, load, more));
        expect(stressed.desired).toBeGreaterThanOrEqual(calm.desired);
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps the node that would go, where it is too much for the rest", () => {
    fc.assert(
      fc.property(scaledIn, ({ input, load }) => {
        const crowd = { connections: 10_000, peak: 0, percent: 0, flips: [] };
        expect(decideScaling(withMore(input, load, crowd)).reason).toBe("LoadTooHigh");
      }),
    );
  });

  it("keeps it as well where it was too much for the rest within the window", () => {
    fc.assert(
      fc.property(scaledIn, ({ input, load }) => {
        const crowd = { connections: 0, peak: 10_000, percent: 0, flips: [] };
        expect(decideScaling(withMore(input, load, crowd)).reason).toBe("Stabilizing");
      }),
    );
  });
});

describe("what is not known", () => {
  const blind: fc.Arbitrary<Partial<ScalingInput>> = fc.constantFrom(
    { load: { kind: "Unknown", nodes: 3 } },
    { load: { kind: "Stale", nodes: 3, staleNodes: 2, capacity: 300, staleCapacity: 200 } },
  );

  it("lets no node go, by alarm or request", () => {
    fc.assert(
      fc.property(answered("DrainNode"), blind, (input, without) => {
        const decision = decideScaling({ ...input, ...without });
        if (decision.kind === "DrainNode") expect(decision.reason).toBe("AboveMaximum");
      }),
    );
  });

  it("as long as one node is silent", () => {
    fc.assert(
      fc.property(scaledIn, ({ input, load }) => {
        expect(decideScaling({ ...input, load: { ...load, staleNodes: 1 } }).reason).toBe("NoData");
      }),
    );
  });

  it("or was silent within the window", () => {
    fc.assert(
      fc.property(scaledIn, ({ input, load }) => {
        const behavior = { ...input.behavior, stabilizationMs: 1_000 };
        expect(decideScaling({ ...input, behavior, load: { ...load, observedSince: input.now } }).reason).toBe(
          "Stabilizing",
        );
      }),
    );
  });
});

describe("Rigid", () => {
  const rigid = fc.oneof(anyBusyInput, anyScalingInput).map((input) => ({
    ...input,
    behavior: { ...input.behavior, mode: "Rigid" as const, coolDownMs: 180_000 },
  }));

  it("never launches by an alarm within a cool-down or beside another operation", () => {
    let launched = 0;
    fc.assert(
      fc.property(rigid, (input) => {
        const decision = decideScaling(input);
        if (decision.kind !== "LaunchNodes" || decision.reason !== "Alarm") return;
        launched += 1;
        const { counts, scaledOutAt, settledAt = at(-600_000), behavior } = input;
        expect(counts.starting + counts.draining + counts.terminating).toBe(0);
        expect(decision.count).toBeLessThanOrEqual(behavior.scaleAdjustment ?? 1);
        if (scaledOutAt !== undefined)
          expect(input.now - Math.max(scaledOutAt, settledAt)).toBeGreaterThanOrEqual(behavior.coolDownMs);
      }),
      { numRuns: 2_000 },
    );
    expect(launched).toBeGreaterThan(40);
  });

  it("adds one per cool-down where Competitive has at once what is needed", () => {
    const hour = { loadAt: () => 840, nodes: 10, bootMs: 60_000, scaleInBelow: 30 };
    expect(playHour(hour).launches).toEqual([{ ms: 0, count: 4 }]);
    const { launches, nodes } = playHour({ ...hour, behavior: { mode: "Rigid" } });
    expect(launches).toEqual([0, 240_000, 480_000, 720_000].map((ms) => ({ ms, count: 1 })));
    expect(nodes).toBe(14);
  });
});

/** Nodes that so many connections need at 60 %. */
function nodesFor(connections: number): number {
  return Math.max(1, Math.ceil(connections / 60));
}

const wave = fc.record({
  base: fc.integer({ min: 60, max: 1_200 }),
  swing: fc.integer({ min: 0, max: 60 }),
  scaleInBelow: fc.integer({ min: 30, max: 60 }),
  bootMs: fc.constantFrom(0, 30_000, 150_000),
  mode: fc.constantFrom("Competitive", "Rigid"),
});

function square(base: number, swing: number, periodMs: number): (ms: number) => number {
  return (ms) => (ms % periodMs < periodMs / 2 ? base - swing : base + swing);
}

describe("an alarm that flaps at its threshold", () => {
  it("adds what its peak needs, once, and removes nothing", () => {
    fc.assert(
      fc.property(wave, fc.integer({ min: 10_000, max: 280_000 }), (given, periodMs) => {
        const { base, swing, scaleInBelow, bootMs, mode } = given;
        const nodes = nodesFor(base);
        const loadAt = square(base, swing, periodMs);
        const { launches, drains } = playHour({ loadAt, nodes, bootMs, scaleInBelow, behavior: { mode } });
        const launched = launches.reduce((sum, { count }) => sum + count, 0);
        expect(launched).toBeLessThanOrEqual(nodesFor(base + swing) - nodes);
        expect(drains).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it("moves no more nodes than a slow wave does, wave by wave", () => {
    fc.assert(
      fc.property(wave, fc.integer({ min: 300_000, max: 1_800_000 }), (given, periodMs) => {
        const { base, swing, scaleInBelow, bootMs, mode } = given;
        const nodes = nodesFor(base);
        const loadAt = square(base, swing, periodMs);
        const { launches, drains } = playHour({ loadAt, nodes, bootMs, scaleInBelow, behavior: { mode } });
        const waves = Math.ceil(3_600_000 / periodMs);
        const most = waves * (nodesFor(base + swing) - nodesFor(base - swing));
        expect(launches.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(most);
        expect(drains.length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 40 },
    );
  });

  it("lets the fleet follow a load that leaves", () => {
    const loadAt = (ms: number) => (ms < 600_000 ? 600 : 100);
    const { drains, nodes } = playHour({ loadAt, nodes: 10, bootMs: 0, scaleInBelow: 30 });
    expect(nodes).toBe(3);
    // The window of five minutes, and all that lies between two looks.
    expect(drains[0]).toBeGreaterThanOrEqual(895_000);
  });
});
