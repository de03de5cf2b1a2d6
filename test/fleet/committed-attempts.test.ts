/** The first call of a batch follows from the batch alone. */
import { describe, expect, it } from "@jest/globals";
import { attemptsOf, attemptToken } from "../../fleet/committed-attempts.ts";
import { launchRequest } from "../../controllers/launch/request.ts";
import { type AdoptionSources, adoptionFacts } from "../../controllers/sweep/observe.ts";
import { type LaunchBatch, launchBatchSchema } from "../../crds/launch-batch.ts";
import { instant } from "../../domain/time.ts";
import { nodeGroup } from "../support/resources.ts";

const call = { keyId: "k1", clusterId: "test", apiUrl: "http://api.test" };

function batch(spec: object, status: object = {}, uid = "u1"): LaunchBatch {
  const launch = {
    launchConfig: "live",
    revision: "r1",
    platform: "simulated",
    image: "media-1",
    instanceType: "small",
  };
  const created = { resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return launchBatchSchema.parse({
    metadata: { name: "live-edge-b1", namespace: "default", uid, ...created },
    spec: {
      ...{ group: "live", role: "edge", region: "region-a", number: 1, slots: [4, 7], reason: "Alarm", message: "" },
      launch: { ...launch, connectionCapacity: 100, registrationTimeoutSeconds: 150 },
      ...spec,
    },
    status,
  });
}

describe("the attempts of a batch", () => {
  it("begin with the call that its creation committed", () => {
    expect(attemptsOf(batch({ call }))).toEqual([
      {
        ...call,
        number: 1,
        token: attemptToken(batch({}), 1),
        slots: [4, 7],
        startedAt: "2026-01-01T00:00:00Z",
        outcome: "Pending",
      },
    ]);
  });

  it("are those of the status, once there are any", () => {
    const [first] = attemptsOf(batch({ call }));
    const ended = [{ ...first!, outcome: "Failed" }];
    expect(attemptsOf(batch({ call }, { attempts: ended }))).toEqual(ended);
    expect(attemptsOf(batch({ call }, { attempts: [] }))).toEqual([first]);
  });

  it("are none, where its creation committed none", () => {
    expect(attemptsOf(batch({}))).toEqual([]);
  });

  it("have tokens of their own", () => {
    const [one, other] = [batch({}), batch({}, {}, "u2")];
    const tokens = [attemptToken(one, 1), attemptToken(one, 2), attemptToken(other, 1)];
    expect(new Set(tokens).size).toBe(3);
  });

  const decided = { groupUid: "g1", decidedAt: "2026-01-01T00:00:00.250Z" };

  it("repeat the first call of a batch that is restored, and no later one", () => {
    const [one, restored] = [batch(decided), batch(decided, {}, "u2")];
    expect(attemptToken(restored, 1)).toBe(attemptToken(one, 1));
    expect(attemptToken(restored, 2)).not.toBe(attemptToken(one, 2));
  });

  it("are another's, where the same number was decided at another time or for another group", () => {
    const others = [{ groupUid: "g2" }, { decidedAt: "2026-01-01T00:00:00.251Z" }, {}];
    const tokens = others.map((change) => attemptToken(batch({ ...decided, ...change }), 1));
    expect(new Set(tokens).size).toBe(3);
  });
});

describe("the call of an attempt", () => {
  const key = { id: "k1", secret: new Uint8Array(32) };
  const requestOf = (one: LaunchBatch) => launchRequest(one, attemptsOf(one)[0]!, key);

  it("is the same each time, and says which zones have how many nodes", () => {
    const zones = [
      { zone: "a", nodes: 2 },
      { zone: "b", nodes: 0 },
    ];
    expect(requestOf(batch({ call, zones }))).toEqual(requestOf(batch({ call, zones })));
    expect(requestOf(batch({ call, zones }))).toMatchObject({ count: 2, nodesByZone: { a: 2, b: 0 } });
  });

  it("says nothing of zones where the batch does not", () => {
    expect(requestOf(batch({ call }))).not.toHaveProperty("nodesByZone");
  });
});

describe("a machine of a call that only the batch's creation has committed", () => {
  const decided = { call, groupUid: "uid-live", decidedAt: "2026-01-01T00:00:00Z" };
  const isBeingLaunched = (one: LaunchBatch): boolean => {
    const group = nodeGroup();
    const cache = { list: () => [group], get: () => group };
    const cluster = { nodeGroups: { cache } } as unknown as AdoptionSources["cluster"];
    const world = adoptionFacts(
      { cluster, objectsOf: () => ({ nodes: [], batches: [one] }), holdersOf: () => [] },
      instant(0),
    );
    return world.isBeingLaunched(attemptToken(one, 1));
  };

  it("is left to the launch, until the call has an answer", () => {
    expect(isBeingLaunched(batch(decided))).toBe(true);
    const [first] = attemptsOf(batch(decided));
    expect(isBeingLaunched(batch(decided, { attempts: [{ ...first!, outcome: "Launched" }] }))).toBe(false);
  });

  it("is left to nobody, where the batch is a copy or is of an earlier group", () => {
    expect(isBeingLaunched(batch({ ...decided, groupUid: "uid-before" }))).toBe(false);
    expect(isBeingLaunched(batch({ ...decided, decidedAt: "2025-12-31T23:50:00Z" }))).toBe(false);
    expect(isBeingLaunched(batch({ ...decided, decidedAt: "2025-12-31T23:50:00Z" }, { claimedUid: "u1" }))).toBe(true);
    expect(isBeingLaunched(batch({ ...decided, decidedAt: "2025-12-31T23:50:00Z" }, { claimedUid: "u0" }))).toBe(false);
  });
});
