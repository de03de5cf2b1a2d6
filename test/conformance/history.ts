/** What every history must do, in memory, embedded or on a server: the ports' docstrings as tests. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type {
  AlarmTransition,
  DecidedActivity,
  HistorySpan,
  LastReport,
  LoadMinute,
  NodeLife,
  NodeLifeTransition,
  StreamSighting,
} from "../../domain/history.ts";
import type { History } from "../../domain/ports.ts";
import { addMs, type Instant, instant } from "../../domain/time.ts";

export interface HistoryUnderTest {
  readonly history: History;
  /** The same history by another connection, where there can be one. */
  readonly other?: History;
  close(): Promise<void>;
}

const start = instant(Date.UTC(2026, 10, 22, 5, 10, 13, 345));
const minuteMs = 60_000;

function at(ms: number): Instant {
  return addMs(start, ms);
}

/** Runs the contract of the history ports; `open` is called once, and each test works in a namespace of its own. */
export function describeHistory(open: () => Promise<HistoryUnderTest>): void {
  describe("history", () => {
    let subject: HistoryUnderTest;
    let history: History;
    let other: History;
    let tests = 0;
    let namespace = "";

    beforeAll(async () => {
      subject = await open();
      history = subject.history;
      other = subject.other ?? subject.history;
    });
    afterAll(async () => {
      await subject.close();
    });
    beforeEach(() => {
      namespace = `test-${tests++}`;
    });

    function life(name: string, change: Partial<NodeLife> = {}): NodeLifeTransition["life"] {
      const uid = `${namespace}-${name}`;
      const region = "region-1";
      return {
        uid,
        namespace,
        group: "live",
        name,
        role: "edge",
        region,
        platform: "simulated",
        openedAt: at(0),
        ...change,
      };
    }

    function transition(
      life: NodeLifeTransition["life"],
      change: Partial<NodeLifeTransition> = {},
    ): NodeLifeTransition {
      return { life, phase: "Pending", at: life.openedAt, reason: "Launched", ...change };
    }

    function sighting(change: Partial<StreamSighting> = {}): StreamSighting {
      const nodeUid = `${namespace}-node`;
      return { namespace, group: "live", scope: "live", name: "one", nodeUid, subscribers: 3, at: at(0), ...change };
    }

    async function liveNames(): Promise<readonly string[]> {
      return (await history.streams.live({ namespace, group: "live" })).map(({ name }) => name);
    }

    function minute(change: Partial<LoadMinute> = {}): LoadMinute {
      return {
        ...{ namespace, group: "live", role: "edge", region: "region-1", minute: instant(0) },
        ...{ samples: 2, connectionsSum: 30, connectionsMax: 20, publishersSum: 1, subscribersSum: 29 },
        ...change,
      };
    }

    function activity(change: Partial<DecidedActivity> = {}): DecidedActivity {
      return {
        ...{ namespace, group: "live", role: "edge", region: "region-1", kind: "ScaleOut", reason: "BelowMinimum" },
        ...{ message: "2 of 3 edges", deciderVersion: 1, input: { minimum: 3, nodes: ["a", { b: null }] } },
        ...change,
      };
    }

    function alarm(change: Partial<AlarmTransition> = {}): AlarmTransition {
      return {
        ...{ namespace, group: "live", alarm: "edge-scale-out", role: "edge", region: "region-1" },
        ...{ from: "OK", to: "ALARM", reason: "71.3 > 60 in 1 of 1 periods", at: at(0) },
        ...change,
      };
    }

    function report(change: Partial<LastReport> = {}): LastReport {
      const name = change.name ?? "edge-0";
      return {
        ...{ uid: `${namespace}-${name}`, namespace, group: "live", name, role: "edge", region: "region-1" },
        ...{ bootId: "boot-1", sequence: 1, connections: 30, publishers: 1, subscribers: 29, lastReportAt: at(0) },
        ...change,
      };
    }

    function always(): HistorySpan {
      return { namespace, group: "live", from: instant(0), to: at(1e12), limit: 100 };
    }

    describe("node lives", () => {
      it("opens a life with its first transition and keeps the others in order of time", async () => {
        const edge = life("edge-0");
        const known = { ...edge, providerId: "i-1" };
        await history.nodeLives.record([transition(edge)]);
        await history.nodeLives.record([
          transition(known, { phase: "InService", at: at(2_000), reason: "Reported" }),
          transition(known, { phase: "Running", at: at(1_000), reason: "Booted" }),
        ]);
        expect(await history.nodeLives.read(edge.uid)).toEqual({
          life: known,
          transitions: [
            { phase: "Pending", at: at(0), reason: "Launched" },
            { phase: "Running", at: at(1_000), reason: "Booted" },
            { phase: "InService", at: at(2_000), reason: "Reported" },
          ],
        });
      });

      it("keeps transitions of the same millisecond in the order in which they were said", async () => {
        const edge = life("edge-0");
        const phases = ["Pending", "Running", "InService", "Draining"] as const;
        await history.nodeLives.record(phases.map((phase) => transition(edge, { phase })));
        const { transitions } = (await history.nodeLives.read(edge.uid))!;
        expect(transitions.map(({ phase }) => phase)).toEqual(phases);
      });

      it("does nothing when a transition is repeated", async () => {
        const edge = transition(life("edge-0"));
        await history.nodeLives.record([edge, edge]);
        await history.nodeLives.record([{ ...edge, reason: "Said differently" }]);
        const { transitions } = (await history.nodeLives.read(edge.life.uid))!;
        expect(transitions).toEqual([{ phase: "Pending", at: at(0), reason: "Launched" }]);
      });

      it("never forgets a provider id", async () => {
        const edge = life("edge-0");
        await history.nodeLives.record([transition({ ...edge, providerId: "i-1" })]);
        await history.nodeLives.record([transition(edge, { phase: "Running" })]);
        expect((await history.nodeLives.read(edge.uid))?.life.providerId).toBe("i-1");
      });

      it("closes a life once, and keeps it closed", async () => {
        const edge = life("edge-0");
        await history.nodeLives.record([transition(edge)]);
        await history.nodeLives.close([{ uid: edge.uid, at: at(5_000), reason: "Terminated" }]);
        await history.nodeLives.close([{ uid: edge.uid, at: at(9_000), reason: "Again" }]);
        await history.nodeLives.record([transition(edge, { phase: "Terminating", at: at(4_000) })]);
        const found = (await history.nodeLives.read(edge.uid))!;
        expect(found.life).toEqual({ ...edge, closedAt: at(5_000), closeReason: "Terminated" });
        expect(found.transitions).toHaveLength(2);
        expect(await history.nodeLives.open({ namespace })).toEqual([]);
      });

      it("does nothing when a life that was never opened is closed, and can open it later", async () => {
        const edge = life("edge-0");
        await history.nodeLives.close([{ uid: edge.uid, at: at(0), reason: "Terminated" }]);
        expect(await history.nodeLives.read(edge.uid)).toBeUndefined();
        await history.nodeLives.record([transition(edge, { phase: "InService", at: at(7_000) })]);
        expect(await history.nodeLives.open({ namespace })).toEqual([edge]);
      });

      it("lists the open lives of a group, of a namespace or of all, oldest first", async () => {
        const young = life("a", { openedAt: at(2_000) });
        const old = life("b", { openedAt: at(1_000) });
        const elsewhere = life("c", { openedAt: at(3_000), group: "other" });
        await history.nodeLives.record([young, old, elsewhere].map((one) => transition(one)));
        const { nodeLives } = history;
        expect(await nodeLives.open({ namespace, group: "live" })).toEqual([old, young]);
        expect(await nodeLives.open({ namespace })).toEqual([old, young, elsewhere]);
        expect(await nodeLives.open({})).toEqual(expect.arrayContaining([old, young, elsewhere]));
      });

      it("closes all but the listed lives and those that are too young", async () => {
        await history.nodeLives.closeAllExcept([], { openedBefore: at(1e9), at: at(0), reason: "Other tests" });
        const [kept, lost, young] = [life("kept"), life("lost"), life("young", { openedAt: at(60_000) })] as const;
        await history.nodeLives.record([kept, lost, young].map((one) => transition(one)));
        await history.streams.see([sighting({ nodeUid: lost.uid, name: "lost" }), sighting({ nodeUid: kept.uid })]);
        const end = { openedBefore: at(60_000), at: at(90_000), reason: "Lost" };
        expect(await history.nodeLives.closeAllExcept([kept.uid, "unknown"], end)).toBe(1);
        expect(await history.nodeLives.closeAllExcept([kept.uid], end)).toBe(0);
        expect(await history.nodeLives.open({ namespace })).toEqual([kept, young]);
        const { life: closed } = (await history.nodeLives.read(lost.uid))!;
        expect(closed).toEqual({ ...lost, closedAt: at(90_000), closeReason: "Lost" });
        expect(await liveNames()).toEqual(["one"]);
      });

      it("takes what text can hold and PostgreSQL cannot", async () => {
        const edge = transition(life("edge-0"), { reason: "a\0b\ud800c 'quoted' \\u0000 ü" });
        await history.nodeLives.record([edge]);
        expect((await history.nodeLives.read(edge.life.uid))?.transitions[0]?.reason).toContain("c 'quoted' \\u0000 ü");
      });

      it("takes nothing at all", async () => {
        await history.nodeLives.record([]);
        await history.nodeLives.close([]);
        await history.streams.see([]);
        await history.streams.endOthers([]);
        await history.load.add([]);
        await history.alarms.record([]);
        await history.lastReports.record([]);
        expect(await history.nodeLives.open({ namespace })).toEqual([]);
      });

      it("prunes lives that were closed before, with their transitions, and no open one", async () => {
        await history.nodeLives.prune(at(1e9));
        const [old, late, living] = [life("old"), life("late"), life("living")] as const;
        const transitions = [old, late, living].flatMap((one) => [
          transition(one),
          transition(one, { phase: "InService", at: at(10) }),
        ]);
        await history.nodeLives.record(transitions);
        await history.nodeLives.close([
          { uid: old.uid, at: at(1_000), reason: "Terminated" },
          { uid: late.uid, at: at(5_000), reason: "Terminated" },
        ]);
        expect(await history.nodeLives.prune(at(5_000))).toBe(1);
        expect(await history.nodeLives.prune(at(5_000))).toBe(0);
        expect(await history.nodeLives.read(old.uid)).toBeUndefined();
        expect((await history.nodeLives.read(late.uid))?.transitions).toHaveLength(2);
        expect(await history.nodeLives.open({ namespace })).toEqual([living]);
      });

      it("agrees with itself when several write at once", async () => {
        const lives = Array.from({ length: 40 }, (_, index) => life(`edge-${index}`));
        const opening = lives.map((one) => transition(one));
        const ends = lives.map(({ uid }) => ({ uid, at: at(1_000), reason: "Terminated" }));
        const forth = [history, other, history, other].map((one) => one.nodeLives.record(opening));
        const back = [history, other].map((one) => one.nodeLives.record(opening.toReversed()));
        await Promise.all([...forth, ...back]);
        expect(await history.nodeLives.open({ namespace })).toHaveLength(40);
        await Promise.all([
          history.nodeLives.close(ends),
          other.nodeLives.close(ends.toReversed()),
          other.nodeLives.record(opening),
        ]);
        expect(await other.nodeLives.open({ namespace })).toEqual([]);
        expect((await other.nodeLives.read(lives[0]!.uid))?.transitions).toHaveLength(1);
      });
    });

    describe("a stretch of time", () => {
      const ms = (from: number, to: number, limit = 100): HistorySpan => ({
        ...always(),
        from: at(from),
        to: at(to),
        limit,
      });

      it("has the lives that were open at some moment of it, the newest first", async () => {
        const names = async (span: HistorySpan) => (await history.nodeLives.during(span)).map(({ name }) => name);
        for (const [name, openedAt] of [
          ["a", 0],
          ["b", 1_000],
          ["c", 2_000],
        ] as const)
          await history.nodeLives.record([transition(life(name, { openedAt: at(openedAt) }))]);
        await history.nodeLives.record([transition(life("z", { group: "other" }))]);
        await history.nodeLives.close([{ uid: life("a").uid, at: at(1_500), reason: "Terminated" }]);
        expect(await names(always())).toEqual(["c", "b", "a"]);
        expect(await names(ms(1_500, 2_000))).toEqual(["b", "a"]);
        expect(await names(ms(1_501, 2_001))).toEqual(["c", "b"]);
        expect(await names(ms(0, 1_000))).toEqual(["a"]);
        expect(await names(ms(0, 9_000, 2))).toEqual(["c", "b"]);
        const [, , closed] = await history.nodeLives.during(always());
        expect(closed).toEqual({ ...life("a"), closedAt: at(1_500), closeReason: "Terminated" });
      });

      it("has the streams that ran at some moment of it, the newest first", async () => {
        const names = async (span: HistorySpan) => (await history.streams.during(span)).map(({ name }) => name);
        await history.streams.see([sighting({ name: "a" }), sighting({ name: "b", at: at(1_000) })]);
        await history.streams.endOthers([
          { nodeUid: sighting().nodeUid, still: [{ scope: "live", name: "b" }], at: at(1_500) },
        ]);
        await history.streams.see([sighting({ name: "c", at: at(2_000) }), sighting({ name: "x", group: "other" })]);
        expect(await names(always())).toEqual(["c", "b", "a"]);
        expect(await names(ms(1_500, 2_000))).toEqual(["b", "a"]);
        expect(await names(ms(1_501, 2_001))).toEqual(["c", "b"]);
        expect(await names(ms(0, 9_000, 1))).toEqual(["c"]);
        expect((await history.streams.during(always())).at(-1)).toMatchObject({ name: "a", endedAt: at(1_500) });
      });

      it("has the minutes and the transitions of it, the newest first", async () => {
        const minutes = [0, 1, 2, 3].map((index) => minute({ minute: instant(index * minuteMs) }));
        await history.load.add(minutes);
        const span = { ...always(), from: instant(minuteMs), to: instant(3 * minuteMs) };
        expect(await history.load.during(span)).toEqual([minutes[2], minutes[1]]);
        expect(await history.load.during({ ...span, limit: 1 })).toEqual([minutes[2]]);
        await history.alarms.record([0, 1_000, 2_000].map((when) => alarm({ at: at(when) })));
        expect((await history.alarms.during(ms(0, 2_000))).map((one) => one.at)).toEqual([at(1_000), at(0)]);
      });
    });

    describe("streams", () => {
      it("opens a stream at its first sighting and keeps its peak", async () => {
        await history.streams.see([sighting()]);
        await history.streams.see([sighting({ subscribers: 9, at: at(1_000) }), sighting({ at: at(2_000) })]);
        const { scope, name, nodeUid } = sighting();
        const record = {
          namespace,
          group: "live",
          scope,
          name,
          nodeUid,
          startedAt: at(0),
          lastSeenAt: at(2_000),
          peakSubscribers: 9,
        };
        expect(await history.streams.live({ namespace, group: "live" })).toEqual([record]);
      });

      it("lists the open streams of a group by scope and name, once for each node", async () => {
        const names = ["two", "one"].map((name) => sighting({ name }));
        const elsewhere = [sighting({ group: "other", nodeUid: "n2" }), sighting({ scope: "vod", name: "a" })];
        await history.streams.see([...names, ...elsewhere, sighting({ nodeUid: "n3", at: at(1) })]);
        expect(await liveNames()).toEqual(["one", "one", "two", "a"]);
      });

      it("ends the streams that a node no longer lists, and opens them anew when they come back", async () => {
        const nodeUid = `${namespace}-node`;
        await history.streams.see([
          sighting(),
          sighting({ name: "two" }),
          sighting({ nodeUid: "neighbour", name: "three" }),
        ]);
        const lists = [{ nodeUid, still: [{ scope: "live", name: "two" }], at: at(1_000) }];
        await history.streams.endOthers(lists);
        await history.streams.endOthers(lists);
        expect(await liveNames()).toEqual(["three", "two"]);
        await history.streams.see([sighting({ at: at(2_000) })]);
        expect(await liveNames()).toEqual(["one", "three", "two"]);
        const [again] = await history.streams.live({ namespace, group: "live" });
        expect(again).toMatchObject({ startedAt: at(2_000) });
      });

      it("ends with the life of its node, and does not begin after it", async () => {
        const edge = life("edge-0");
        await history.nodeLives.record([transition(edge)]);
        await history.streams.see([sighting({ nodeUid: edge.uid })]);
        await history.nodeLives.close([{ uid: edge.uid, at: at(1_000), reason: "Terminated" }]);
        expect(await liveNames()).toEqual([]);
        await history.streams.see([sighting({ nodeUid: edge.uid, at: at(2_000) })]);
        expect(await liveNames()).toEqual([]);
      });

      it("prunes streams that ended before, however they ended, and no open one", async () => {
        await history.streams.prune(at(1e9));
        const edge = life("edge-0");
        const nodeUid = `${namespace}-node`;
        await history.nodeLives.record([transition(edge)]);
        const names = ["gone", "kept"].map((name) => sighting({ name }));
        await history.streams.see([...names, sighting({ nodeUid: edge.uid, name: "late" })]);
        await history.streams.endOthers([{ nodeUid, still: [{ scope: "live", name: "kept" }], at: at(1_000) }]);
        await history.nodeLives.close([{ uid: edge.uid, at: at(5_000), reason: "Terminated" }]);
        expect(await history.streams.prune(at(5_000))).toBe(1);
        expect(await history.streams.prune(at(5_001))).toBe(1);
        expect(await history.streams.prune(at(1e9))).toBe(0);
        expect(await liveNames()).toEqual(["kept"]);
      });

      it("opens a stream once when several see it at once", async () => {
        const names = Array.from({ length: 20 }, (_, index) => sighting({ name: `s${index}` }));
        const writers = [history, other, history, other];
        await Promise.all(writers.map((one, index) => one.streams.see(index % 2 === 0 ? names : names.toReversed())));
        expect(await liveNames()).toHaveLength(20);
      });
    });

    describe("load", () => {
      const everything = { from: instant(0), to: instant(1e9) };

      it("adds to a minute: sums add up, maxima compare", async () => {
        await history.load.add([minute(), minute({ connectionsMax: 50 })]);
        await history.load.add([minute({ samples: 1, connectionsMax: 5 })]);
        expect(await history.load.read({ namespace, group: "live", ...everything })).toEqual([
          minute({ samples: 5, connectionsSum: 90, connectionsMax: 50, publishersSum: 3, subscribersSum: 87 }),
        ]);
      });

      it("holds sums that no 32 bits can", async () => {
        await history.load.add([minute({ connectionsSum: 2 ** 40 })]);
        await history.load.add([minute({ connectionsSum: 2 ** 40 })]);
        const [found] = await history.load.read({ namespace, group: "live", ...everything });
        expect(found?.connectionsSum).toBe(2 ** 41);
      });

      it("reads from the first instant to before the last one, oldest first", async () => {
        const minutes = [3, 1, 2, 0].map((index) => minute({ minute: instant(index * minuteMs) }));
        await history.load.add([...minutes, minute({ group: "other", minute: instant(minuteMs) })]);
        const filter = { namespace, group: "live", from: instant(minuteMs), to: instant(3 * minuteMs) };
        const found = await history.load.read(filter);
        expect(found.map((one) => one.minute / minuteMs)).toEqual([1, 2]);
      });

      it("prunes what is older", async () => {
        await history.load.prune(instant(1e9));
        await history.load.add([0, 1, 2].map((index) => minute({ minute: instant(index * minuteMs) })));
        expect(await history.load.prune(instant(2 * minuteMs))).toBe(2);
        expect(await history.load.read({ namespace, group: "live", ...everything })).toHaveLength(1);
      });

      it("loses nothing when several add at once", async () => {
        const minutes = [0, 1, 2].map((index) => minute({ minute: instant(index * minuteMs) }));
        const writers = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? history : other));
        await Promise.all(writers.map((one, index) => one.load.add(index % 3 === 0 ? minutes : minutes.toReversed())));
        const found = await history.load.read({ namespace, group: "live", ...everything });
        expect(found.map(({ samples }) => samples)).toEqual([20, 20, 20]);
      });
    });

    describe("activities", () => {
      const newest = () => history.activities.last({ namespace, group: "live", limit: 10 });

      it("counts what is decided again and keeps what was said first", async () => {
        await history.activities.record(activity(), at(0));
        await history.activities.record(activity({ message: "1 of 3 edges" }), at(5_000));
        await history.activities.record(activity(), at(60_000), 11);
        expect(await newest()).toEqual([{ ...activity(), firstAt: at(0), lastAt: at(60_000), count: 13 }]);
      });

      it("keeps what was said last beside it, where it is another sentence", async () => {
        const latest = async () => (await newest()).map(({ message, latestMessage }) => [message, latestMessage]);
        const first = activity().message;
        await history.activities.record(activity(), at(0));
        expect(await latest()).toEqual([[first, undefined]]);
        await history.activities.record(activity({ message: "1 of 3 edges" }), at(5_000));
        expect(await latest()).toEqual([[first, "1 of 3 edges"]]);
        // Another writer is late: what it said is not the last.
        await history.activities.record(activity({ message: "0 of 3 edges" }), at(4_000));
        expect(await latest()).toEqual([[first, "1 of 3 edges"]]);
        await history.activities.record(activity(), at(6_000));
        expect(await latest()).toEqual([[first, undefined]]);
      });

      it("adds a row when the kind or the reason changes, also back to an older one", async () => {
        await history.activities.record(activity(), at(0));
        await history.activities.record(activity({ kind: "Hold" }), at(1_000));
        await history.activities.record(activity({ kind: "Hold", reason: "Paused" }), at(2_000));
        await history.activities.record(activity(), at(3_000));
        const said = (await newest()).map(({ kind, reason, firstAt }) => [kind, reason, firstAt - at(0)]);
        expect(said).toEqual([
          ["ScaleOut", "BelowMinimum", 3_000],
          ["Hold", "Paused", 2_000],
          ["Hold", "BelowMinimum", 1_000],
          ["ScaleOut", "BelowMinimum", 0],
        ]);
      });

      it("compares within one (group, role, region)", async () => {
        const changes = [{}, { role: "origin" }, { region: "region-2" }, { group: "other" }] as const;
        for (const [index, change] of changes.entries()) await history.activities.record(activity(change), at(index));
        for (const change of changes) await history.activities.record(activity(change), at(9));
        expect((await newest()).map(({ count }) => count)).toEqual([2, 2, 2]);
      });

      it("answers no more than asked for", async () => {
        for (const [index, kind] of ["A", "B", "C"].entries())
          await history.activities.record(activity({ kind }), at(index));
        const last = await history.activities.last({ namespace, group: "live", limit: 2 });
        expect(last.map(({ kind }) => kind)).toEqual(["C", "B"]);
      });

      it("answers what had begun by a time, without what began after it", async () => {
        for (const [index, kind] of ["A", "B", "C"].entries())
          await history.activities.record(activity({ kind }), at(index * 1_000));
        const until = async (ms: number, limit = 9): Promise<readonly string[]> => {
          const filter = { namespace, group: "live", limit, until: at(ms) };
          return (await history.activities.last(filter)).map(({ kind }) => kind);
        };
        expect(await until(999)).toEqual(["A"]);
        expect(await until(1_000)).toEqual(["B", "A"]);
        expect(await until(9_000, 2)).toEqual(["C", "B"]);
        expect(await until(-1)).toEqual([]);
      });

      it("prunes what ended before, and goes on after it", async () => {
        await history.activities.prune(at(1e9));
        await history.activities.record(activity(), at(0));
        await history.activities.record(activity({ kind: "Hold" }), at(1_000));
        await history.activities.record(activity({ kind: "Hold" }), at(9_000));
        expect(await history.activities.prune(at(5_000))).toBe(1);
        expect((await newest()).map(({ kind }) => kind)).toEqual(["Hold"]);
        expect(await history.activities.prune(at(10_000))).toBe(1);
        await history.activities.record(activity(), at(20_000));
        expect((await newest()).map(({ count }) => count)).toEqual([1]);
      });

      it("adds one row when several say the same at once", async () => {
        const writers = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? history : other));
        await Promise.all(writers.map((one) => one.activities.record(activity(), at(0))));
        expect((await newest()).map(({ count }) => count)).toEqual([8]);
      });

      it("loses nothing when several say different things at once", async () => {
        const kinds = ["A", "B", "C", "D", "E", "F"];
        await Promise.all(
          kinds.map((kind, i) => (i % 2 === 0 ? history : other).activities.record(activity({ kind }), at(0))),
        );
        expect((await newest()).map(({ kind }) => kind).sort()).toEqual(kinds);
      });
    });

    describe("alarm transitions", () => {
      const newest = (limit = 10) => history.alarms.during({ ...always(), limit });

      it("answers the newest of a group first, and no more than asked for", async () => {
        const [raised, cleared] = [alarm(), alarm({ from: "ALARM", to: "OK", at: at(2_000) })] as const;
        const elsewhere = alarm({ region: "region-2", from: "INSUFFICIENT_DATA", at: at(1_000) });
        await history.alarms.record([cleared, raised]);
        await history.alarms.record([elsewhere, alarm({ group: "other", at: at(3_000) })]);
        expect(await newest()).toEqual([cleared, elsewhere, raised]);
        expect(await newest(1)).toEqual([cleared]);
      });

      it("does nothing when a transition is repeated", async () => {
        const others = [alarm({ alarm: "edge-scale-in" }), alarm({ region: "region-2" }), alarm({ at: at(1) })];
        await history.alarms.record([alarm(), ...others, alarm()]);
        await history.alarms.record([alarm({ reason: "Said differently" }), ...others]);
        const found = await newest();
        expect(found).toHaveLength(4);
        expect(found.map(({ reason }) => reason)).toEqual(Array<string>(4).fill(alarm().reason));
      });

      it("prunes what is older", async () => {
        await history.alarms.prune(at(1e9));
        await history.alarms.record([0, 1_000, 2_000].map((ms) => alarm({ at: at(ms) })));
        expect(await history.alarms.prune(at(2_000))).toBe(2);
        expect((await newest()).map(({ at: when }) => when)).toEqual([at(2_000)]);
      });

      it("loses nothing when several write at once", async () => {
        const rows = Array.from({ length: 30 }, (_, index) => alarm({ alarm: `a${index}` }));
        const writers = [history, other, history, other];
        await Promise.all(writers.map((one, index) => one.alarms.record(index % 2 === 0 ? rows : rows.toReversed())));
        expect(await newest(99)).toHaveLength(30);
      });
    });

    describe("last reports", () => {
      const known = () => history.lastReports.read({ namespace, group: "live" });

      it("keeps all that a report says, and answers the nodes of a group by name", async () => {
        const full = report({ cpuPercent: 12.25, memoryPercent: 0, egressMbps: 940.5, lastTrafficAt: at(-5_000) });
        const second = report({ name: "edge-1", role: "origin", sequence: Number.MAX_SAFE_INTEGER });
        await history.lastReports.record([second, full, report({ name: "edge-2", group: "other" })]);
        expect(await known()).toEqual([full, second]);
      });

      it("keeps the newest by its time and then by its sequence, whatever comes last", async () => {
        const newest = report({
          lastReportAt: at(5_000),
          sequence: 2,
          connections: 7,
          cpuPercent: 5,
          bootId: "boot-2",
        });
        await history.lastReports.record([report({ sequence: 9, egressMbps: 1 })]);
        await history.lastReports.record([newest]);
        await history.lastReports.record([report({ lastReportAt: at(5_000), sequence: 1 })]);
        await history.lastReports.record([report({ lastReportAt: at(4_000), sequence: 10 })]);
        await history.lastReports.record([{ ...newest, connections: 8 }]);
        expect(await known()).toEqual([newest]);
      });

      it("never loses the latest traffic, and takes it from an older report too", async () => {
        const quiet = { lastReportAt: at(5_000), sequence: 5, connections: 0 };
        await history.lastReports.record([report({ lastTrafficAt: at(-1_000) })]);
        await history.lastReports.record([report(quiet)]);
        expect(await known()).toEqual([report({ ...quiet, lastTrafficAt: at(-1_000) })]);
        await history.lastReports.record([report({ lastReportAt: at(3_000), lastTrafficAt: at(3_000) })]);
        await history.lastReports.record([report({ lastReportAt: at(2_000), lastTrafficAt: at(2_000) })]);
        expect(await known()).toEqual([report({ ...quiet, lastTrafficAt: at(3_000) })]);
      });

      it("prunes nodes that reported last before", async () => {
        await history.lastReports.prune(at(1e9));
        await history.lastReports.record([report(), report({ name: "edge-1", lastReportAt: at(1_000) })]);
        expect(await history.lastReports.prune(at(1_000))).toBe(1);
        expect((await known()).map(({ name }) => name)).toEqual(["edge-1"]);
      });

      it("keeps the newest when several write at once", async () => {
        const round = (sequence: number) =>
          Array.from({ length: 30 }, (_, node) =>
            report({ name: `edge-${node}`, lastReportAt: at(sequence), sequence }),
          );
        const writers = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? history : other));
        await Promise.all(
          writers.map((one, index) =>
            one.lastReports.record(index % 3 === 0 ? round(index) : round(index).toReversed()),
          ),
        );
        const found = await known();
        expect(found.map(({ sequence }) => sequence)).toEqual(Array<number>(30).fill(7));
      });
    });
  });
}
