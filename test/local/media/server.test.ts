import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { PortInUseError } from "../../../api/listener.ts";
import type { ConnectAnswer } from "../../../local/media/node.ts";
import { type MediaServer, startMediaServer } from "../../../local/media/server.ts";
import type { MediaSession } from "../../../local/media/sessions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLogger } from "../../support/recording-logger.ts";

/** A node with room for two. */
class Room {
  readonly sessions = new Set<string>();
  answer: ConnectAnswer | undefined;

  connect({ id }: MediaSession): ConnectAnswer {
    if (this.answer !== undefined) return this.answer;
    if (this.sessions.size === 2) return "Full";
    this.sessions.add(id);
    return "Connected";
  }

  disconnect(id: string): boolean {
    return this.sessions.delete(id);
  }
}

let clock: FakeClock;
let rooms: Map<string, Room>;
let lost: string[];
let server: MediaServer;

beforeEach(async () => {
  clock = new FakeClock();
  rooms = new Map([
    ["198.18.0.1", new Room()],
    ["198.18.0.2", new Room()],
  ]);
  lost = [];
  server = await open(0);
});
afterEach(() => server.close());

function open(port: number): Promise<MediaServer> {
  const fleet = { nodeAt: (address: string) => rooms.get(address), takeLost: () => lost.splice(0) };
  const verify = (token: string) => token === "operator";
  return startMediaServer({ fleet, verify, clock, port, logger: new RecordingLogger() });
}

const room = (place: 1 | 2): Room => rooms.get(`198.18.0.${place}`)!;
const viewer = (id: string, place = 1) => ({
  id,
  address: `198.18.0.${place}`,
  kind: "subscribe",
  scope: "live",
  name: "one",
});

async function post(body: unknown, token = "operator"): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${server.url}/sessions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** The machine dies, as `MediaFleet` tells it. */
function kill(place: 1 | 2): void {
  lost.push(...room(place).sessions);
  rooms.delete(`198.18.0.${place}`);
}

describe("the media server", () => {
  it("connects and disconnects sessions on the nodes at their addresses", async () => {
    const connect = [viewer("a"), viewer("b"), viewer("c"), viewer("d", 2), viewer("e", 3)];
    expect(await post({ client: "s1", connect })).toEqual({
      status: 200,
      body: {
        connected: ["a", "b", "d"],
        refused: [
          { id: "c", reason: "Full" },
          { id: "e", reason: "NoSuchNode" },
        ],
        lost: [],
        knownSince: clock.now(),
      },
    });
    // Who leaves makes room for who comes.
    const { body } = await post({ client: "s1", connect: [viewer("c")], disconnect: ["a", "unknown"] });
    expect(body).toMatchObject({ connected: ["c"], refused: [], lost: [] });
    expect([...room(1).sessions]).toEqual(["s1/b", "s1/c"]);
  });

  it.each(["Draining", "NotServing"] as const)("says that a node is %s", async (reason) => {
    room(1).answer = reason;
    const { body } = await post({ client: "s1", connect: [viewer("a")] });
    expect(body).toMatchObject({ connected: [], refused: [{ id: "a", reason }], lost: [] });
  });

  it("moves a session that connects elsewhere, and takes one that connects again", async () => {
    await post({ client: "s1", connect: [viewer("a")] });
    await post({ client: "s1", connect: [viewer("a")] });
    await post({ client: "s1", connect: [viewer("a", 2)] });
    expect([room(1).sessions.size, room(2).sessions.size]).toEqual([0, 1]);
  });

  it("tells each simulation of its own lost sessions, once, and of none that it has left", async () => {
    await post({ client: "s1", connect: [viewer("a"), viewer("x", 2)] });
    await post({ client: "s2", connect: [viewer("a")] });
    kill(1);
    expect(await post({ client: "s1" })).toMatchObject({ body: { lost: ["a"] } });
    expect(await post({ client: "s1" })).toMatchObject({ body: { lost: [] } });
    expect(await post({ client: "s2", disconnect: ["a"] })).toMatchObject({ body: { lost: ["a"] } });
  });

  it("disconnects the sessions of a simulation that has not called for 30 s, and of no other", async () => {
    await post({ client: "s1", connect: [viewer("a")] });
    await post({ client: "s2", connect: [viewer("a")] });
    await clock.advance(29_000);
    await post({ client: "s2" });
    await clock.advance(1_000);
    expect([...room(1).sessions]).toEqual(["s2/a"]);
    await clock.advance(29_000);
    expect([...room(1).sessions]).toEqual([]);
  });

  it("says since when it knows a simulation, so that this sees that its sessions were forgotten", async () => {
    const start = clock.now();
    await post({ client: "s1" });
    await clock.advance(29_000);
    expect(await post({ client: "s1" })).toMatchObject({ body: { knownSince: start } });
    await clock.advance(30_000);
    expect(await post({ client: "s1" })).toMatchObject({ body: { knownSince: start + 59_000 } });
  });

  it("disconnects everybody when it is closed", async () => {
    await post({ client: "s1", connect: [viewer("a")] });
    await server.close();
    expect(room(1).sessions.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("takes 2,000 sessions and 10,000 ids at once", async () => {
    const connect = Array.from({ length: 2_000 }, (_, place) => viewer(`simulation-1-${place}`, 3));
    const disconnect = Array.from({ length: 10_000 }, (_, place) => `simulation-1-${place}-${"x".repeat(60)}`);
    expect(await post({ client: "s1", connect, disconnect })).toMatchObject({ status: 200 });
  });
});

describe("what the media server refuses", () => {
  it("is a caller without an operator token, before its body is read", async () => {
    expect(await post("{", "guessed")).toMatchObject({ status: 401, body: { code: "Unauthorized" } });
    const response = await fetch(`${server.url}/sessions`, { method: "POST" });
    expect(response.status).toBe(401);
  });

  it.each([
    ["no client", {}, /client/],
    ["a client with a slash", { client: "a/b" }, /client/],
    ["too many sessions", { client: "s", connect: Array.from({ length: 2_001 }, () => viewer("a")) }, /connect/],
    ["too many ids", { client: "s", disconnect: Array.from({ length: 10_001 }, () => "a") }, /disconnect/],
    ["another kind", { client: "s", connect: [{ ...viewer("a"), kind: "watch" }] }, /connect\[0\].kind/],
    ["a list", [], /expected object/],
    ["what is not JSON", "{", /JSON/],
  ] as const)("is %s", async (_name, body, detail) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect((answer.body as { readonly detail: string }).detail).toMatch(detail);
    expect(room(1).sessions.size).toBe(0);
  });

  it("is a body that is too long", async () => {
    const answer = await post({ client: "s", disconnect: ["x".repeat(5_000_000)] });
    expect(answer).toMatchObject({ status: 413 });
  });

  it("is another method and another path", async () => {
    expect((await fetch(`${server.url}/sessions`)).status).toBe(405);
    expect((await fetch(`${server.url}/other`)).status).toBe(404);
  });

  it("is a port that is in use", async () => {
    await expect(open(Number(new URL(server.url).port))).rejects.toThrow(PortInUseError);
  });
});
