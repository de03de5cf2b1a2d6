import { describe, expect, it } from "@jest/globals";
import type { RegisterResponse } from "../../../api/node-schemas.ts";
import { EdgeRequests, IdleEdges } from "../../../local/media/idle-edges.ts";
import type { NodeAnswer } from "../../../local/media/node-api-client.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { RecordingLogger } from "../../support/recording-logger.ts";

const edge = (slot: number, connections = 0) => ({
  name: `live-edge-${slot}`,
  connections,
  subscribers: connections,
  streams: 0,
});
const idleMs = 60_000;

describe("the idle edges of an origin", () => {
  it("are due once they had nobody for long enough, the longest idle first", () => {
    const edges = new IdleEdges();
    edges.observe([edge(1)], 0);
    edges.observe([edge(0), edge(1)], 5_000);
    expect(edges.take(idleMs, 59_999)).toEqual([]);
    expect(edges.take(idleMs, 65_000)).toEqual(["live-edge-1", "live-edge-0"]);
  });

  it.each([
    ["somebody came", [edge(0, 1)]],
    ["the link was gone", []],
  ])("begin anew after %s", (_name, between) => {
    const edges = new IdleEdges();
    edges.observe([edge(0)], 0);
    edges.observe(between, 30_000);
    edges.observe([edge(0)], 31_000);
    expect(edges.take(idleMs, 60_000)).toEqual([]);
    expect(edges.take(idleMs, 91_000)).toEqual(["live-edge-0"]);
  });

  it("are due again after half a minute, not sooner", () => {
    const edges = new IdleEdges();
    edges.observe([edge(0)], 0);
    expect([60_000, 65_000, 89_999, 90_000].map((ms) => edges.take(idleMs, ms).length)).toEqual([1, 0, 0, 1]);
  });

  it("are due a few at a time", () => {
    const edges = new IdleEdges();
    edges.observe(
      Array.from({ length: 25 }, (_, slot) => edge(slot)),
      0,
    );
    expect([60_000, 65_000, 70_000, 75_000].map((ms) => edges.take(idleMs, ms).length)).toEqual([10, 10, 5, 0]);
  });
});

describe("the requests of an origin", () => {
  const session = { namespace: "media", group: "live", name: "live-origin-0" } as RegisterResponse;
  const { signal } = new AbortController();

  it("name the edge and why, one after the other, and take a refusal as an answer", async () => {
    const clock = new FakeClock();
    const asked: unknown[] = [];
    const answers: PromiseWithResolvers<NodeAnswer<undefined>>[] = [];
    const client = {
      requestScaleIn: (_session: unknown, request: unknown) => {
        asked.push(request);
        const answer = Promise.withResolvers<NodeAnswer<undefined>>();
        answers.push(answer);
        return answer.promise;
      },
    };
    const requests = new EdgeRequests({ client, clock, logger: new RecordingLogger() });
    requests.consider(session, [edge(0), edge(1)], 60, signal);
    expect(asked).toEqual([]);
    await clock.advance(60_000);
    requests.consider(session, [edge(0), edge(1)], 60, signal);
    await settle();
    expect(asked).toEqual([{ node: "live-edge-0", reason: "nobody for 60 s" }]);
    answers[0]?.resolve({ kind: "Later", reason: "status 409" });
    await settle();
    expect(asked).toHaveLength(2);
    answers[1]?.resolve({ kind: "Accepted", body: undefined });
    await requests.settled();
  });

  it("are none where origins are not to ask", async () => {
    const clock = new FakeClock();
    const client = { requestScaleIn: () => Promise.reject(new Error("asked")) };
    const requests = new EdgeRequests({ client, clock, logger: new RecordingLogger() });
    requests.consider(session, [edge(0)], undefined, signal);
    await clock.advance(600_000);
    requests.consider(session, [edge(0)], undefined, signal);
    await requests.settled();
  });
});
