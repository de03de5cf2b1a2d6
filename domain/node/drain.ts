/** How far a node has come with its drain, by its own word. Silence, staleness and another boot's report prove nothing. */
import { type DrainMark, drainDirectiveId } from "./directive.ts";
import type { NodeReport } from "../load/report.ts";

export type DrainProgress =
  /** It has never called back, so nobody can be on it. */
  | { readonly kind: "NeverRegistered" }
  /** No fresh report of the registered boot is known. */
  | { readonly kind: "NoReport" }
  /** It has not said that it knows of this drain, or it still takes new clients. */
  | { readonly kind: "AwaitingAcknowledgement" }
  /** It takes no new clients, and so many are left. */
  | { readonly kind: "ClientsLeft"; readonly clients: number }
  /** It takes no new clients, and nobody is left: it may go. */
  | { readonly kind: "NobodyLeft" };

/** What a node says that matters to its drain. */
export type DrainReport = Pick<NodeReport, "connections" | "publishers" | "subscribers" | "accepting" | "acknowledged">;

export interface DrainFacts {
  /** A boot of the node has called back. */
  readonly registered: boolean;
  /**
   * The machine may have served although no registration is known: its object was adopted or applied again, or some
   * boot of it has reported.
   */
  readonly mayHaveServed: boolean;
  /** The newest report of the registered boot, while it is fresh. */
  readonly report: DrainReport | undefined;
}

export function drainProgress(drain: DrainMark, { registered, mayHaveServed, report }: DrainFacts): DrainProgress {
  if (!registered && !mayHaveServed) return { kind: "NeverRegistered" };
  if (!registered || report === undefined) return { kind: "NoReport" };
  if (report.accepting || !report.acknowledged.includes(drainDirectiveId(drain)))
    return { kind: "AwaitingAcknowledgement" };
  const clients = Math.max(report.connections, report.publishers + report.subscribers);
  return clients > 0 ? { kind: "ClientsLeft", clients } : { kind: "NobodyLeft" };
}

/** Whether nobody can be on the node any more, so that its machine may go. */
export function isDrained({ kind }: DrainProgress): boolean {
  return kind === "NobodyLeft" || kind === "NeverRegistered";
}

/**
 * The count rounded up to 1, 2 or 5 times a power of ten: what people want to know of a drain, in so few steps that a
 * status that shows it is seldom written.
 */
export function atMost(clients: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, clients)));
  const step = [1, 2, 5, 10].find((factor) => clients <= factor * power);
  return (step ?? 10) * power;
}
