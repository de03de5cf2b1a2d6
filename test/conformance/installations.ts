/** Two installations on one database: whatever one writes, closes or prunes, the other's history stays as it is. */
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { History } from "../../domain/ports.ts";
import { addMs, instant } from "../../domain/time.ts";

export interface Installations {
  readonly one: History;
  readonly other: History;
  close(): Promise<void>;
}

const start = instant(Date.UTC(2026, 10, 22, 5, 10));
const at = (ms: number) => addMs(start, ms);
const group = { namespace: "media", group: "live" };
const life = { uid: "uid-1", ...group, name: "live-edge-0", role: "edge", region: "r", platform: "simulated" } as const;
const place = { ...group, role: "edge", region: "r" } as const;

/** The same node, streams, minutes, decisions, alarms and reports, as a cluster that was copied would have them. */
async function write(history: History, words: string): Promise<void> {
  const { nodeLives, streams, load, activities, alarms, lastReports } = history;
  await nodeLives.record([
    { life: { ...life, openedAt: at(0) }, phase: "Pending", at: at(0), reason: words },
    { life: { ...life, openedAt: at(0) }, phase: "Running", at: at(1), reason: words },
  ]);
  await streams.see([{ ...group, scope: "live", name: words, nodeUid: "uid-1", subscribers: 3, at: at(0) }]);
  const sums = { connectionsSum: words.length, connectionsMax: 1, publishersSum: 0, subscribersSum: 0 };
  await load.add([{ ...place, minute: start, samples: 1, ...sums }]);
  const decided = { ...place, kind: "Hold", reason: words, message: words, deciderVersion: 1, input: { words } };
  await activities.record(decided, at(0));
  await alarms.record([{ ...place, alarm: "a", from: "OK", to: "ALARM", reason: words, at: at(0) }]);
  const counts = { connections: words.length, publishers: 0, subscribers: 0 };
  const report = {
    uid: "uid-1",
    ...group,
    name: words,
    role: "edge",
    region: "r",
    bootId: words,
    sequence: 1,
  } as const;
  await lastReports.record([{ ...report, ...counts, lastReportAt: at(0) }]);
}

async function read({ nodeLives, streams, load, activities, alarms, lastReports }: History) {
  const known = await nodeLives.read("uid-1");
  const always = { ...group, from: start, to: at(1e9), limit: 9 };
  return {
    life: known?.life.closedAt,
    open: (await nodeLives.open({})).length,
    during:
      (await nodeLives.during(always)).length +
      (await streams.during(always)).length +
      (await load.during(always)).length,
    transitions: known?.transitions.map(({ reason }) => reason),
    streams: (await streams.live(group)).map(({ name }) => name),
    load: (await load.read({ ...group, from: start, to: at(1) })).map(({ connectionsSum }) => connectionsSum),
    activities: (await activities.last({ ...group, limit: 9 })).map(({ reason, count }) => [reason, count]),
    alarms: (await alarms.during(always)).map(({ reason }) => reason),
    reports: (await lastReports.read(group)).map(({ name, connections }) => [name, connections]),
  };
}

const shown = (words: string) => ({
  ...{ life: undefined, open: 1, during: 3, transitions: [words, words], streams: [words], load: [words.length] },
  ...{ activities: [[words, 1]], alarms: [words], reports: [[words, words.length]] },
});

/** The suite. `open` is called once, on an empty database. */
export function describeInstallations(open: () => Promise<Installations>): void {
  describe("two installations on one database", () => {
    let subject: Installations;
    beforeAll(async () => {
      subject = await open();
      await write(subject.one, "one");
      await write(subject.other, "another");
    });
    afterAll(() => subject.close());

    it("read their own history, though everything in it has the same name", async () => {
      expect(await read(subject.one)).toEqual(shown("one"));
      expect(await read(subject.other)).toEqual(shown("another"));
    });

    it("close, end and prune their own rows alone", async () => {
      const { one, other } = subject;
      const end = { openedBefore: at(60_000), at: at(5), reason: "Lost" };
      expect(await one.nodeLives.closeAllExcept([], end)).toBe(1);
      expect(await read(other)).toEqual(shown("another"));
      await one.nodeLives.close([{ uid: "uid-1", at: at(6), reason: "Terminated" }]);
      await one.streams.endOthers([{ nodeUid: "uid-1", still: [], at: at(7) }]);
      const later = at(86_400_000);
      for (const store of Object.values(one))
        await (store as { prune(before: typeof later): Promise<number> }).prune(later);
      expect(await read(one)).toMatchObject({
        open: 0,
        streams: [],
        load: [],
        activities: [],
        alarms: [],
        reports: [],
      });
      expect(await read(other)).toEqual(shown("another"));
    });
  });
}
