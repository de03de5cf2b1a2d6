/** Whether a group is paused now, and until when. */
import type { NodeGroupSpec } from "../../crds/node-group.ts";
import { fromRfc3339, type Instant } from "../time.ts";

export type Pause =
  | { readonly kind: "NotPaused" }
  /** `until` has passed: the block is still there, but it holds nothing. */
  | { readonly kind: "PauseEnded"; readonly until: Instant }
  | { readonly kind: "ScalingPaused"; readonly until: Instant | undefined; readonly reason: string }
  | { readonly kind: "EverythingPaused"; readonly until: Instant | undefined; readonly reason: string };

/** The pause that holds at `now`. */
export function pauseAt(pause: NodeGroupSpec["pause"], now: Instant): Pause {
  if (pause === undefined) return { kind: "NotPaused" };
  const until = pause.until === undefined ? undefined : fromRfc3339(pause.until);
  if (until !== undefined && until <= now) return { kind: "PauseEnded", until };
  const kind = pause.mode === "Everything" ? "EverythingPaused" : "ScalingPaused";
  return { kind, until, reason: pause.reason ?? "no reason given" };
}
