import { describe, expect, it } from "@jest/globals";
import type { Role } from "../../../crds/names.ts";
import { Crowd } from "../../../local/simulation/crowd.ts";
import type { SeenNode } from "../../../local/simulation/room-tracker.ts";
import type {
  LookUpAnswer,
  SessionAnswer,
  SessionChanges,
  SessionKind,
  SessionRequest,
} from "../../../local/simulation/session-ports.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { seededRandom } from "../../support/random.ts";

class TestNode implements SeenNode {
  readonly name: string;
  readonly role: Role;
  readonly capacity: number;
  serving = true;
  draining = false;
  toldToEnd = false;
  readonly sessions = new Map<string, SessionRequest>();
  constructor(name: string, role: Role, capacity: number) {
    this.name = name;
    this.role = role;
    this.capacity = capacity;
  }
}

/** Nodes with slots, and their look-ups; what is full says so. */
class TestFleet {
  readonly nodes: TestNode[] = [new TestNode("live-origin-0", "origin", 10)];
  lost: string[] = [];
  knownSince = 1;
  isDown = false;
  retryAfterMs = 2_000;
  /** The look-ups say "full", whatever there is. */
  isFull = false;
  batches: SessionChanges[] = [];

  readonly lookUp = (kind: SessionKind): Promise<LookUpAnswer> => {
    const role = kind === "publish" ? "origin" : "edge";
    const free = this.nodes.filter(
      (node) => node.role === role && node.serving && node.sessions.size < node.capacity && !this.isFull,
    );
    const least = free.sort((a, b) => a.sessions.size - b.sessions.size)[0];
    return Promise.resolve(
      least === undefined
        ? { kind: "Full", retryAfterMs: this.retryAfterMs }
        : { kind: "Placed", node: least.name, address: least.name },
    );
  };

  readonly media = ({ connect, disconnect }: SessionChanges): Promise<SessionAnswer> => {
    if (this.isDown) return Promise.resolve({ kind: "Failed", reason: "connection refused" });
    this.batches.push({ connect, disconnect });
    for (const { sessions } of this.nodes) for (const id of disconnect) sessions.delete(id);
    const isIn = connect.map((request) => this.#admit(request));
    const connected = connect.filter((_, index) => isIn[index]).map(({ id }) => id);
    const refused = connect.filter((_, index) => !isIn[index]).map(({ id }) => ({ id, reason: "Full" }));
    return Promise.resolve({
      kind: "Answered",
      connected,
      refused,
      lost: this.lost.splice(0),
      knownSince: this.knownSince,
    });
  };

  /** The machine is gone, with its sessions. */
  kill(node: TestNode): void {
    this.lost.push(...node.sessions.keys());
    node.sessions.clear();
    node.serving = false;
  }

  addEdge(name: string, capacity: number): TestNode {
    const edge = new TestNode(name, "edge", capacity);
    this.nodes.push(edge);
    return edge;
  }

  #admit(request: SessionRequest): boolean {
    const node = this.nodes.find(({ name }) => name === request.address);
    if (node === undefined || node.sessions.size >= node.capacity) return false;
    node.sessions.set(request.id, request);
    return true;
  }
}

function setUp(options: { readonly staySeconds?: number } = {}) {
  const [clock, fleet] = [new FakeClock(), new TestFleet()];
  const { lookUp, media } = fleet;
  const crowd = new Crowd({ clock, random: seededRandom(7), lookUp, media, client: "test", ...options });
  const run = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      await crowd.step();
      await clock.advance(1_000);
      crowd.see(fleet.nodes);
    }
  };
  return { clock, fleet, crowd, run };
}

describe("the crowd", () => {
  it("brings publishers first, then viewers of their streams", async () => {
    const { fleet, crowd, run } = setUp();
    const edge = fleet.addEdge("live-edge-0", 100);
    crowd.setTarget({ viewers: 40, publishers: 3 });
    await run(1);
    expect(crowd.counts).toMatchObject({ watching: 40, publishing: 3, arrivals: 40, lookUps: 43, rejected: 0 });
    expect(
      fleet.nodes[0]?.sessions
        .values()
        .map(({ name }) => name)
        .toArray(),
    ).toEqual(["stream-1", "stream-2", "stream-3"]);
    const watched = new Set(edge.sessions.values().map(({ scope, name }) => `${scope}/${name}`));
    expect(watched).toEqual(new Set(["live/stream-1", "live/stream-2", "live/stream-3"]));
  });

  it("leaves as the target falls, and altogether at the end", async () => {
    const { fleet, crowd, run } = setUp();
    const edge = fleet.addEdge("live-edge-0", 100);
    crowd.setTarget({ viewers: 40, publishers: 3 });
    await run(1);
    crowd.setTarget({ viewers: 5, publishers: 1 });
    await run(1);
    expect(edge.sessions.size).toBe(5);
    expect(
      fleet.nodes[0]?.sessions
        .values()
        .map(({ name }) => name)
        .toArray(),
    ).toEqual(["stream-1"]);
    await crowd.leave();
    expect(fleet.nodes.map(({ sessions }) => sessions.size)).toEqual([0, 0]);
    expect(crowd.counts).toMatchObject({ watching: 0, publishing: 0, waiting: 0, arrivals: 40, lost: 0 });
  });

  it("goes on with others when viewers have seen enough, and so lets a draining node become empty", async () => {
    const { fleet, crowd, run } = setUp({ staySeconds: 20 });
    const first = fleet.addEdge("live-edge-0", 100);
    crowd.setTarget({ viewers: 40, publishers: 1 });
    await run(10);
    expect(crowd.counts).toMatchObject({ watching: 40, arrivals: 40 });
    fleet.addEdge("live-edge-1", 100);
    first.serving = false;
    await run(22);
    expect(first.sessions.size).toBe(0);
    expect(crowd.counts).toMatchObject({ watching: 40, publishing: 1, lost: 0, rejected: 0 });
    expect(crowd.counts.arrivals).toBeGreaterThanOrEqual(80);
  });

  it("waits with the viewers until a stream is live", async () => {
    const { fleet, crowd, run } = setUp();
    fleet.addEdge("live-edge-0", 100);
    fleet.nodes[0]!.serving = false;
    crowd.setTarget({ viewers: 4, publishers: 1 });
    await run(2);
    expect(crowd.counts).toMatchObject({ watching: 0, waiting: 4, rejected: 0, rejectedPublishers: 1 });
    fleet.nodes[0]!.serving = true;
    await run(4);
    expect(crowd.counts).toMatchObject({ watching: 4, publishing: 1 });
  });

  it("counts who is sent away once, and serves them when there is room", async () => {
    const { fleet, crowd, run } = setUp();
    fleet.addEdge("live-edge-0", 6);
    crowd.setTarget({ viewers: 10, publishers: 1 });
    await run(4);
    expect(crowd.counts).toMatchObject({ watching: 6, waiting: 4, rejected: 4, gaveUp: 0 });
    fleet.addEdge("live-edge-1", 6);
    await run(4);
    expect(crowd.counts).toMatchObject({ watching: 10, rejected: 4, gaveUp: 0, rejectedWithRoom: 0 });
  });

  it("gives up after the fourth time, and somebody else comes half a minute later", async () => {
    const { fleet, crowd, run } = setUp();
    fleet.addEdge("live-edge-0", 6);
    crowd.setTarget({ viewers: 7, publishers: 1 });
    await run(16);
    expect(crowd.counts).toMatchObject({ watching: 6, waiting: 0, arrivals: 7, rejected: 1, gaveUp: 1 });
    await run(30);
    expect(crowd.counts).toMatchObject({ arrivals: 8, rejected: 2, gaveUp: 1 });
  });

  it("tells a rejection while there was room from one that was right", async () => {
    const { fleet, crowd, run } = setUp();
    fleet.addEdge("live-edge-0", 6);
    crowd.setTarget({ viewers: 2, publishers: 1 });
    await run(20);
    fleet.isFull = true;
    crowd.setTarget({ viewers: 3, publishers: 1 });
    await run(1);
    expect(crowd.counts).toMatchObject({ rejected: 1, rejectedWithRoom: 1 });
  });

  it("takes a node whose drain was taken back a moment ago for one without room", async () => {
    const { fleet, crowd, run } = setUp();
    const edge = fleet.addEdge("live-edge-0", 6);
    edge.draining = true;
    crowd.setTarget({ viewers: 2, publishers: 1 });
    await run(20);
    edge.draining = false;
    fleet.isFull = true;
    crowd.setTarget({ viewers: 3, publishers: 1 });
    await run(1);
    expect(crowd.counts).toMatchObject({ rejected: 1, rejectedWithRoom: 0 });
  });

  it("tells a slot that is only reserved from a free one", async () => {
    const { fleet, crowd, run } = setUp();
    fleet.addEdge("live-edge-0", 3);
    crowd.setTarget({ viewers: 2, publishers: 1 });
    await run(1);
    fleet.isFull = true;
    crowd.setTarget({ viewers: 3, publishers: 1 });
    await run(1);
    expect(crowd.counts).toMatchObject({ rejected: 1, rejectedWithRoom: 0, rejectedWhileReserved: 1 });
  });

  it("takes no slot for free that somebody has just left: the reports may not say so yet", async () => {
    const { fleet, crowd, run } = setUp();
    fleet.addEdge("live-edge-0", 3);
    crowd.setTarget({ viewers: 3, publishers: 1 });
    await run(20);
    fleet.isFull = true;
    crowd.setTarget({ viewers: 1, publishers: 1 });
    await run(1);
    crowd.setTarget({ viewers: 2, publishers: 1 });
    await run(1);
    expect(crowd.counts).toMatchObject({ rejected: 1, rejectedWithRoom: 0, rejectedWhileReserved: 0 });
  });

  it.each(["before", "after"] as const)("knows who was cut by an order that is seen %s the loss", async (when) => {
    const { fleet, crowd, run } = setUp();
    const [doomed] = ["live-edge-0", "live-edge-1"].map((name) => fleet.addEdge(name, 30));
    crowd.setTarget({ viewers: 20, publishers: 1 });
    await run(3);
    if (when === "before") {
      doomed!.toldToEnd = true;
      await run(1);
    }
    const viewers = doomed!.sessions.size;
    fleet.kill(doomed!);
    await run(2);
    if (when === "after") {
      expect(crowd.counts).toMatchObject({ lost: viewers, cut: 0 });
      doomed!.toldToEnd = true;
      await run(1);
    }
    // The name is another node's by now.
    doomed!.toldToEnd = false;
    await run(40);
    expect([viewers > 0, crowd.counts.cut, crowd.counts.lost]).toEqual([true, viewers, 0]);
  });

  it("takes a loss for no cut where the order came much later", async () => {
    const { fleet, crowd, run } = setUp();
    const doomed = fleet.addEdge("live-edge-0", 30);
    crowd.setTarget({ viewers: 20, publishers: 1 });
    await run(3);
    fleet.kill(doomed);
    await run(40);
    doomed.toldToEnd = true;
    await run(5);
    expect(crowd.counts).toMatchObject({ lost: 20, cut: 0 });
  });

  it("looks for another node when one dies, and knows a cut by the drain before it", async () => {
    const { fleet, crowd, run } = setUp();
    const [first, second] = [fleet.addEdge("live-edge-0", 50), fleet.addEdge("live-edge-1", 50)];
    fleet.addEdge("live-edge-2", 50);
    crowd.setTarget({ viewers: 30, publishers: 1 });
    await run(1);
    fleet.kill(first);
    const lost = fleet.lost.length;
    await run(3);
    expect(crowd.counts).toMatchObject({ watching: 30, lost, cut: 0, arrivals: 30 });
    second.draining = true;
    await run(1);
    fleet.kill(second);
    const cut = fleet.lost.length;
    await run(3);
    expect(crowd.counts).toMatchObject({ watching: 30, lost, cut });
  });

  it("begins other sessions when nobody knows what became of some", async () => {
    const { fleet, crowd, run } = setUp();
    const edge = fleet.addEdge("live-edge-0", 50);
    crowd.setTarget({ viewers: 5, publishers: 1 });
    fleet.isDown = true;
    await run(2);
    expect(crowd.failure).toBe("connection refused");
    fleet.isDown = false;
    await run(4);
    expect(crowd.failure).toBeUndefined();
    expect(edge.sessions.size).toBe(5);
    const begun = fleet.batches.flatMap(({ connect }) => connect.map(({ id }) => id));
    const ended = fleet.batches.flatMap(({ disconnect }) => disconnect);
    expect(ended.length).toBeGreaterThan(0);
    expect(ended.filter((id) => begun.includes(id))).toEqual([]);
  });

  it("notices that the media servers were started again, and comes anew", async () => {
    const { fleet, crowd, run } = setUp();
    const edge = fleet.addEdge("live-edge-0", 50);
    crowd.setTarget({ viewers: 5, publishers: 1 });
    await run(3);
    edge.sessions.clear();
    fleet.knownSince = 2;
    await run(3);
    expect(crowd.counts).toMatchObject({ watching: 5, publishing: 1, lost: 6, cut: 0, arrivals: 5 });
    expect(edge.sessions.size).toBe(5);
  });

  it("calls the nodes at each step, for silence would end its sessions", async () => {
    const { fleet, run } = setUp();
    await run(3);
    expect(fleet.batches.length).toBeGreaterThanOrEqual(3);
  });
});
