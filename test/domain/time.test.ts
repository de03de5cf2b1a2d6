import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { addMs, fromRfc3339, instant, toRfc3339, toSecondsRfc3339 } from "../../domain/time.ts";

const moment = instant(Date.UTC(2026, 10, 22, 5, 10, 13, 345));
/** The years 0000 to 9999, which RFC 3339 can write. */
const anyInstant = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }).map(instant);

describe("time as a text", () => {
  it("has milliseconds for us and none for Kubernetes", () => {
    expect(toRfc3339(moment)).toBe("2026-11-22T05:10:13.345Z");
    expect(toSecondsRfc3339(moment)).toBe("2026-11-22T05:10:13Z");
    expect(toRfc3339(addMs(moment, 655))).toBe("2026-11-22T05:10:14.000Z");
  });

  it("is read again as it was written", () => {
    fc.assert(fc.property(anyInstant, (at) => expect(fromRfc3339(toRfc3339(at))).toBe(at)));
  });

  it.each([
    ["2026-11-22T05:10:13.345Z", moment],
    ["2026-11-22t05:10:13.345z", moment],
    ["2026-11-22T06:10:13.345+01:00", moment],
    ["2026-11-21T23:40:13.345-05:30", moment],
    ["2026-11-22T05:10:13.345678Z", moment],
    ["2026-11-22T05:10:13Z", instant(moment - 345)],
    ["2024-02-29T00:00:00Z", instant(Date.UTC(2024, 1, 29))],
  ])("names an instant as %s", (text, at) => {
    expect(fromRfc3339(text)).toBe(at);
  });

  it.each([
    "",
    "tomorrow",
    "1",
    "2026",
    "2026-11-22",
    "22 Nov 2026 05:10:13 GMT",
    "2026-11-22T05:10:13",
    "2026-11-22T05:10Z",
    "2026-11-22 05:10:13Z",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T05:10:60Z",
    "2026-11-22T05:10:13+99:00",
    "2026-11-22T05:10:13Z\n",
    "+002026-11-22T05:10:13Z",
  ])("names none as %j", (text) => {
    expect(fromRfc3339(text)).toBeUndefined();
  });

  it("is never read as no number", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map(String)), (text) => {
        expect(fromRfc3339(text)).not.toBeNaN();
      }),
    );
  });
});
