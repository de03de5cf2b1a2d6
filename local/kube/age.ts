/** Ages as kubectl prints them: `44s`, `2m5s`, `7h59m`, `2d1h`. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A duration in words of two units at most; the second one only while it matters. */
export function shownAge(ms: number): string {
  if (ms < -second) return "<invalid>";
  if (ms < 0) return "0s";
  if (ms < 2 * minute) return whole(ms, second, "s");
  if (ms < 10 * minute) return whole(ms, minute, "m") + rest(ms % minute, second, "s");
  if (ms < 3 * hour) return whole(ms, minute, "m");
  if (ms < 8 * hour) return whole(ms, hour, "h") + rest(ms % hour, minute, "m");
  if (ms < 2 * day) return whole(ms, hour, "h");
  if (ms < 8 * day) return whole(ms, day, "d") + rest(ms % day, hour, "h");
  if (ms < 2 * year) return whole(ms, day, "d");
  if (ms < 8 * year) return whole(ms, year, "y") + rest(ms % year, day, "d");
  return whole(ms, year, "y");
}

function whole(ms: number, unit: number, letter: string): string {
  return `${String(Math.floor(ms / unit))}${letter}`;
}

function rest(ms: number, unit: number, letter: string): string {
  return ms < unit ? "" : whole(ms, unit, letter);
}
