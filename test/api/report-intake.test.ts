/** What is taken of a report: who speaks and how many clients there are has to make sense, and nothing else can silence a node. */
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Intake, takeReport } from "../../api/report-intake.ts";
import { reportRequestSchema } from "../../api/node-schemas.ts";
import { partFaults, reportParts } from "../../domain/load/report-parts.ts";

const sane = { bootId: "boot-1", sequence: 3, connections: 12, publishers: 1, subscribers: 11 };
const empty = { accepting: true, streams: [], links: [], children: [], acknowledged: [] };

function taken(change: object): Extract<Intake, { kind: "Taken" }> {
  const intake = takeReport({ ...sane, ...change });
  if (intake.kind !== "Taken") throw new Error(`refused: ${intake.reason}`);
  return intake;
}

const words = (intake: Extract<Intake, { kind: "Taken" }>) =>
  intake.losses.map(({ part, reason, count }) => `${part} ${reason} ${count}`);

describe("a gauge", () => {
  it.each([
    ["cpuPercent", 12.5, 12.5, []],
    ["cpuPercent", 100.4, 100, ["cpuPercent OutOfRange 1"]],
    ["cpuPercent", -0.001, 0, ["cpuPercent OutOfRange 1"]],
    ["cpuPercent", 180, undefined, ["cpuPercent OutOfRange 1"]],
    ["cpuPercent", -5, undefined, ["cpuPercent OutOfRange 1"]],
    ["memoryPercent", "40", undefined, ["memoryPercent WrongType 1"]],
    ["memoryPercent", null, undefined, ["memoryPercent WrongType 1"]],
    ["egressMbps", Infinity, undefined, ["egressMbps WrongType 1"]],
    ["egressMbps", 2e7, undefined, ["egressMbps OutOfRange 1"]],
    ["admitted", 1.5, undefined, ["admitted OutOfRange 1"]],
    ["admitted", -1, undefined, ["admitted OutOfRange 1"]],
    ["admitted", [], undefined, ["admitted WrongType 1"]],
  ])("%s %p is taken as %p", (part, value, expected, losses) => {
    const intake = taken({ [part]: value });
    expect((intake.report as unknown as Record<string, unknown>)[part]).toBe(expected);
    expect(words(intake)).toEqual(losses);
    expect(intake.report).toMatchObject(sane);
  });
});

describe("whether it takes clients", () => {
  it.each([
    [false, false, []],
    [true, true, []],
    [undefined, true, []],
    ["false", true, ["accepting WrongType 1"]],
    [null, true, ["accepting WrongType 1"]],
    [0, true, ["accepting WrongType 1"]],
  ])("%p is taken as %p: only a clear word ends what draining waits for", (value, expected, losses) => {
    const intake = taken({ accepting: value });
    expect(intake.report.accepting).toBe(expected);
    expect(words(intake)).toEqual(losses);
  });
});

describe("a stream", () => {
  it.each([
    ["too long", "x".repeat(256), "x".repeat(255)],
    ["empty", "", "?"],
    ["with control characters", "a\u0000b\r\nc", "a\ufffdb\ufffd\ufffdc"],
    ["with half a character", "a\ud800", "a\ufffd"],
    ["cut within a character", `${"x".repeat(254)}😀`, `${"x".repeat(254)}\ufffd`],
  ])("whose name is %s counts, and is told", (_what, name, expected) => {
    const intake = taken({ streams: [{ scope: "live", name, subscribers: 4 }] });
    expect(intake.report.streams).toEqual([{ scope: "live", name: expected, subscribers: 4 }]);
    expect(words(intake)).toEqual(["streams BadText 1"]);
  });

  it("counts whatever it says of its viewers", () => {
    const streams = [-1, 1.5, "2", 1e9, null].map((subscribers) => ({ scope: "a", name: "b", subscribers }));
    const intake = taken({ streams });
    expect(intake.report.streams.map(({ subscribers }) => subscribers)).toEqual([0, 0, 0, 0, 0]);
    expect(words(intake)).toEqual(["streams OutOfRange 5"]);
  });

  it("that is none is left out", () => {
    const intake = taken({ streams: [null, 5, "x", [], { scope: 1, name: "b" }, { name: "b" }] });
    expect(intake.report.streams).toEqual([]);
    expect(words(intake)).toEqual(["streams WrongType 6"]);
  });
});

describe("a list", () => {
  it.each([
    ["streams", 2_000, (at: number) => ({ scope: "a", name: `b${at}`, subscribers: 0 })],
    ["links", 1_000, (at: number) => ({ parent: `live-origin-${at}`, state: "established" })],
    ["children", 2_000, (at: number) => ({ name: `live-edge-${at}`, connections: 0, subscribers: 0, streams: 0 })],
    ["acknowledged", 100, (at: number) => `drain-${at}`],
  ] as const)("of %s keeps its first %d", (part, most, make) => {
    const intake = taken({ [part]: Array.from({ length: most + 3 }, (_, at) => make(at)) });
    expect(intake.report[part]).toHaveLength(most);
    expect(words(intake)).toEqual([`${part} TooMany 3`]);
  });

  it.each(["streams", "links", "children", "acknowledged"] as const)("of %s that is none is empty", (part) => {
    for (const value of ["x", 5, { length: 3 }, null]) {
      expect(taken({ [part]: value }).report[part]).toEqual([]);
      expect(words(taken({ [part]: value }))).toEqual([`${part} WrongType 1`]);
    }
  });

  it("leaves out what does not fit, and keeps the rest", () => {
    const links = [
      { parent: "live-origin-0", state: "up" },
      { parent: "", state: "lost" },
      { parent: "live-origin-1", state: "established" },
      { state: "lost" },
    ];
    const intake = taken({ links, acknowledged: ["drain-1", "", 7, "a\nb"] });
    expect(intake.report).toMatchObject({ links: [links[2]], acknowledged: ["drain-1"] });
    expect(words(intake)).toEqual([
      "links OutOfRange 1",
      "links BadText 1",
      "links WrongType 1",
      "acknowledged BadText 2",
      "acknowledged WrongType 1",
    ]);
  });
});

/** What has to make sense, or nothing is taken. */
const decisive: ReadonlySet<string> = new Set(["report", "connections", "publishers", "subscribers"]);

describe("any report at all", () => {
  const anyPart = fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue()), fc.string(), fc.double(), fc.anything());
  const anyParts = fc.record(
    Object.fromEntries(reportParts.filter((part) => !decisive.has(part)).map((part) => [part, anyPart])),
    { requiredKeys: [] },
  );

  it("with sane counts is taken, fits what was documented, and is told in words of our own", () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const intake = taken(parts);
        expect(reportRequestSchema.safeParse(intake.report).error).toBeUndefined();
        expect(intake.report).toMatchObject(sane);
        for (const { part, reason } of intake.losses) {
          expect(reportParts).toContain(part);
          expect(partFaults).toContain(reason);
        }
      }),
    );
  });

  it("that fits is taken as it is", () => {
    const fits = {
      ...sane,
      ...empty,
      admitted: 5,
      cpuPercent: 1,
      streams: [{ scope: "live", name: "größe 😀", subscribers: 2 }],
      links: [{ parent: "live-origin-0", state: "connecting" }],
      acknowledged: ["drain-1"],
    };
    expect(takeReport(fits)).toEqual({ kind: "Taken", report: fits, losses: [] });
  });

  it.each([
    ["Identity", { bootId: "" }],
    ["Identity", { sequence: -1 }],
    ["Counts", { connections: 1.5 }],
    ["Counts", { publishers: undefined }],
    ["Counts", { subscribers: "5" }],
  ])("without %s is refused", (reason, change) => {
    expect(takeReport({ ...sane, ...change })).toMatchObject({ kind: "Refused", reason });
  });

  it.each([[null], [5], ["x"], [[]]])("that is %p is refused", (body) => {
    expect(takeReport(body)).toMatchObject({ kind: "Refused", reason: "Identity" });
  });
});
