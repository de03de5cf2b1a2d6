/** The parts of which a picture is written, as SVG. Lengths are in pixels. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function path(className: string, d: string): string {
  return d === "" ? "" : `<path class="${className}" d="${d}"/>`;
}

export function straight(points: readonly Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");
}

/** A value holds until the next one. */
export function steps(points: readonly Point[]): string {
  return points
    .map(({ x, y }, index) => (index === 0 ? `M${round(x)} ${round(y)}` : `H${round(x)}V${round(y)}`))
    .join("");
}

export function closed(line: string, points: readonly Point[], base: number): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return "";
  return `${line}V${round(base)}H${round(first.x)}Z`;
}

export function text({ x, y }: Point, content: string, className = ""): string {
  const attribute = className === "" ? "" : ` class="${className}"`;
  return `<text${attribute} x="${round(x)}" y="${round(y)}">${escaped(content)}</text>`;
}

export function round(pixels: number): number {
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
export function escaped(content: string): string {
  return content
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ")
    .replace(/[\uFFFE\uFFFF]/g, "")
    .replace(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}
export function lineMark(className: string): string {
  return `<path class="${className}" d="M0 -4H24"/>`;
}

export function boxMark(className: string): string {
  return `<rect class="${className}" x="4" y="-10" width="18" height="12"/>`;
}
