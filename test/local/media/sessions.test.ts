import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { idle, loadOfBoth } from "../../../local/media/load.ts";
import { type MediaSession, MediaSessions } from "../../../local/media/sessions.ts";

const session = (id: string, change: Partial<MediaSession> = {}): MediaSession => ({
  id,
  kind: "subscribe",
  scope: "live",
  name: "one",
  ...change,
});

describe("the sessions of a media node", () => {
  it("count clients and streams as they come and go", () => {
    const sessions = new MediaSessions();
    sessions.add(session("p", { kind: "publish" }));
    sessions.add(session("a"));
    sessions.add(session("b", { name: "two" }));
    expect(sessions.load()).toEqual({
      connections: 3,
      publishers: 1,
      subscribers: 2,
      streams: [
        { scope: "live", name: "one", subscribers: 1 },
        { scope: "live", name: "two", subscribers: 1 },
      ],
    });
    expect([sessions.remove("b"), sessions.remove("b"), sessions.remove("a")]).toEqual([true, false, true]);
    expect(sessions.load()).toEqual({
      connections: 1,
      publishers: 1,
      subscribers: 0,
      streams: [{ scope: "live", name: "one", subscribers: 0 }],
    });
    expect(sessions.removeAll()).toEqual(["p"]);
    expect(sessions.load()).toEqual(idle);
  });

  it("count what a list of them would, whatever came before", () => {
    const step = fc.record({
      id: fc.constantFrom("a", "b", "c", "d"),
      kind: fc.constantFrom("publish" as const, "subscribe" as const),
      name: fc.constantFrom("one", "two"),
      comes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const sessions = new MediaSessions();
        const list = new Map<string, MediaSession>();
        for (const { comes, ...fields } of steps) {
          if (!comes) expect(sessions.remove(fields.id)).toBe(list.delete(fields.id));
          else if (!list.has(fields.id)) {
            list.set(fields.id, session(fields.id, fields));
            sessions.add(session(fields.id, fields));
          }
        }
        const all = [...list.values()];
        const { connections, publishers, subscribers } = sessions.load();
        const published = all.filter(({ kind }) => kind === "publish").length;
        expect({ connections, publishers, subscribers }).toEqual({
          connections: all.length,
          publishers: published,
          subscribers: all.length - published,
        });
        expect(sessions.streamCount).toBe(new Set(all.map(({ name }) => name)).size);
      }),
    );
  });
});

describe("the load of a media node", () => {
  it("follows from its clients and its room", () => {
    const clients = { connections: 50, publishers: 10, subscribers: 40, streams: [] };
    expect(loadOfBoth(idle, clients, 100)).toMatchObject({ cpuPercent: 47.5, memoryPercent: 45, egressMbps: 80 });
    expect(loadOfBoth(idle, idle, 100)).toMatchObject({ cpuPercent: 5, memoryPercent: 20, egressMbps: 0 });
    expect(loadOfBoth(idle, { ...clients, connections: 500 }, 100)).toMatchObject({ cpuPercent: 90 });
  });

  it("adds the sessions to what is given, which speaks for the machine", () => {
    const given = {
      connections: 3,
      publishers: 1,
      subscribers: 2,
      cpuPercent: 99,
      egressMbps: 7,
      streams: [{ scope: "live", name: "one", subscribers: 2 }],
    };
    const clients = {
      connections: 2,
      publishers: 0,
      subscribers: 2,
      streams: [
        { scope: "live", name: "one", subscribers: 1 },
        { scope: "live", name: "two", subscribers: 1 },
      ],
    };
    expect(loadOfBoth(given, clients, 100)).toMatchObject({
      connections: 5,
      publishers: 1,
      subscribers: 4,
      cpuPercent: 99,
      egressMbps: 11,
      streams: [
        { scope: "live", name: "one", subscribers: 3 },
        { scope: "live", name: "two", subscribers: 1 },
      ],
    });
  });

  it("tells of at most 2,000 streams", () => {
    const streams = Array.from({ length: 2_500 }, (_, n) => ({ scope: "live", name: `s${n}`, subscribers: 1 }));
    expect(loadOfBoth(idle, { ...idle, streams }, 100).streams).toHaveLength(2_000);
    expect(loadOfBoth({ ...idle, streams }, idle, 100).streams).toHaveLength(2_000);
  });
});
