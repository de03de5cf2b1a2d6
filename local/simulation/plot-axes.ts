/** The frame of a picture: how large it is, its panels with their scales, and its time axis. */
import type { Sample } from "./sample.ts";
import { round, text } from "./svg.ts";

export const width = 960;
export const height = 690;
export const left = 70;
const right = 24;
export const innerWidth = width - left - right;
const thousands = new Intl.NumberFormat("en");

/** A part of the picture with its own vertical axis. Lengths are in pixels. */
export interface Panel {
  readonly top: number;
  readonly height: number;
  readonly unit: string;
  /** Value at the upper edge. */
  readonly most: number;
  readonly step: number;
}

export interface PanelPlace {
  readonly top: number;
  readonly height: number;
}

/** Where a second lies on the horizontal axis, and how far it reaches. */
export interface TimeScale {
  readonly seconds: number;
  readonly x: (seconds: number) => number;
}

export function timeScale(samples: readonly Sample[]): TimeScale {
  const seconds = Math.max(1, samples.at(-1)?.seconds ?? 0);
  return { seconds, x: (at) => left + (innerWidth * at) / seconds };
}

/** Ends at a multiple of a round step, with about four of them. */
export function panelFor(place: PanelPlace, unit: string, highest: number): Panel {
  const step = roundStep(Math.max(1, highest) / (place.height > 150 ? 5 : 3));
  return { ...place, unit, step, most: Math.max(1, Math.ceil(highest / step)) * step };
}

/** The next of 1, 2, 5, 10, 20, 50, … */
export function roundStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  const factor = [1, 2, 5, 10].find((one) => one * magnitude >= least) ?? 10;
  return factor * magnitude;
}

export function yOf({ top, height: tall, most: highest }: Panel, value: number): number {
  return top + tall * (1 - value / highest);
}

export function grid(panel: Panel): string {
  const count = Math.round(panel.most / panel.step);
  const lines = Array.from({ length: count + 1 }, (_, index) => index * panel.step).map((value) => {
    const y = yOf(panel, value);
    const label = text({ x: left - 8, y: y + 4 }, thousands.format(value), "quiet end");
    return `<line class="grid" x1="${left}" x2="${width - right}" y1="${round(y)}" y2="${round(y)}"/>${label}`;
  });
  const unit = text({ x: left - 8, y: panel.top - 14 }, panel.unit, "quiet end");
  return [...lines, unit].join("\n");
}

export function timeAxis({ seconds, x }: TimeScale, y: number): string {
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
