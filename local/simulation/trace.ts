/**
 * How many viewers and publishers there are to be at each second of a trace. A trace is a line through points, straight in
 * between; two points at the same second are a step.
 */
import type { Audience } from "./crowd-options.ts";

export const traceNames = ["ramp", "flash-crowd", "square", "diurnal"] as const;
export type TraceName = (typeof traceNames)[number];

export interface Trace {
  readonly name: string;
  readonly durationSeconds: number;
  /** Before the beginning and after the end it is as it was there. */
  at(seconds: number): Audience;
}

export interface TracePoint extends Audience {
  readonly seconds: number;
}

/** A file that holds no trace. The message is one line that says where and what. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  readonly isForPeople = true;
}

/** Seconds, and the part of all viewers. */
type Shape = readonly (readonly [seconds: number, share: number])[];

/** For people: what each trace looks like. N: the viewers at its highest. */
export const traceDescriptions: Readonly<Record<TraceName, string>> = {
  ramp: "0 to N in 10 min, N for 5 min, down to 0 in 5 min",
  "flash-crowd": "N/10 for 1 min, N within 1 min and for 5 min, N/20 within 1 min and for 20 min",
  square: "N/10 and N in turn, 5 min each, for 30 min",
  diurnal: "a day with its evening; with --speed 60 it takes 24 min",
};

const shapes: Readonly<Record<TraceName, Shape>> = {
  ramp: [
    [0, 0],
    [600, 1],
    [900, 1],
    [1_200, 0],
  ],
  "flash-crowd": [
    [0, 0.1],
    [60, 0.1],
    [120, 1],
    [420, 1],
    [480, 0.05],
    [1_680, 0.05],
  ],
  square: squareShape({ halfSeconds: 300, halves: 6, low: 0.1 }),
  diurnal: dayShape([
    0.35, 0.22, 0.14, 0.09, 0.07, 0.06, 0.08, 0.13, 0.2, 0.26, 0.3, 0.34, 0.4, 0.42, 0.4, 0.41, 0.46, 0.55, 0.68, 0.85,
    1, 0.98, 0.8, 0.55,
  ]),
};

function squareShape(of: { readonly halfSeconds: number; readonly halves: number; readonly low: number }): Shape {
  return Array.from({ length: of.halves }, (_, half) => half).flatMap((half): Shape => {
    const share = half % 2 === 0 ? of.low : 1;
    return [
      [half * of.halfSeconds, share],
      [(half + 1) * of.halfSeconds, share],
    ];
  });
}

/** One share for each hour; the day ends as it began. */
function dayShape(hours: readonly number[]): Shape {
  return [...hours, hours[0] ?? 0].map((share, hour) => [hour * 3_600, share] as const);
}

/** A trace of ours, at its highest as large as `size`. The publishers are there from beginning to end. */
export function namedTrace(name: TraceName, { viewers, publishers }: Audience): Trace {
  const points = shapes[name].map(([seconds, share]) => ({ seconds, viewers: share * viewers, publishers }));
  return traceThrough(name, points);
}

/** The trace through these points, in order of time. */
export function traceThrough(name: string, points: readonly TracePoint[]): Trace {
  return { name, durationSeconds: points.at(-1)?.seconds ?? 0, at: (seconds) => valueAt(points, seconds) };
}

function valueAt(points: readonly TracePoint[], seconds: number): Audience {
  const next = points.findIndex((point) => point.seconds > seconds);
  const before = next === -1 ? points.at(-1) : points[next - 1];
  const after = next === -1 ? before : points[next];
  const [from, to] = [before ?? after, after ?? before];
  if (from === undefined || to === undefined) return { viewers: 0, publishers: 0 };
  const length = to.seconds - from.seconds;
  const share = length === 0 ? 0 : (seconds - from.seconds) / length;
  const between = (a: number, b: number): number => Math.round(a + (b - a) * share);
  return { viewers: between(from.viewers, to.viewers), publishers: between(from.publishers, to.publishers) };
}

const columns = ["seconds", "viewers", "publishers"] as const;
/** Most clients of one kind that a file may ask for. */
const mostClients = 10_000_000;
const longestSeconds = 31 * 86_400;

/**
 * Reads a trace from `seconds,viewers[,publishers]` with a header line; without the third column there are `publishers` of
 * them. Empty lines are passed over. Throws `TraceError` with the line's number.
 */
export function csvTrace(
  text: string,
  { file, publishers }: { readonly file: string; readonly publishers: number },
): Trace {
  const bad = /[^\P{Cc}\t\r\n]/u.exec(text);
  if (bad !== null) {
    const line = text.slice(0, bad.index).split("\n").length;
    throw new TraceError(`${file}:${line}: has a control character; write numbers and commas alone`);
  }
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line, index) => ({ cells: line.split(",").map((cell) => cell.trim()), at: `${file}:${index + 1}` }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
  const [header, ...rows] = lines;
  const width = checkHeader(file, header);
  const points = rows.map((row) => toPoint(row, { width, publishers }));
  if (points.length < 2)
    throw new TraceError(`${file}: write at least two lines after the header, such as 0,100 and 60,500`);
  checkOrder(rows, points);
  return traceThrough(file, points);
}

interface Line {
  readonly cells: readonly string[];
  /** File and line number. */
  readonly at: string;
}

/** Two or three columns. */
function checkHeader(file: string, header: Line | undefined): number {
  const names = header?.cells.map((cell) => cell.toLowerCase()) ?? [];
  const fits = names.length >= 2 && names.length <= 3 && names.every((name, index) => name === columns[index]);
  if (!fits)
    throw new TraceError(`${header?.at ?? file}: the first line must be seconds,viewers or seconds,viewers,publishers`);
  return names.length;
}

function toPoint(
  { cells, at }: Line,
  { width, publishers }: { readonly width: number; readonly publishers: number },
): TracePoint {
  if (cells.length !== width) throw new TraceError(`${at}: ${cells.length} values where the header has ${width}`);
  const value = (index: number, most: number): number => {
    const cell = cells[index] ?? "";
    const number = Number(cell);
    if (/^\d+(\.\d+)?$/.test(cell) && number <= most) return number;
    throw new TraceError(`${at}: ${columns[index] ?? ""} is "${cell.slice(0, 40)}", not a number from 0 to ${most}`);
  };
  const rest = width === 3 ? Math.round(value(2, mostClients)) : publishers;
  return { seconds: value(0, longestSeconds), viewers: value(1, mostClients), publishers: rest };
}

function checkOrder(rows: readonly Line[], points: readonly TracePoint[]): void {
  points.forEach((point, index) => {
    const before = points[index - 1];
    if (before !== undefined && before.seconds > point.seconds) {
      throw new TraceError(`${rows[index]?.at ?? ""}: second ${point.seconds} comes after second ${before.seconds}`);
    }
  });
  if (points[0]?.seconds !== 0) throw new TraceError(`${rows[0]?.at ?? ""}: the trace must begin at second 0`);
}
