import { describe, expect, it } from "@jest/globals";
import { lookUpClient, mediaClient } from "../../../local/simulation/http-ports.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function fetchWith(answer: Response | Error) {
  const calls: { readonly url: string; readonly init: RequestInit | undefined }[] = [];
  const fetch = (url: unknown, init?: RequestInit): Promise<Response> => {
    calls.push({ url: String(url), init });
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { calls, fetch: fetch as typeof globalThis.fetch };
}

const problem = (status: number, code: string, retryAfter?: string): Response =>
  new Response(JSON.stringify({ code }), {
    status,
    headers: retryAfter === undefined ? {} : { "Retry-After": retryAfter },
  });
const clock = new FakeClock();

describe("a look-up", () => {
  const ask = (answer: Response | Error) => {
    const { calls, fetch } = fetchWith(answer);
    const lookUp = lookUpClient({ apiUrl: "http://api", namespace: "media", group: "live", clock, fetch });
    return { calls, answer: lookUp("subscribe", { scope: "live", name: "a b" }, 1) };
  };

  it("comes from an address of each client's own, and shows the operator's token to this machine alone", async () => {
    const sentTo = async (apiUrl: string, client: number) => {
      const { calls, fetch } = fetchWith(problem(503, "NoFreeSlot"));
      const lookUp = lookUpClient({ apiUrl, namespace: "media", group: "live", token: "t", clock, fetch });
      await lookUp("subscribe", { scope: "live", name: "a" }, client);
      const headers = new Headers(calls[0]?.init?.headers);
      return [headers.get("Authorization"), headers.get("X-Forwarded-For")];
    };
    expect(await sentTo("http://127.0.0.1:8080", 1)).toEqual(["Bearer t", "fd53:0:1::1"]);
    expect(await sentTo("http://[::1]:8080", 65_536 + 10)).toEqual(["Bearer t", "fd53:1:a::1"]);
    for (const elsewhere of ["http://api", "https://127.0.0.1.example.com", "http://10.0.0.7:8080"])
      expect(await sentTo(elsewhere, 1)).toEqual([null, null]);
  });

  it("names the stream, and is answered a node", async () => {
    const { calls, answer } = ask(Response.json({ node: "live-edge-0", address: "198.18.0.1", region: "eu-west-1" }));
    expect(await answer).toEqual({ kind: "Placed", node: "live-edge-0", address: "198.18.0.1" });
    expect(calls[0]?.url).toBe("http://api/v1/streams/live/a%20b/subscribe?namespace=media&group=live");
  });

  it.each([
    [problem(503, "NoFreeSlot", "3"), { kind: "Full", retryAfterMs: 3_000 }],
    [problem(503, "NotReady", "1"), { kind: "Later", retryAfterMs: 1_000 }],
    [problem(429, "TooManyRequests", "2"), { kind: "Later", retryAfterMs: 2_000 }],
    [problem(404, "StreamNotLive"), { kind: "NotLive" }],
    [problem(404, "NoSuchGroup"), { kind: "Later", retryAfterMs: 1_000 }],
    [new Response("<html>", { status: 503 }), { kind: "Later", retryAfterMs: 1_000 }],
    [new Response("{}"), { kind: "Later" }],
    [new TypeError("fetch failed", { cause: new Error("refused") }), { kind: "Later", reason: "refused" }],
  ])("never fails: %#", async (response, expected) => {
    expect(await ask(response).answer).toMatchObject(expected);
  });
});

describe("the media server", () => {
  const changes = { connect: [], disconnect: ["c-1"] };
  const ask = (answer: Response | Error) => {
    const { calls, fetch } = fetchWith(answer);
    return { calls, answer: mediaClient({ mediaUrl: "http://media", token: "t", client: "c", clock, fetch })(changes) };
  };

  it("is told who comes and goes, by whom", async () => {
    const body = { connected: ["c-2"], refused: [{ id: "c-3", reason: "Full" }], lost: ["c-4"], knownSince: 5 };
    const { calls, answer } = ask(Response.json(body));
    expect(await answer).toEqual({ kind: "Answered", ...body });
    const headers = new Headers(calls[0]?.init?.headers);
    expect([calls[0]?.url, headers.get("Authorization")]).toEqual(["http://media/sessions", "Bearer t"]);
    expect(JSON.parse(calls[0]?.init?.body as string)).toEqual({ client: "c", ...changes });
  });

  it.each([
    [new Response("no", { status: 401 }), "status 401: no"],
    [Response.json({ ok: true }), 'no answer of a media server: {"ok":true}'],
    [new TypeError("fetch failed", { cause: new Error("refused") }), "refused"],
  ])("may not answer: %#", async (response, reason) => {
    expect(await ask(response).answer).toEqual({ kind: "Failed", reason });
  });
});
