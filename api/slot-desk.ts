/** Gives out connection slots: picks a node for a client and keeps the slot until the client had time to connect. */
import type { NodeReport } from "../domain/load.ts";
import { staleIntervals } from "../domain/load.ts";
import type { Clock, Instant } from "../domain/time.ts";
import type { CandidateBook, CandidatePlace, ServingNode } from "./candidate-book.ts";
import type { Candidate } from "./placement.ts";
import { leastLoaded } from "./placement.ts";
import type { Reservations } from "./reservations.ts";

export interface SlotDeskDeps {
  readonly candidates: CandidateBook;
  readonly reservations: Reservations;
  readonly clock: Clock;
  readonly reportIntervalMs: number;
}

export type SlotAnswer =
  | { readonly kind: "Reserved"; readonly node: ServingNode }
  /** `message` says how many nodes serve; a slot may be free after `retryAfterMs`. */
  | { readonly kind: "NoFreeSlot"; readonly message: string; readonly retryAfterMs: number };

/** How long (ms) to wait where no reservation ends sooner: a node may report fewer clients by then. */
const usualWaitMs = 5_000;

interface Standing extends Candidate {
  readonly node: ServingNode;
}

/** Answers from memory alone. */
export class SlotDesk {
  readonly #deps: SlotDeskDeps;

  constructor(deps: SlotDeskDeps) {
    this.#deps = deps;
  }

  /** Whether the group has any node of the role, serving or not. */
  hasNodes(place: CandidatePlace): boolean {
    return this.#deps.candidates.hasNodes(place);
  }

  /** Reserves a slot of the least loaded node that takes new clients. */
  reserve(place: CandidatePlace): SlotAnswer {
    const standings = this.#standings(place);
    const chosen = leastLoaded(standings);
    if (chosen === undefined) return this.#refusal(place, standings);
    this.#deps.reservations.reserve(chosen.node.uid);
    return { kind: "Reserved", node: chosen.node };
  }

  /** A node that has never reported here is not among them: nobody knows what it has left. */
  #standings(place: CandidatePlace): readonly Standing[] {
    const { candidates, reservations, clock } = this.#deps;
    const now = clock.now();
    const standings: Standing[] = [];
    candidates.forEach(place, (node, report) => {
      if (report?.accepting !== true) return;
      const { name, uid, capacity } = node;
      const { connections } = report;
      const reserved = reservations.count(uid);
      standings.push({ node, name, capacity, connections, reserved, fresh: this.#isFresh(report, now) });
    });
    return standings;
  }

  #isFresh({ receivedAt }: NodeReport, now: Instant): boolean {
    return now - receivedAt <= staleIntervals * this.#deps.reportIntervalMs;
  }

  #refusal({ namespace, group, role }: CandidatePlace, standings: readonly Standing[]): SlotAnswer {
    const nodes = `${standings.length} ${role} ${standings.length === 1 ? "node" : "nodes"}`;
    const taken = standings.length === 0 ? "" : ", and every slot is taken";
    const message = `${nodes} of ${namespace}/${group} take new clients${taken}: try again as Retry-After says`;
    return { kind: "NoFreeSlot", message, retryAfterMs: this.#waitMs(standings) };
  }

  #waitMs(standings: readonly Standing[]): number {
    const { reservations } = this.#deps;
    return standings.reduce((ms, { node }) => Math.min(ms, reservations.nextEndMs(node.uid) ?? ms), usualWaitMs);
  }
}
