import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { History } from "../../domain/ports.ts";
import { addMs, instant } from "../../domain/time.ts";
import { activityClient } from "../../cli/decisions.ts";
import { operatorClient } from "../../cli/operator-client.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { signFeedToken, signOperatorToken } from "../../runtime/node-tokens.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type Answer, namespace, NodeApiWorld } from "../support/node-api.ts";

const start = instant(Date.UTC(2026, 0, 1));
const place = { namespace, group: "live", role: "edge", region: "sim-east" } as const;

let world: NodeApiWorld;
let history: History;

beforeEach(async () => {
  history = memoryHistory();
  const life = {
    ...place,
    uid: "u1",
    name: "live-edge-0",
    platform: "simulated",
    openedAt: start,
    providerId: "sim-1",
  };
  await history.nodeLives.record([{ life, phase: "Pending", at: start, reason: "Launched" }]);
  await history.streams.see([{ ...place, scope: "live", name: "match", nodeUid: "u1", subscribers: 3, at: start }]);
  await history.alarms.record([{ ...place, alarm: "out", from: "OK", to: "ALARM", reason: "71 > 60", at: start }]);
  const sums = { connectionsSum: 6, connectionsMax: 4, publishersSum: 0, subscribersSum: 6 };
  await history.load.add([{ ...place, minute: start, samples: 2, ...sums }]);
  await history.nodeLives.close([{ uid: "u1", at: addMs(start, 60_000), reason: "Terminated" }]);
  world = await NodeApiWorld.open({ history, clock: new FakeClock(addMs(start, 120_000)) });
});
afterEach(() => world.close());

function ask(kind: string, query = "", token = signOperatorToken(world.keys.current)): Promise<Answer> {
  const path = `/v1/nodegroups/${namespace}/live/history/${kind}${query}`;
  return world.get(path, { Authorization: `Bearer ${token}` });
}

const opened = "2026-01-01T00:00:00.000Z";
const closed = "2026-01-01T00:01:00.000Z";

describe("the history of a group", () => {
  it.each([
    [
      "nodes",
      {
        ...{ uid: "u1", name: "live-edge-0", role: "edge", region: "sim-east", platform: "simulated" },
        ...{ providerId: "sim-1", openedAt: opened, closedAt: closed, closeReason: "Terminated" },
      },
    ],
    [
      "streams",
      {
        ...{ scope: "live", name: "match", nodeUid: "u1", peakSubscribers: 3 },
        ...{ startedAt: opened, lastSeenAt: opened, endedAt: closed },
      },
    ],
    [
      "alarms",
      { at: opened, alarm: "out", role: "edge", region: "sim-east", from: "OK", to: "ALARM", reason: "71 > 60" },
    ],
    [
      "load",
      {
        ...{ minute: opened, role: "edge", region: "sim-east", samples: 2 },
        ...{ connectionsSum: 6, connectionsMax: 4, publishersSum: 0, subscribersSum: 6 },
      },
    ],
  ])("tells its %s", async (kind, row) => {
    const { status, body } = await ask(kind);
    expect([status, body]).toEqual([200, { rows: [row] }]);
    expect((await ask(kind, "?to=2025-12-31T00:00:00Z")).body).toEqual({ rows: [] });
    expect((await ask(kind, "?from=2026-01-01T00:01:01Z")).body).toEqual({ rows: [] });
  });

  it("is for operators", async () => {
    expect((await ask("nodes", "", "nonsense")).status).toBe(401);
    expect((await ask("nodes", "", signFeedToken(world.keys.current))).status).toBe(401);
  });

  it("asks for times and numbers that can be", async () => {
    expect((await ask("nodes", "?from=yesterday")).status).toBe(400);
    expect((await ask("nodes", "?limit=1001")).status).toBe(400);
    expect((await ask("people")).status).toBe(404);
  });
});

describe("decisions that are not recorded", () => {
  it("are told with those that are", async () => {
    await world.close();
    const outage = { since: start, reason: "nothing answers at db:5432" };
    world = await NodeApiWorld.open({ unwritten: () => outage });
    const options = { apiUrl: world.url, token: signOperatorToken(world.keys.current), clock: new FakeClock() };
    const client = activityClient(operatorClient({ ...options, fetch: globalThis.fetch }));
    await client.last({ namespace, group: "live", limit: 1 });
    expect(client.unwritten()).toEqual(outage);
  });
});
