/** What is expected and never seen holds up nothing for ever: every expectation in memory ends by itself, or by asking the cluster. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { BatchHandoff, longestCreationMs } from "../../../fleet/batch-handoff.ts";
import { NodeCounter } from "../../../domain/group/node-counts.ts";
import { awaitedMs, BatchExpectations } from "../../../controllers/node-group/expectations.ts";
import { expectedSlots } from "../../../domain/launch/expected-slots.ts";
import type { LaunchBatch } from "../../../crds/launch-batch.ts";
import { at } from "../../support/domain-values.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const group = "default/live";

type Members = NonNullable<NonNullable<LaunchBatch["status"]>["members"]>;

/** Two slots, of which `members` are decided. */
function batchOf(number: number, members: Members = [], settled = false): LaunchBatch {
  const conditions = settled ? [{ type: "Complete", status: "True" }] : [];
  return {
    metadata: { namespace: "default", name: `live-edge-b${number}`, uid: `uid-${number}`, creationTimestamp: "" },
    spec: {
      ...{ group: "live", role: "edge", region: "region-a", number, slots: [2 * number, 2 * number + 1] },
      launch: { connectionCapacity: 100 },
    },
    status: { members, conditions },
  } as unknown as LaunchBatch;
}

const anyNumber = fc.integer({ min: 1, max: 4 });

describe("batches that were created and not seen", () => {
  const anyEvent = fc.oneof(
    fc.record({ kind: fc.constant("Created" as const), number: anyNumber }),
    fc.record({ kind: fc.constant("Seen" as const), number: anyNumber }),
    fc.record({ kind: fc.constant("Gone" as const), number: anyNumber }),
    fc.record({ kind: fc.constant("Look" as const) }),
    fc.record({ kind: fc.constant("Account" as const) }),
    fc.record({ kind: fc.constant("Wait" as const), ms: fc.integer({ min: 1, max: awaitedMs }) }),
  );

  it("count until they are seen, and no longer than half a minute; then the copy is said to be late, once", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 30 }), (events) => {
        const expectations = new BatchExpectations();
        const cached = new Map<number, LaunchBatch>();
        const createdAt = new Map<number, number>();
        let nowMs = 0;
        const look = () => expectations.complete(group, [...cached.values()], nowMs);
        for (const event of events) {
          if (event.kind === "Created" && !cached.has(event.number)) {
            expectations.created(batchOf(event.number), nowMs);
            createdAt.set(event.number, nowMs);
          } else if (event.kind === "Seen") cached.set(event.number, batchOf(event.number));
          else if (event.kind === "Gone") cached.delete(event.number);
          else if (event.kind === "Account") expectations.observed(group, [...cached.values()]);
          else if (event.kind === "Wait") nowMs += event.ms;
          for (const { spec } of look().batches) {
            const isYoung = nowMs - (createdAt.get(spec.number) ?? -Infinity) < awaitedMs;
            expect(cached.has(spec.number) || isYoung).toBe(true);
          }
        }
        nowMs += awaitedMs;
        look();
        expect(look()).toEqual({ batches: [...cached.values()], gaveUp: false });
      }),
    );
  });

  it("make the copy late when they are given up, and not when they are seen", () => {
    const expectations = new BatchExpectations();
    expectations.created(batchOf(1), 0);
    expect(expectations.complete(group, [], awaitedMs - 1)).toMatchObject({ gaveUp: false, batches: [{}] });
    expect(expectations.complete(group, [], awaitedMs)).toEqual({ gaveUp: true, batches: [] });
    expectations.created(batchOf(2), 0);
    expect(expectations.complete(group, [batchOf(2)], awaitedMs)).toMatchObject({ gaveUp: false });
  });
});

describe("nodes that were made and not seen", () => {
  const anyOutcome = fc.constantFrom("Launched" as const, "Abandoned" as const, undefined);
  const anyBatches = fc.array(fc.tuple(anyOutcome, anyOutcome, fc.boolean()), { minLength: 1, maxLength: 4 });

  it("are not waited for once the cluster itself has been asked for them, whether their batch is settled or not", () => {
    fc.assert(
      fc.property(anyBatches, (all) => {
        const batches = all.map(([first, second, isSettled], index) => {
          const outcomes = [first, second].flatMap((outcome, place) =>
            outcome === undefined ? [] : [{ slot: 2 * (index + 1) + place, outcome }],
          );
          return batchOf(index + 1, outcomes, isSettled && outcomes.length === 2);
        });
        const expectations = new BatchExpectations();
        const expected = () =>
          expectedSlots(batches, { nodeCounts: NodeCounter.of([], () => at(0)), expectations, createdAt: () => at(0) });
        const launched = all.flatMap(([one, two]) => [one, two]).filter((outcome) => outcome === "Launched");
        expect(expected().filter((slot) => slot.launched)).toHaveLength(launched.length);
        expectations.observed(group, batches);
        expect(expected().filter((slot) => slot.launched)).toEqual([]);
        // What is still to be launched is coming as before.
        const open = all.flatMap(([one, two]) => [one, two]).filter((outcome) => outcome === undefined);
        expect(expected()).toHaveLength(open.length);
      }),
    );
  });
});

describe("batches that are being created", () => {
  const anyFate = fc.constantFrom("Created", "AlreadyExists", "Failed", "Never");
  const anyCreation = fc.record({
    number: anyNumber,
    fate: anyFate,
    ms: fc.integer({ min: 0, max: longestCreationMs }),
  });

  it("are waited for until they are answered, and no longer than a minute", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCreation, { maxLength: 8 }), async (creations) => {
        const clock = new FakeClock();
        const fresh = new BatchHandoff(clock);
        for (const { number, fate, ms } of creations) {
          const { metadata } = batchOf(number);
          const answer = Promise.withResolvers<{ kind: "AlreadyExists" } | { kind: "Created"; object: LaunchBatch }>();
          const creating = fresh.creating(metadata, () => answer.promise).catch(() => undefined);
          await clock.advance(ms);
          if (fate === "Created") answer.resolve({ kind: "Created", object: batchOf(number) });
          else if (fate === "AlreadyExists") answer.resolve({ kind: "AlreadyExists" });
          else if (fate === "Failed") answer.reject(new Error("connection reset"));
          if (fate !== "Never") {
            await creating;
            expect(fresh.isUnderWay(metadata)).toBe(false);
          }
        }
        await clock.advance(longestCreationMs);
        for (const number of [1, 2, 3, 4]) {
          expect(fresh.isUnderWay(batchOf(number).metadata)).toBe(false);
          expect(fresh.take(batchOf(number).metadata)).toBeUndefined();
        }
      }),
      { numRuns: 50 },
    );
  });
});
