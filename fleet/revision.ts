/** The revision of a LaunchConfig: a hash of its content, by which a change is recognised. */
import { createHash } from "node:crypto";
import type { LaunchConfig } from "../crds/launch-config.ts";

/** The same content has the same revision, whatever the order of its fields. */
export function revisionOf({ spec }: Pick<LaunchConfig, "spec">): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(spec)))
    .digest("hex")
    .slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
