/** What a node is told to do in the answer to its report. All that still holds is told each time: level, not edge. */
import type { DrainReason } from "../../crds/names.ts";
import { fromRfc3339 } from "../time.ts";

/** Take no new clients; the machine goes when the last one has left. */
export interface DrainDirective {
  readonly id: string;
  readonly kind: "Drain";
  readonly reason: DrainReason;
  /** RFC 3339: when it was decided. */
  readonly at: string;
}

export type Directive = DrainDirective;

/** A node's drain, as its StreamNode's spec holds it. */
export interface DrainMark {
  readonly reason: DrainReason;
  readonly at: string;
}

/** What holds for a node now. A drain that was taken back is told no more. */
export function directivesOf(drain: DrainMark | undefined): readonly Directive[] {
  if (drain === undefined) return [];
  return [{ id: drainDirectiveId(drain), kind: "Drain", reason: drain.reason, at: drain.at }];
}

/** The id that the node acknowledges: the same for the same mark, another when the node is drained anew. */
export function drainDirectiveId(drain: DrainMark): string {
  return `drain-${fromRfc3339(drain.at) ?? drain.at}`;
}
