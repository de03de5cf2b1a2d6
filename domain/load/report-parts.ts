/** What of a node's report was not taken, and why: in words of our own, so that nothing a stranger chose reaches a log or a metric. */

/** A part of a report; `report` is all of it. */
export const reportParts = [
  "report",
  "connections",
  "publishers",
  "subscribers",
  "accepting",
  "admitted",
  "cpuPercent",
  "memoryPercent",
  "egressMbps",
  "streams",
  "links",
  "children",
  "acknowledged",
] as const;
export type ReportPart = (typeof reportParts)[number];

/**
 * - `WrongType`: no number, text, list or object where one belongs. `OutOfRange`: no such percent or count.
 * - `BadText`: too long, empty, or with control characters. `TooMany`: beyond the longest list.
 * - `NotAllowed`: it speaks for nodes that it may not speak for. `Impossible`: more clients than there can be.
 * - `OverCapacity`: more clients than 1.1 times what the node can serve; what is above does not count as load.
 * - Of a whole report: `Identity` (boot, sequence), `Counts`, `NotJson`, `TooLarge`.
 */
export const partFaults = [
  "WrongType",
  "OutOfRange",
  "BadText",
  "TooMany",
  "NotAllowed",
  "Impossible",
  "OverCapacity",
  "Identity",
  "Counts",
  "NotJson",
  "TooLarge",
] as const;
export type PartFault = (typeof partFaults)[number];

/** Items of one part that were dropped or clamped for one reason. */
export interface PartLoss {
  readonly part: ReportPart;
  readonly reason: PartFault;
  /** How many; of a part that is no list, 1. */
  readonly count: number;
}

/** Counts losses as they are found. */
export class LossTally {
  readonly #counts = new Map<string, PartLoss>();

  add(part: ReportPart, reason: PartFault, count = 1): void {
    const key = lossKey({ part, reason });
    this.#counts.set(key, { part, reason, count: (this.#counts.get(key)?.count ?? 0) + count });
  }

  losses(): readonly PartLoss[] {
    return [...this.#counts.values()];
  }
}

/** `streams BadText`: the same words in logs, conditions and messages. */
export function lossKey({ part, reason }: { readonly part: string; readonly reason: string }): string {
  return `${part} ${reason}`;
}
