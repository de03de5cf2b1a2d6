import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { alarmSpans, plot } from "../../../local/simulation/plot.ts";
import { roundStep } from "../../../local/simulation/plot-axes.ts";
import type { Sample } from "../../../local/simulation/sample.ts";
import { sample } from "./samples.ts";

const title = { title: "streamfleet simulate", subtitle: "a test" };

/** Every element is closed in its order, and no character stands where XML has none. */
function isWellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, closing, name, attributes, empty] of svg.matchAll(
    /<(\/?)([a-z]+)((?:\s+[A-Za-z:-]+="[^"<&]*")*)\s*(\/?)>/g,
  )) {
    if (attributes === undefined) return false;
    if (closing === "/") {
      if (open.pop() !== name) return false;
    } else if (empty !== "/") open.push(name ?? "");
  }
  const content = svg.replace(/<[^<>]*>/g, "");
  return open.length === 0 && !/[<>]|&(?!(amp|lt|gt|quot|apos);)/.test(content.replaceAll(">", "&gt;"));
}

const anySample: fc.Arbitrary<Partial<Sample>> = fc.record({
  wanted: fc.nat(1_000_000),
  watching: fc.nat(1_000_000),
  capacity: fc.nat(1_000_000),
  inService: fc.nat(5_000),
  starting: fc.nat(5_000),
  draining: fc.nat(5_000),
  inAlarm: fc.boolean(),
  rejected: fc.nat(100_000),
});

const anyText = fc
  .array(fc.constantFrom("a", " ", "<", ">", "&", '"', "'", "\u0000", "\uFFFF", "\uD800", "😀"))
  .map((letters) => letters.join(""));

/** The points of the path with this class. */
function pathOf(svg: string, className: string): string {
  return new RegExp(`<path class="${className}" d="(M[^"]{12,})"`).exec(svg)?.[1] ?? "";
}

describe("the picture", () => {
  it("is well-formed with any samples, and has no number that is none", () => {
    fc.assert(
      fc.property(fc.array(anySample, { maxLength: 30 }), anyText, (samples, text) => {
        const svg = plot(
          samples.map((fields, index) => sample(index, fields)),
          { title: text, subtitle: text },
        );
        return isWellFormed(svg) && !/NaN|Infinity|undefined/.test(svg.replaceAll(text, ""));
      }),
      { numRuns: 25 },
    );
  });

  it("escapes what the command says", () => {
    expect(plot([], { title: `--group "a<b>&'c'"`, subtitle: "\u0000x" })).toContain(
      "--group &quot;a&lt;b&gt;&amp;&apos;c&apos;&quot;",
    );
  });

  it("draws a value to scale: half of the highest is half way up", () => {
    const svg = plot(
      [sample(0, { wanted: 0, watching: 0, capacity: 0 }), sample(60, { watching: 500, wanted: 500, capacity: 1_000 })],
      title,
    );
    // The panel lies between 96 and 366, and ends at 1,000.
    expect(pathOf(svg, "line watching")).toBe("M70 366L936 231");
    expect(pathOf(svg, "line capacity")).toBe("M70 366H936V96");
    expect(pathOf(svg, "threshold")).toBe("M70 366H936V204");
  });

  it("has a legend, units and the span of the alarm", () => {
    const svg = plot(
      [sample(0), sample(60, { inAlarm: true }), sample(240, { rejected: 9 }), sample(600, { rejected: 9 })],
      title,
    );
    for (const text of [
      "watching",
      "capacity in service",
      "threshold (60 % of capacity)",
      "nodes in service",
      "draining",
    ]) {
      expect(svg).toContain(`>${text}<`);
    }
    expect(svg).toContain(">time (minutes)<");
    expect(svg).toContain(">rejected viewers (9 in all)<");
    expect(svg).toContain('<rect class="alarm" x="156.6" y="96" width="259.8" height="270"/>');
    expect(svg).toContain("prefers-color-scheme: dark");
  });

  it("stays small for a day of samples", () => {
    const day = Array.from({ length: 86_400 }, (_, second) => sample(second, { watching: second % 200 }));
    const svg = plot(day, title);
    expect(svg.length).toBeLessThan(150_000);
    expect(svg).toContain(">time (hours)<");
  });
});

describe("alarm spans", () => {
  it("end where the alarm does, or where the samples do", () => {
    const states = [false, true, true, false, true];
    expect(alarmSpans(states.map((inAlarm, index) => sample(index, { inAlarm })))).toEqual([
      [1, 3],
      [4, 4],
    ]);
    expect(alarmSpans([])).toEqual([]);
  });
});

it.each([
  [0.3, 1],
  [1.2, 2],
  [3, 5],
  [7, 10],
  [120, 200],
])("the next round step from %d is %d", (least, step) => expect(roundStep(least)).toBe(step));
