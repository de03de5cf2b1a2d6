import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { MediaNode } from "../../../local/media/node.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { RecordingLogger } from "../../support/recording-logger.ts";

interface Call {
  readonly atMs: number;
  readonly verb: string;
  readonly token: string;
  readonly body: Readonly<Record<string, unknown>>;
}

type Reply = (call: Call) => Response | Error;

const identity = {
  machineId: "i-1",
  platform: "simulated",
  address: "198.18.0.1",
  version: "1.0",
  bootId: "boot-1",
} as const;

const parent = (slot: number) => ({ name: `live-origin-${slot}`, address: `198.18.1.${slot}` });
const session = {
  namespace: "media",
  name: "live-edge-0",
  group: "live",
  role: "edge",
  parents: [parent(0)],
  token: "node-token",
  connectionCapacity: 500,
  reportIntervalMs: 5_000,
};
const answer = { parents: [parent(0)], directives: [], reportIntervalMs: 5_000 };

let clock: FakeClock;
let calls: Call[];
let replies: Record<string, Reply>;
let node: MediaNode;

beforeEach(() => {
  clock = new FakeClock();
  calls = [];
  replies = {
    register: () => Response.json(session),
    report: () => Response.json(answer),
    goodbye: () => new Response(null, { status: 204 }),
  };
  const fetch: typeof globalThis.fetch = (url, init) => {
    const verb = new URL(url).pathname.split("/").at(-1) ?? "";
    const token = new Headers(init?.headers).get("Authorization") ?? "";
    const body = JSON.parse(init?.body as string) as Call["body"];
    const call = { atMs: clock.monotonicMs(), verb, token, body };
    calls.push(call);
    const reply = replies[verb]?.(call) ?? new Error("unexpected");
    return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
  };
  node = new MediaNode({
    apiUrl: "http://api",
    joinToken: "join-token",
    identity,
    clock,
    random: () => 0,
    fetch,
    logger: new RecordingLogger(),
  });
});
afterEach(() => node.stop());

const start = async () => {
  node.start();
  await settle();
};
const of = (verb: string) => calls.filter((call) => call.verb === verb);
const times = (verb: string) => of(verb).map(({ atMs }) => atMs);
const links = () => of("report").map(({ body }) => body["links"]);
const link = (slot: number, state: string) => ({ parent: `live-origin-${slot}`, state });
const problem = (status: number, headers: Record<string, string> = {}) => new Response("{}", { status, headers });

/** Gives these replies one after the other, then the last one for ever. */
function inTurn(...turns: Reply[]): Reply {
  let turn = 0;
  return (call) => (turns[turn++] ?? turns.at(-1)!)(call);
}

describe("a media node", () => {
  it("registers, reports at once, and then at every interval", async () => {
    replies["report"] = () => Response.json({ ...answer, parents: [] });
    replies["register"] = () => Response.json({ ...session, parents: [] });
    await start();
    await clock.advance(10_000);
    expect(of("register").map(({ token, body }) => [token, body])).toEqual([["Bearer join-token", identity]]);
    expect(times("report")).toEqual([0, 5_000, 10_000]);
    expect(of("report")[0]).toMatchObject({
      token: "Bearer node-token",
      body: {
        bootId: "boot-1",
        connections: 0,
        publishers: 0,
        subscribers: 0,
        streams: [],
        links: [],
        acknowledged: [],
      },
    });
    expect(node.state).toBe("Serving");
  });

  it("brings its link up in two reports, without waiting for the interval", async () => {
    await start();
    await clock.advance(6_000);
    expect(links().slice(0, 2)).toEqual([[link(0, "connecting")], [link(0, "established")]]);
    expect(times("report")).toEqual([0, 100, 5_100]);
  });

  it("links to a parent that is new and drops one that is no longer told", async () => {
    await start();
    await clock.advance(100);
    replies["report"] = () => Response.json({ ...answer, parents: [parent(1)] });
    await clock.advance(5_200);
    expect(links().slice(2)).toEqual([[link(0, "established")], [link(1, "connecting")], [link(1, "established")]]);
    expect(times("report").slice(2)).toEqual([5_100, 5_200, 5_300]);
  });

  it("acknowledges a directive at once, for as long as it holds", async () => {
    await start();
    await clock.advance(100);
    const drain = { id: "drain-1", kind: "Drain", reason: "ScaleIn", at: "2026-01-01T00:00:00Z" };
    replies["report"] = () => Response.json({ ...answer, directives: [drain] });
    await clock.advance(5_100);
    expect(of("report").at(-1)?.body["acknowledged"]).toEqual(["drain-1"]);
    expect(node.directives).toEqual([drain]);
    replies["report"] = () => Response.json(answer);
    await clock.advance(10_000);
    expect(of("report").at(-1)?.body["acknowledged"]).toEqual([]);
  });

  it("reports the load that it is given", async () => {
    await start();
    const streams = [{ scope: "live", name: "one", subscribers: 3 }];
    node.setLoad({ connections: 3, publishers: 0, subscribers: 3, streams });
    await clock.advance(100);
    expect(of("report").at(-1)?.body).toMatchObject({ connections: 3, subscribers: 3, streams });
  });

  it("numbers its reports upwards, also after our process was started anew", async () => {
    await start();
    await clock.advance(60_000);
    const before = of("report").map(({ body }) => Number(body["sequence"]));
    expect(before).toEqual([...before].sort((a, b) => a - b));
    expect(new Set(before).size).toBe(before.length);
    expect(before.at(-1)).toBeLessThan(clock.now());
  });

  it("goes on above the number that the API has had already", async () => {
    const newestSequence = clock.now() + 1_000_000;
    replies["report"] = inTurn(
      () => Response.json({ ...answer, newestSequence }),
      () => Response.json(answer),
    );
    await start();
    await clock.advance(5_100);
    expect(of("report")[1]?.body["sequence"]).toBe(newestSequence + 1);
    expect(of("report")[2]?.body["sequence"]).toBe(newestSequence + 2);
  });

  it("follows a change of the interval", async () => {
    await start();
    replies["report"] = () => Response.json({ ...answer, reportIntervalMs: 1_000 });
    await clock.advance(2_100);
    expect(times("report")).toEqual([0, 100, 1_100, 2_100]);
  });
});

describe("a media node and its clients", () => {
  const client = (id: string, kind: "publish" | "subscribe" = "subscribe") => ({
    id,
    kind,
    scope: "live",
    name: "one",
  });
  const drain = { id: "drain-1", kind: "Drain", reason: "ScaleIn", at: "2026-01-01T00:00:00Z" };
  const told = (...directives: readonly unknown[]) => {
    replies["report"] = () => Response.json({ ...answer, directives });
  };
  const last = () => of("report").at(-1)?.body;

  beforeEach(() => {
    replies["register"] = () => Response.json({ ...session, connectionCapacity: 2 });
  });

  it("takes clients in while it serves and has room, each once, and reports them at its interval", async () => {
    expect(node.connect(client("a"))).toBe("NotServing");
    await start();
    await clock.advance(100);
    expect(["a", "b", "a", "c"].map((id) => node.connect(client(id)))).toEqual([
      "Connected",
      "Connected",
      "Connected",
      "Full",
    ]);
    await clock.advance(4_999);
    expect(times("report")).toEqual([0, 100]);
    await clock.advance(1);
    expect(last()).toMatchObject({ connections: 2, subscribers: 2, accepting: true, cpuPercent: 90 });
    expect(node.disconnect("a")).toBe(true);
    expect(node.disconnect("a")).toBe(false);
    expect(node.connect(client("c", "publish"))).toBe("Connected");
    await clock.advance(5_000);
    expect(last()).toMatchObject({ connections: 2, subscribers: 1, publishers: 1 });
  });

  it("takes nobody in while it drains, says so at once, and again when the last has left", async () => {
    await start();
    await clock.advance(100);
    node.connect(client("a"));
    node.connect(client("b"));
    told(drain);
    await clock.advance(5_100);
    expect(times("report").slice(2)).toEqual([5_100, 5_200]);
    expect(last()).toMatchObject({ acknowledged: ["drain-1"], accepting: false, connections: 2 });
    node.disconnect("a");
    expect(node.connect(client("c"))).toBe("Draining");
    await clock.advance(1_000);
    expect(times("report").slice(4)).toEqual([]);
    node.disconnect("b");
    await clock.advance(0);
    expect(times("report").slice(4)).toEqual([6_200]);
    expect(last()).toMatchObject({ acknowledged: ["drain-1"], accepting: false, connections: 0, streams: [] });
    await clock.advance(5_000);
    expect(times("report").slice(4)).toEqual([6_200, 11_200]);
  });

  it("tells that the last has left though a report is under way at that moment", async () => {
    await start();
    await clock.advance(100);
    node.connect(client("a"));
    told(drain);
    await clock.advance(5_100);
    replies["report"] = () => {
      node.disconnect("a");
      return Response.json({ ...answer, directives: [drain] });
    };
    await clock.advance(5_000);
    expect(of("report").slice(-2)).toMatchObject([
      { atMs: 10_200, body: { connections: 1 } },
      { atMs: 10_200, body: { connections: 0 } },
    ]);
  });

  it("takes clients in again when the drain is taken back, and says so at once", async () => {
    await start();
    await clock.advance(100);
    told(drain);
    await clock.advance(5_100);
    told();
    await clock.advance(5_000);
    expect(last()).toMatchObject({ acknowledged: ["drain-1"], accepting: false });
    expect(node.connect(client("a"))).toBe("Connected");
    await clock.advance(100);
    expect(last()).toMatchObject({ acknowledged: [], accepting: true, connections: 1 });
  });

  it("does not forget its clients when it has to register again, but takes none meanwhile", async () => {
    await start();
    await clock.advance(100);
    node.connect(client("a"));
    replies["report"] = () => problem(401);
    replies["register"] = () => problem(503, { "Retry-After": "1" });
    await clock.advance(5_000);
    expect(node.connect(client("b"))).toBe("NotServing");
    expect(node.load.connections).toBe(1);
  });

  it("counts what it is given as occupied", async () => {
    await start();
    node.setLoad({ connections: 1, publishers: 0, subscribers: 1, streams: [] });
    expect(["a", "b"].map((id) => node.connect(client(id)))).toEqual(["Connected", "Full"]);
  });

  it("cuts its clients off when its machine ends", async () => {
    await start();
    node.connect(client("a"));
    expect(node.cut()).toEqual(["a"]);
    expect(node.load.connections).toBe(0);
  });
});

describe("a media node that is not let in", () => {
  it.each([
    ["waits as long as Retry-After says", () => problem(503, { "Retry-After": "3" }), [0, 3_000, 6_000]],
    ["backs off when it is refused", () => problem(401), [0, 500, 1_500]],
    ["backs off when another claims its machine", () => problem(409), [0, 500, 1_500]],
    ["backs off when there is no answer", () => new Error("connection refused"), [0, 500, 1_500]],
    ["backs off from an answer that it cannot read", () => Response.json({}), [0, 500, 1_500]],
  ] as const)("%s", async (_name, refusal, expected) => {
    replies["register"] = inTurn(refusal, refusal, () => Response.json(session));
    await start();
    await clock.advance(10_000);
    expect(times("register")).toEqual(expected);
    expect(node.state).toBe("Serving");
  });

  it("never calls again once it was told that it is deleted", async () => {
    replies["register"] = () => problem(410);
    await start();
    await clock.advance(600_000);
    expect(calls).toHaveLength(1);
    expect(node.state).toBe("Gone");
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("a media node whose report is turned away", () => {
  it("registers again at once after a 401, and goes on", async () => {
    await start();
    await clock.advance(100);
    replies["report"] = inTurn(
      () => problem(401),
      () => Response.json(answer),
    );
    await clock.advance(5_000);
    expect(times("register")).toEqual([0, 5_100]);
    expect(node.state).toBe("Serving");
  });

  it("does not register without pause when each report is refused", async () => {
    replies["report"] = () => problem(401);
    await start();
    await clock.advance(60_000);
    expect(of("register").length).toBeLessThan(10);
  });

  it("stops for good after a 410", async () => {
    await start();
    replies["report"] = () => problem(410);
    await clock.advance(60_000);
    expect(times("report")).toEqual([0, 100]);
    expect(node.state).toBe("Gone");
  });

  it.each([
    ["a 503", () => problem(503, { "Retry-After": "1" })],
    ["a 429", () => problem(429, { "Retry-After": "1" })],
    ["a connection that breaks", () => new Error("socket hang up")],
  ])("tries again after %s, with its session", async (_name, refusal) => {
    await start();
    await clock.advance(100);
    replies["report"] = inTurn(refusal, () => Response.json(answer));
    await clock.advance(7_000);
    expect(of("register")).toHaveLength(1);
    expect(of("report").length).toBeGreaterThanOrEqual(4);
  });
});

describe("a media node that stops", () => {
  it("says goodbye on a machine that shuts down, and nothing more", async () => {
    await start();
    await node.stop({ goodbye: true });
    await clock.advance(60_000);
    expect(calls.at(-1)).toMatchObject({ verb: "goodbye", token: "Bearer node-token", body: { bootId: "boot-1" } });
    expect(clock.pendingTimers).toBe(0);
  });

  it("says nothing on one that vanishes", async () => {
    await start();
    await node.stop();
    await clock.advance(60_000);
    expect(of("goodbye")).toEqual([]);
    expect(times("report")).toEqual([0]);
    expect(node.state).toBe("Stopped");
  });
});
