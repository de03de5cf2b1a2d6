/** Many rows as one parameter: JSON that a statement unfolds with `jsonb_to_recordset`. */
import { type Instant, instant, toRfc3339 } from "../../domain/time.ts";

/** Rows as a `jsonb` text. PostgreSQL stores neither NUL nor half a surrogate pair: they are left out, or replaced. */
export function recordset(rows: readonly object[]): string {
  return JSON.stringify(rows, (_key, value: unknown) => storable(value));
}

/** A time as a statement's parameter takes it. */
export function timestamp(at: Instant): string {
  return toRfc3339(at);
}

export function fromDate(date: Date): Instant {
  return instant(date.getTime());
}

function storable(value: unknown): unknown {
  return typeof value === "string" ? value.toWellFormed().replaceAll("\0", "") : value;
}
