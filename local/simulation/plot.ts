/** A simulation as a picture: viewers and capacity, nodes, and who was rejected, over one time axis. SVG, by itself. */
import type { Sample } from "./sample.ts";

export interface PlotTitle {
  readonly title: string;
  readonly subtitle: string;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A part of the picture with its own vertical axis. Lengths are in pixels. */
interface Panel {
  readonly top: number;
  readonly height: number;
  readonly unit: string;
  /** Value at the upper edge. */
  readonly most: number;
  readonly step: number;
}

interface Legend {
  readonly text: string;
  readonly mark: string;
}

const width = 960;
const height = 690;
const left = 70;
const right = 24;
const innerWidth = width - left - right;
/** Points of a line that can still be told apart. */
const mostPoints = 900;
const thousands = new Intl.NumberFormat("en");

/** Well-formed for any text in the title, and with no sample or one as well. */
export function plot(samples: readonly Sample[], { title, subtitle }: PlotTitle): string {
  const shown = thinned(samples);
  const time = timeScale(shown);
  const bodies = [
    audiencePanel(shown, time, { top: 96, height: 270 }),
    nodesPanel(shown, time, { top: 424, height: 96 }),
    rejectedPanel(shown, time, { top: 578, height: 64 }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text({ x: left, y: 30 }, shortened(title), "title"),
    text({ x: left, y: 50 }, subtitle, "quiet"),
    ...bodies,
    timeAxis(time, 642),
    "</svg>",
    "",
  ].join("\n");
}

/** Characters of the title that fit in its line. */
const longestTitle = 96;

function shortened(title: string): string {
  const letters = Array.from(title);
  return letters.length > longestTitle ? `${letters.slice(0, longestTitle - 1).join("")}…` : title;
}

const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2933; }
.title { font-size: 14px; font-weight: 600; }
.quiet { fill: #52606d; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.ground { fill: #ffffff; }
.grid { stroke: #d5dbe1; stroke-width: 1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.wanted { fill: none; stroke: #7b8794; stroke-width: 1.5; stroke-dasharray: 2 3; }
.watching { stroke: #1264a3; }
.capacity { stroke: #2e7d32; }
.threshold { fill: none; stroke: #b7791f; stroke-width: 1.5; stroke-dasharray: 7 4; }
.alarm { fill: #d64545; fill-opacity: 0.14; }
.service { fill: #6fa86f; }
.starting { fill: #9cc4e4; }
.draining { fill: #e0b25c; }
.rejected { fill: #d64545; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .quiet { fill: #9aa5b1; }
  .ground { fill: #15191e; }
  .grid { stroke: #343c46; }
  .wanted { stroke: #9aa5b1; }
  .watching { stroke: #63b3ed; }
  .capacity { stroke: #68d391; }
  .threshold { stroke: #f6ad55; }
  .alarm { fill: #fc8181; fill-opacity: 0.2; }
  .service { fill: #3f8a58; }
  .starting { fill: #3b6f9c; }
  .draining { fill: #a8762f; }
  .rejected { fill: #fc8181; }
}
`;

interface PanelPlace {
  readonly top: number;
  readonly height: number;
}

/** Where a second lies on the horizontal axis, and how far it reaches. */
interface TimeScale {
  readonly seconds: number;
  readonly x: (seconds: number) => number;
}

function timeScale(samples: readonly Sample[]): TimeScale {
  const seconds = Math.max(1, samples.at(-1)?.seconds ?? 0);
  return { seconds, x: (at) => left + (innerWidth * at) / seconds };
}

/** Every k-th sample, and the last one. */
function thinned(samples: readonly Sample[]): readonly Sample[] {
  const every = Math.ceil(samples.length / mostPoints);
  return samples.filter((_, index) => index % every === 0 || index === samples.length - 1);
}

function audiencePanel(samples: readonly Sample[], time: TimeScale, place: PanelPlace): string {
  const panel = panelFor(
    place,
    "viewers",
    most(samples, (one) => Math.max(one.wanted, one.watching, one.capacity)),
  );
  const line = (of: (sample: Sample) => number): string =>
    straight(samples.map((one) => ({ x: time.x(one.seconds), y: yOf(panel, of(one)) })));
  const stepped = (of: (sample: Sample) => number): string =>
    steps(samples.map((one) => ({ x: time.x(one.seconds), y: yOf(panel, of(one)) })));
  const atThreshold = ({ capacity, threshold = 0 }: Sample): number => (capacity * threshold) / 100;
  const percent = samples.findLast(({ threshold }) => threshold !== undefined)?.threshold;
  const hasThreshold = percent !== undefined;
  return [
    ...alarmSpans(samples).map(([from, to]) => band(time, panel, from, to)),
    grid(panel),
    hasThreshold ? path("threshold", stepped(atThreshold)) : "",
    path(
      "line capacity",
      stepped(({ capacity }) => capacity),
    ),
    path(
      "wanted",
      line(({ wanted }) => wanted),
    ),
    path(
      "line watching",
      line(({ watching }) => watching),
    ),
    legend(place.top - 14, [
      { text: "watching", mark: lineMark("line watching") },
      { text: "wanted", mark: lineMark("wanted") },
      { text: "capacity in service", mark: lineMark("line capacity") },
      ...(hasThreshold ? [{ text: `threshold (${percent} % of capacity)`, mark: lineMark("threshold") }] : []),
      { text: "alarm", mark: boxMark("alarm") },
    ]),
  ].join("\n");
}

function nodesPanel(samples: readonly Sample[], time: TimeScale, place: PanelPlace): string {
  const all = ({ inService, draining, starting }: Sample): number => inService + draining + starting;
  const panel = panelFor(place, "nodes", most(samples, all));
  const area = (to: (sample: Sample) => number): string => {
    const points = samples.map((one) => ({ x: time.x(one.seconds), y: yOf(panel, to(one)) }));
    return closed(steps(points), points, yOf(panel, 0));
  };
  return [
    grid(panel),
    path("starting", area(all)),
    path(
      "draining",
      area(({ inService, draining }) => inService + draining),
    ),
    path(
      "ground",
      area(({ inService }) => inService),
    ),
    path(
      "service",
      area(({ inService }) => inService),
    ),
    legend(place.top - 14, [
      { text: "nodes in service", mark: boxMark("service") },
      { text: "draining", mark: boxMark("draining") },
      { text: "starting", mark: boxMark("starting") },
    ]),
  ].join("\n");
}

function rejectedPanel(samples: readonly Sample[], time: TimeScale, place: PanelPlace): string {
  const rates = samples.map((one, index) => rejectedRate(samples[index - 1], one));
  const panel = panelFor(
    place,
    "per s",
    rates.reduce((highest, rate) => Math.max(highest, rate), 0),
  );
  const bars = samples.flatMap((one, index) => {
    const rate = rates[index] ?? 0;
    const before = samples[index - 1];
    return rate === 0 || before === undefined ? [] : [bar(panel, time.x(before.seconds), time.x(one.seconds), rate)];
  });
  const total = samples.at(-1)?.rejected ?? 0;
  return [
    grid(panel),
    ...bars,
    legend(place.top - 14, [{ text: `rejected viewers (${total} in all)`, mark: boxMark("rejected") }]),
  ].join("\n");
}

function rejectedRate(before: Sample | undefined, { seconds, rejected }: Sample): number {
  if (before === undefined || seconds <= before.seconds) return 0;
  return Math.max(0, rejected - before.rejected) / (seconds - before.seconds);
}

/** From when to when (s) an alarm lasted. */
export function alarmSpans(samples: readonly Sample[]): readonly (readonly [from: number, to: number])[] {
  const spans: (readonly [number, number])[] = [];
  let since: number | undefined;
  for (const { inAlarm, seconds } of samples) {
    if (inAlarm) since ??= seconds;
    else if (since !== undefined) {
      spans.push([since, seconds]);
      since = undefined;
    }
  }
  const end = samples.at(-1)?.seconds;
  return since === undefined || end === undefined ? spans : [...spans, [since, end]];
}

function most(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((highest, one) => Math.max(highest, of(one)), 0);
}

/** Ends at a multiple of a round step, with about four of them. */
function panelFor(place: PanelPlace, unit: string, highest: number): Panel {
  const step = roundStep(Math.max(1, highest) / (place.height > 150 ? 5 : 3));
  return { ...place, unit, step, most: Math.max(1, Math.ceil(highest / step)) * step };
}

/** The next of 1, 2, 5, 10, 20, 50, … */
export function roundStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  const factor = [1, 2, 5, 10].find((one) => one * magnitude >= least) ?? 10;
  return factor * magnitude;
}

function yOf({ top, height: tall, most: highest }: Panel, value: number): number {
  return top + tall * (1 - value / highest);
}

function grid(panel: Panel): string {
  const count = Math.round(panel.most / panel.step);
  const lines = Array.from({ length: count + 1 }, (_, index) => index * panel.step).map((value) => {
    const y = yOf(panel, value);
    const label = text({ x: left - 8, y: y + 4 }, thousands.format(value), "quiet end");
    return `<line class="grid" x1="${left}" x2="${width - right}" y1="${round(y)}" y2="${round(y)}"/>${label}`;
  });
  const unit = text({ x: left - 8, y: panel.top - 14 }, panel.unit, "quiet end");
  return [...lines, unit].join("\n");
}

function timeAxis({ seconds, x }: TimeScale, y: number): string {
  const unit = seconds > 7_200 ? { seconds: 3_600, name: "hours" } : { seconds: 60, name: "minutes" };
  const isShort = seconds < 180;
  const scale = isShort ? { seconds: 1, name: "seconds" } : unit;
  const step = roundStep(seconds / scale.seconds / 12);
  const count = Math.floor(seconds / scale.seconds / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step).map((value) => {
    const at = x(value * scale.seconds);
    return `<line class="grid" x1="${round(at)}" x2="${round(at)}" y1="${y}" y2="${y + 5}"/>${text({ x: at, y: y + 20 }, String(value), "quiet middle")}`;
  });
  return [...ticks, text({ x: left + innerWidth / 2, y: y + 38 }, `time (${scale.name})`, "quiet middle")].join("\n");
}

function legend(y: number, entries: readonly Legend[]): string {
  let x = left;
  return entries
    .map(({ text: label, mark }) => {
      const at = x;
      x += 34 + label.length * 6.8 + 18;
      return `<g transform="translate(${round(at)} ${y})">${mark}${text({ x: 30, y: 0 }, label)}</g>`;
    })
    .join("\n");
}

function lineMark(className: string): string {
  return `<path class="${className}" d="M0 -4H24"/>`;
}

function boxMark(className: string): string {
  return `<rect class="${className}" x="4" y="-10" width="18" height="12"/>`;
}

function band(time: TimeScale, { top, height: tall }: Panel, from: number, to: number): string {
  const [x, end] = [time.x(from), time.x(to)];
  const wide = Math.max(1, end - x);
  return `<rect class="alarm" x="${round(x)}" y="${top}" width="${round(wide)}" height="${tall}"/>`;
}

function bar(panel: Panel, from: number, to: number, value: number): string {
  const y = yOf(panel, value);
  const tall = panel.top + panel.height - y;
  return `<rect class="rejected" x="${round(from)}" y="${round(y)}" width="${round(Math.max(1, to - from))}" height="${round(tall)}"/>`;
}

function path(className: string, d: string): string {
  return d === "" ? "" : `<path class="${className}" d="${d}"/>`;
}

function straight(points: readonly Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");
}

/** A value holds until the next one. */
function steps(points: readonly Point[]): string {
  return points
    .map(({ x, y }, index) => (index === 0 ? `M${round(x)} ${round(y)}` : `H${round(x)}V${round(y)}`))
    .join("");
}

function closed(line: string, points: readonly Point[], base: number): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return "";
  return `${line}V${round(base)}H${round(first.x)}Z`;
}

function text({ x, y }: Point, content: string, className = ""): string {
  const attribute = className === "" ? "" : ` class="${className}"`;
  return `<text${attribute} x="${round(x)}" y="${round(y)}">${escaped(content)}</text>`;
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Fit for XML: characters that it cannot hold are left out. */
function escaped(content: string): string {
  return content
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ")
    .replace(/[\uFFFE\uFFFF]/g, "")
    .replace(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}
