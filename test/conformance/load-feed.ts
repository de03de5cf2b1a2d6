/** What a LoadFeed promises: one suite for the feed of one process and for the one that follows others. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { NodeReport, ScaleInRequest } from "../../domain/load/report.ts";
import type { LoadFeed } from "../../domain/ports.ts";
import { addMs, type Instant } from "../../domain/time.ts";

export interface LoadFeedUnderTest {
  /** Knows of no node. */
  readonly feed: LoadFeed;
  /** Stands still: what the feed takes as the present. */
  readonly now: Instant;
  /** Hands a report to one of the feed's sources, and waits until the feed has seen it, whether or not it keeps it. */
  tell(report: NodeReport): Promise<void>;
  /** Hands a scale-in request to one of the feed's sources, and waits until the feed has seen it. */
  ask(request: ScaleInRequest): Promise<void>;
  /** Says that the node with this UID is deleted, and waits until the feed knows. */
  lose(uid: string): Promise<void>;
  close(): Promise<void>;
}

/** The suite. `open` is called for each test. */
export function describeLoadFeed(open: () => Promise<LoadFeedUnderTest>): void {
  describe("load feed", () => {
    let world: LoadFeedUnderTest;
    let feed: LoadFeed;
    /** What the listener of each test was told of the node `a`. */
    let told: NodeReport[];

    beforeEach(async () => {
      world = await open();
      feed = world.feed;
      told = [];
    });
    afterEach(() => world.close());

    /** Of the node `a`, taken so many seconds before now. */
    function report(secondsAgo: number, change: Partial<NodeReport> = {}): NodeReport {
      const counts = { connections: 3, publishers: 1, subscribers: 2 };
      const lists = { accepting: true, links: [], streams: [], children: [], acknowledged: [] };
      const name = { uid: "a", namespace: "media", name: "live-edge-0", bootId: "boot-1", sequence: 1 };
      return { ...name, receivedAt: addMs(world.now, -1_000 * secondsAgo), ...counts, ...lists, ...change };
    }

    function listen(): () => void {
      return feed.subscribe((heard) => {
        if (heard.uid === "a") told.push(heard);
      });
    }

    it("knows nothing of a node that has not reported", async () => {
      await world.tell(report(1));
      expect(feed.latest("b")).toBeUndefined();
    });

    it("gives and tells a report as it was taken, all of it", async () => {
      listen();
      const full = report(2, {
        ...{ cpuPercent: 40.5, memoryPercent: 50, egressMbps: 200 },
        links: [{ parent: "live-origin-0", state: "established" }],
        streams: [{ scope: "live", name: "one", subscribers: 2 }],
        accepting: false,
        children: [{ name: "live-edge-7", connections: 5, subscribers: 4, streams: 1 }],
        acknowledged: ["drain-1"],
      });
      await world.tell(full);
      expect(feed.latest("a")).toEqual(full);
      expect(told).toEqual([full]);
    });

    it("keeps nodes apart by UID, also those of one name", async () => {
      await world.tell(report(2, { connections: 7 }));
      await world.tell(report(1, { uid: "b", connections: 8 }));
      expect(feed.latest("a")?.connections).toBe(7);
      expect(feed.latest("b")?.connections).toBe(8);
    });

    const next = { sequence: 2 };
    const reboot = { bootId: "boot-2" };
    it.each([
      ["that follow", [[3], [2, next], [1, { sequence: 5 }]], [0, 1, 2]],
      ["that come again", [[3], [3], [1]], [0]],
      [
        "that were overtaken",
        [
          [2, next],
          [1, { sequence: 1 }],
        ],
        [0],
      ],
      [
        "of a later boot, which counts from the start",
        [
          [3, { sequence: 900 }],
          [2, reboot],
        ],
        [0, 1],
      ],
      [
        "of an earlier boot, which come late",
        [
          [2, reboot],
          [3, { sequence: 900 }],
        ],
        [0],
      ],
    ] as [string, [number, Partial<NodeReport>?][], number[]][])(
      "keeps the newest and tells each new one, of reports %s",
      async (_which, given, taken) => {
        listen();
        const reports = given.map(([secondsAgo, change]) => report(secondsAgo, change));
        for (const each of reports) await world.tell(each);
        expect(told).toEqual(taken.map((index) => reports[index]));
        expect(feed.latest("a")).toEqual(told.at(-1));
      },
    );

    it("gives a listener the report that it has just told of", async () => {
      const seen: boolean[] = [];
      feed.subscribe((heard) => seen.push(feed.latest(heard.uid) === heard));
      await world.tell(report(1));
      expect(new Set(seen)).toEqual(new Set([true]));
    });

    it("tells a listener what is new from now on, until it leaves", async () => {
      await world.tell(report(3));
      const leave = listen();
      await world.tell(report(2, { sequence: 2 }));
      leave();
      leave();
      await world.tell(report(1, { sequence: 3 }));
      expect(told.map(({ sequence }) => sequence)).toEqual([2]);
      expect(feed.latest("a")?.sequence).toBe(3);
    });

    it("tells every listener, also when one leaves meanwhile", async () => {
      const leave = feed.subscribe(() => leave());
      listen();
      listen();
      await world.tell(report(1));
      expect(told).toHaveLength(2);
    });

    function request(secondsAgo: number, change: Partial<ScaleInRequest> = {}): ScaleInRequest {
      const place = { namespace: "media", group: "live", region: "sim-east", origin: "live-origin-0" };
      return { ...place, receivedAt: addMs(world.now, -1_000 * secondsAgo), ...change };
    }

    it("tells a scale-in request as it was taken, all of it, until the listener leaves", async () => {
      const heard: ScaleInRequest[] = [];
      const leave = feed.onScaleInRequest((told) => heard.push(told));
      const full = request(2, { node: "live-edge-3", reason: "nobody for 60 s" });
      await world.ask(full);
      await world.ask(request(1));
      leave();
      leave();
      await world.ask(request(0, { node: "live-edge-4" }));
      expect(heard).toEqual([full, request(1)]);
    });

    it("tells a scale-in request that is made again, and none that was overtaken", async () => {
      const heard: ScaleInRequest[] = [];
      feed.onScaleInRequest((told) => heard.push(told));
      await world.ask(request(5, { node: "live-edge-3" }));
      await world.ask(request(9, { node: "live-edge-3" }));
      await world.ask(request(3, { node: "live-edge-3" }));
      expect(heard).toEqual([request(5, { node: "live-edge-3" }), request(3, { node: "live-edge-3" })]);
    });

    it("tells what different origins ask, of different nodes, in different groups", async () => {
      const heard: ScaleInRequest[] = [];
      feed.onScaleInRequest((told) => heard.push(told));
      const asked = [{}, { node: "live-edge-3" }, { origin: "live-origin-1" }, { group: "other" }, { namespace: "tv" }];
      for (const change of asked) await world.ask(request(2, change));
      expect(heard).toEqual(asked.map((change) => request(2, change)));
    });

    it("forgets a node that is deleted without telling, and takes what comes after for new", async () => {
      await world.tell(report(2, { sequence: 9 }));
      listen();
      await world.lose("a");
      await world.lose("nobody");
      expect(feed.latest("a")).toBeUndefined();
      expect(told).toEqual([]);
      await world.tell(report(3));
      expect(told.map(({ sequence }) => sequence)).toEqual([1]);
    });
  });
}
