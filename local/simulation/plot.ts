/** A simulation as a picture: viewers and capacity, nodes, and who was rejected, over one time axis. SVG, by itself. */
import type { Sample } from "./sample.ts";
import {
  grid,
  height,
  left,
  type Panel,
  panelFor,
  type PanelPlace,
  timeAxis,
  type TimeScale,
  timeScale,
  width,
  yOf,
} from "./plot-axes.ts";
import { boxMark, closed, escaped, lineMark, path, round, steps, straight, text } from "./svg.ts";
import { plotStyle } from "./plot-style.ts";

export interface PlotTitle {
  readonly title: string;
  readonly subtitle: string;
}

interface Legend {
  readonly text: string;
  readonly mark: string;
}

/** Points of a line that can still be told apart. */
const mostPoints = 900;

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
    `<style>${plotStyle}</style>`,
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
