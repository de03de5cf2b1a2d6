import { afterEach, describe, expect, it } from "@jest/globals";
import type { DecidedActivity } from "../../domain/history.ts";
import type { ActivityStore } from "../../domain/ports.ts";
import { addMs, instant } from "../../domain/time.ts";
import { memoryHistory } from "../../prisma/memory-history.ts";
import { signFeedToken, signOperatorToken } from "../../runtime/node-tokens.ts";
import { type Answer, namespace, NodeApiWorld } from "../support/node-api.ts";

let world: NodeApiWorld;
afterEach(() => world.close());

const start = instant(Date.UTC(2026, 0, 1));

function activity(change: Partial<DecidedActivity> = {}): DecidedActivity {
  return {
    ...{ namespace, group: "live", role: "edge", region: "sim-east", kind: "Hold", reason: "MinimumMet" },
    ...{ message: "2 edge nodes", deciderVersion: 2, input: { counts: { inService: 2 }, region: null } },
    ...change,
  };
}

async function open(activities: Pick<ActivityStore, "last">): Promise<void> {
  world = await NodeApiWorld.open({ activities });
}

async function openFilled(): Promise<void> {
  const { activities } = memoryHistory();
  await activities.record(activity(), start);
  await activities.record(activity(), addMs(start, 5_000));
  await activities.record(activity({ kind: "LaunchNodes", reason: "Alarm" }), addMs(start, 60_000));
  await activities.record(activity({ group: "other" }), start);
  await open(activities);
}

function ask(query = "", token = signOperatorToken(world.keys.current)): Promise<Answer> {
  const path = `/v1/nodegroups/${namespace}/live/activities${query}`;
  return world.get(path, { Authorization: `Bearer ${token}` });
}

describe("the activities of a group", () => {
  it("are told as they were recorded, the newest first", async () => {
    await openFilled();
    const { status, body } = await ask();
    expect(status).toBe(200);
    expect(body).toEqual({
      activities: [
        {
          ...activity({ kind: "LaunchNodes", reason: "Alarm" }),
          ...{ firstAt: "2026-01-01T00:01:00.000Z", lastAt: "2026-01-01T00:01:00.000Z", count: 1 },
        },
        { ...activity(), firstAt: "2026-01-01T00:00:00.000Z", lastAt: "2026-01-01T00:00:05.000Z", count: 2 },
      ],
    });
  });

  it.each([
    ["?limit=1", ["LaunchNodes"]],
    ["?until=2026-01-01T00:00:59Z", ["Hold"]],
    ["?until=2026-01-01T01:01:00%2B01:00", ["LaunchNodes", "Hold"]],
    ["?until=2025-12-31T00:00:00Z", []],
  ])("are those that %s asks for", async (query, kinds) => {
    await openFilled();
    const { body } = await ask(query);
    expect((body["activities"] as { kind: string }[]).map(({ kind }) => kind)).toEqual(kinds);
  });

  it.each([
    ["limit", "?limit=0"],
    ["limit", "?limit=1001"],
    ["limit", "?limit=many"],
    ["limit", "?limit="],
    ["until", "?until=yesterday"],
    ["until", "?until=2026-02-30T00:00:00Z"],
  ])("are not told where %s does not fit: 400", async (field, query) => {
    await openFilled();
    expect(await ask(query)).toMatchObject({ status: 400, body: { code: "InvalidParameters", errors: [{ field }] } });
  });

  it.each([
    ["nobody", () => ""],
    ["a reader of the feed", () => signFeedToken(world.keys.current)],
    ["a node", () => world.nodeToken("i-1")],
  ])("are not told to %s: 401", async (_name, token) => {
    await openFilled();
    expect((await ask("", token())).status).toBe(401);
  });

  it("cannot be told while the database is down: 503", async () => {
    await open({ last: () => Promise.reject(new Error("connection refused")) });
    const answer = await ask();
    expect(answer).toMatchObject({ status: 503, body: { code: "HistoryUnavailable" } });
    expect(answer.headers.get("Retry-After")).toBe("5");
    expect(JSON.stringify(answer.body)).not.toContain("refused");
  });

  it("cannot be told when the database does not answer in time: 503", async () => {
    let asked = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    await open({
      last: () => {
        asked();
        return new Promise(() => undefined);
      },
    });
    const answer = ask();
    await waiting;
    await world.clock.advance(10_000);
    expect((await answer).body["code"]).toBe("HistoryUnavailable");
  });
});
