/** Time as a value: what an instant is, and how it is written. Nothing here reads a clock. */

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number & { readonly unit: "ms since the epoch" };

/** A number of milliseconds since the epoch, as an Instant. */
export function instant(ms: number): Instant {
  return ms as Instant;
}

export function addMs(at: Instant, ms: number): Instant {
  return instant(at + ms);
}

/** RFC 3339 with milliseconds, in UTC: `2026-11-22T05:10:13.345Z`. */
export function toRfc3339(at: Instant): string {
  return new Date(at).toISOString();
}

/** RFC 3339 without fractions, as Kubernetes writes `metav1.Time`: `2026-11-22T05:10:13Z`. */
export function toSecondsRfc3339(at: Instant): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** The instant that an RFC 3339 text names, or undefined where it names none. */
export function fromRfc3339(text: string): Instant | undefined {
  const upper = text.toUpperCase();
  const day = rfc3339.exec(upper)?.[1];
  return day === undefined || !isDay(day) ? undefined : instant(Date.parse(upper));
}

/** JavaScript takes 30 February for 2 March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
