import { describe, expect, it } from "@jest/globals";
import type { ScalingActivity } from "../../domain/history.ts";
import { deciderVersion } from "../../domain/scaling/decide-scaling.ts";
import { parseTime } from "../../cli/arguments.ts";
import { activityClient, explain } from "../../cli/decisions.ts";
import { CommandError } from "../../cli/operator-access.ts";
import { ApiUnreachableError, operatorClient } from "../../cli/operator-client.ts";
import { at } from "../support/domain-values.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { nodeGroup } from "../support/resources.ts";

function activity(second: number, fields: Partial<ScalingActivity> = {}): ScalingActivity {
  return {
    ...{ namespace: "default", group: "live", role: "edge", region: "eu-west-1", kind: "Hold", reason: "MinimumMet" },
    ...{ message: `at ${second}`, deciderVersion: deciderVersion - 1, input: {}, count: 1 },
    ...{ firstAt: at(second * 1_000), lastAt: at(second * 1_000) },
    ...fields,
  };
}

/** A store of these, and what it was asked. */
function stored(rows: readonly ScalingActivity[]) {
  const asked: unknown[] = [];
  const last = (filter: { readonly limit: number; readonly until?: number }): Promise<readonly ScalingActivity[]> => {
    asked.push(filter);
    const begun = rows.filter(({ firstAt }) => firstAt <= (filter.until ?? Infinity));
    return Promise.resolve(begun.toSorted((a, b) => b.firstAt - a.firstAt).slice(0, filter.limit));
  };
  return { last, asked };
}

const messages = async (...args: Parameters<typeof explain>): Promise<readonly string[]> => {
  const records = JSON.parse((await explain({ ...args[0], json: true }, args[1])).text) as { message: string }[];
  return records.map(({ message }) => message);
};

const group = nodeGroup();
const of = { namespace: "default", name: group.metadata.name, group };

describe("explain", () => {
  it("shows the newest decisions, the newest last", async () => {
    const store = stored(Array.from({ length: 30 }, (_, index) => activity(index)));
    expect(await messages({ ...of, last: 3 }, store)).toEqual(["at 27", "at 28", "at 29"]);
    expect(await messages({ ...of }, store)).toHaveLength(10);
    expect(store.asked[0]).toEqual({ namespace: "default", group: group.metadata.name, limit: 3 });
  });

  it("shows what led to a time, when a number is given with it", async () => {
    const store = stored(Array.from({ length: 30 }, (_, index) => activity(index)));
    expect(await messages({ ...of, last: 2, at: at(5_500) }, store)).toEqual(["at 4", "at 5"]);
  });

  it("shows what held at a time: for each role and region the newest that had begun", async () => {
    const store = stored([
      activity(1, { role: "origin", message: "origin" }),
      activity(2, { region: "us-east-1", message: "elsewhere" }),
      activity(3),
      activity(4),
      activity(9),
    ]);
    expect(await messages({ ...of, at: at(5_000) }, store)).toEqual(["at 4", "elsewhere", "origin"]);
  });

  it("reads on until every role and region has its decision", async () => {
    const often = Array.from({ length: 2_500 }, (_, index) => activity(10 + index));
    const store = stored([activity(1, { role: "origin", message: "origin" }), ...often]);
    expect(await messages({ ...of, at: at(9_999_000) }, store)).toEqual(["at 2509", "origin"]);
  });

  it("has an exit code for a decision that does not replay", async () => {
    const old = await explain({ ...of }, stored([activity(1)]));
    expect(old.text).toContain("1 decision, 0 replay identically, 1 of another decider");
    expect(old.exitCode).toBe(0);
    expect((await explain({ ...of }, stored([activity(1, { deciderVersion })]))).exitCode).toBe(1);
  });

  it("says that there is nothing", async () => {
    expect(await explain({ ...of }, stored([]))).toEqual({
      text: `nothing was decided for NodeGroup ${group.metadata.name} yet, or it is kept no longer`,
      remarks: [],
      exitCode: 0,
    });
  });
});

it.each([
  ["90s", at(-90_000)],
  ["10m", at(-600_000)],
  ["2h", at(-7_200_000)],
  ["2026-01-01T01:00:00+01:00", at(0)],
  ["yesterday", undefined],
  ["10", undefined],
  ["2026-02-30T00:00:00Z", undefined],
])("the time %s", (text, expected) => expect(parseTime(text, at(0))).toBe(expected));

describe("what explain says beside the decisions", () => {
  const outage = { since: at(5_000), reason: "nothing answers at db:5432" };

  it("is that newer ones are missing while history is not written, by the API's word", async () => {
    const { remarks } = await explain(of, stored([activity(1)]), () => outage);
    expect(remarks).toEqual([
      "history is not being written since 2026-01-01T00:00:05.000Z, and what was decided since is not shown here: nothing answers at db:5432",
    ]);
    expect((await explain(of, stored([activity(1)]))).remarks).toEqual([]);
  });

  it("is the same by the leader's word, which is the group's condition", async () => {
    const condition = {
      type: "HistoryWritten",
      status: "False" as const,
      reason: "WritesFail",
      message: "not recorded since x: y",
    };
    const said = { ...condition, lastTransitionTime: "2026-01-01T00:00:00Z" } as const;
    const told = { ...group, status: { ...group.status, conditions: [said] } };
    expect((await explain({ ...of, group: told }, stored([]))).remarks).toEqual([
      "not recorded since x: y; what was decided since is not shown here",
    ]);
  });

  it("is that the group is deleted, where something is kept of it", async () => {
    const gone = { namespace: "default", name: "live" };
    const { remarks, text } = await explain(gone, stored([activity(1)]));
    expect(remarks).toEqual(["NodeGroup live is deleted; this is what is kept of it"]);
    expect(text).toContain("at 1");
    expect((await explain({ ...gone, at: at(9_000) }, stored([activity(1)]))).text).toContain("at 1");
    await expect(explain(gone, stored([]))).rejects.toThrow(
      new CommandError(
        "there is no NodeGroup live in namespace default, and nothing is kept of one: see `kubectl get nodegroups -A`",
      ),
    );
  });
});

describe("the client of activities", () => {
  const of = { namespace: "default", group: "live", limit: 5 };
  function client(answer: () => Promise<Response>) {
    const calls: { readonly url: string; readonly token: string | null }[] = [];
    const fetch = (url: unknown, init?: RequestInit): Promise<Response> => {
      calls.push({ url: String(url), token: new Headers(init?.headers).get("Authorization") });
      return answer();
    };
    const options = {
      apiUrl: "http://api",
      token: "t",
      clock: new FakeClock(),
      fetch: fetch as typeof globalThis.fetch,
    };
    return { activities: activityClient(operatorClient(options)), calls };
  }

  it("asks with the operator's token, and reads times", async () => {
    const row = activity(3, { input: { any: [1] } });
    const { namespace, group: ofGroup, firstAt, lastAt, ...rest } = row;
    const body = { ...rest, firstAt: new Date(firstAt).toISOString(), lastAt: new Date(lastAt).toISOString() };
    const { activities, calls } = client(() => Promise.resolve(Response.json({ activities: [body] })));
    expect(await activities.last({ ...of, until: at(0) })).toEqual([row]);
    expect([namespace, ofGroup]).toEqual(["default", "live"]);
    expect(calls).toEqual([
      {
        url: "http://api/v1/nodegroups/default/live/activities?limit=5&until=2026-01-01T00%3A00%3A00.000Z",
        token: "Bearer t",
      },
    ]);
  });

  it("tells a server that is down from one that refuses", async () => {
    const down = client(() =>
      Promise.reject(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") })),
    );
    await expect(down.activities.last(of)).rejects.toThrow(ApiUnreachableError);
    await expect(down.activities.last(of)).rejects.toThrow(
      /does not answer \(connect ECONNREFUSED\): is the operator running there\? Name another address/,
    );
    const refused = client(() => Promise.resolve(new Response("{}", { status: 401 })));
    await expect(refused.activities.last(of)).rejects.toThrow(
      new CommandError("the API at http://api belongs to another fleet: name this one's with --api-url"),
    );
    const failing = client(() => Promise.resolve(new Response("no database", { status: 503 })));
    await expect(failing.activities.last(of)).rejects.toThrow("the API at http://api answered 503: no database");
  });
});
