/** What people write after a flag, read; each throws `InvalidArgumentError`, which says what to write. */
import { InvalidArgumentError } from "commander";
import { addMs, fromRfc3339, type Instant } from "../domain/time.ts";
import { systemClock } from "../runtime/clock.ts";

/** Most decisions, and rows of history, of one answer. */
export const mostDecisions = 1_000;

export function wholeNumber({ from, to }: { readonly from: number; readonly to: number }): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,9}$/.test(text) && number >= from && number <= to) return number;
    throw new InvalidArgumentError(`write a whole number from ${from} to ${to}`);
  };
}

export function toFactor(text: string): number {
  if (isFactor(text)) return Number(text);
  throw new InvalidArgumentError("write a number above 0 and below 100000");
}

export function toDuration(text: string): number {
  if (text === "0" || isFactor(text)) return Number(text);
  throw new InvalidArgumentError("write 0, or a number above 0 and below 100000");
}

function isFactor(text: string): boolean {
  return /^\d{1,5}(\.\d{1,6})?$/.test(text) && Number(text) > 0;
}

export function toHttpUrl(text: string): string {
  if (/^https?:\/\/./.test(text) && URL.canParse(text)) return text.replace(/\/+$/, "");
  throw new InvalidArgumentError("write a URL such as http://127.0.0.1:8080");
}

export function toTime(text: string): Instant {
  const time = parseTime(text, systemClock().now());
  if (time !== undefined) return time;
  throw new InvalidArgumentError("write a time such as 2026-11-22T09:00:00Z, or how long ago, such as 90s, 10m, 2h");
}

export function toPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError("write a port from 1 to 65535");
}

/** A time as people write it: RFC 3339, or how long ago, such as `90s`, `10m`, `2h`. Undefined: neither. */
export function parseTime(text: string, now: Instant): Instant | undefined {
  const ago = /^(\d{1,6})(s|m|h|d)$/.exec(text.trim());
  if (ago === null) return fromRfc3339(text.trim());
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[ago[2] as "s" | "m" | "h" | "d"];
  return addMs(now, -Number(ago[1]) * unitMs);
}
