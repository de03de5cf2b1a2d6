/** Gives out connection slots: picks a node for a client and keeps the slot until the client had time to connect. */
import { staleIntervals } from "../domain/load/report.ts";
import { addMs, type Instant } from "../domain/time.ts";
import type { Clock } from "../domain/ports.ts";
import type { CandidateIndex, CandidateKey, CandidatePlace, ServingNode } from "./candidate-index.ts";
import { isGivable, leastLoaded } from "../domain/node/placement.ts";

export interface SlotAllocatorDeps {
  readonly candidates: CandidateIndex;
  readonly clock: Clock;
  readonly reportIntervalMs: number;
}

export type SlotAnswer =
  | { readonly kind: "Reserved"; readonly name: string; readonly node: ServingNode }
  /** `message` says how many nodes serve; a slot may be free after `retryAfterMs`. */
  | { readonly kind: "NoFreeSlot"; readonly message: string; readonly retryAfterMs: number };

/** How long (ms) to wait where no reservation ends sooner: a node may report fewer clients by then. */
const usualWaitMs = 5_000;

/** Answers from memory alone. */
export class SlotAllocator {
  readonly #deps: SlotAllocatorDeps;

  constructor(deps: SlotAllocatorDeps) {
    this.#deps = deps;
  }

  /** Whether the group has any node of the role, serving or not. */
  hasNodes(key: CandidateKey): boolean {
    return this.#deps.candidates.at(key) !== undefined;
  }

  /** Reserves a slot of the least loaded node that takes new clients. */
  reserve(key: CandidateKey): SlotAnswer {
    const { candidates, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    const place = candidates.at(key);
    place?.reservations.endOver(nowMs);
    const chosen = leastLoaded(place?.byName.values() ?? [], this.#freshSince());
    if (place === undefined || chosen?.serving === undefined) return refusal(key, place, nowMs);
    place.reservations.reserve(chosen, nowMs);
    return { kind: "Reserved", name: chosen.name, node: chosen.serving };
  }

  #freshSince(): Instant {
    return addMs(this.#deps.clock.now(), -staleIntervals * this.#deps.reportIntervalMs);
  }
}

function refusal(
  { namespace, group, role }: CandidateKey,
  place: CandidatePlace | undefined,
  nowMs: number,
): SlotAnswer {
  const open = [...(place?.byName.values() ?? [])].filter(isGivable).length;
  const nodes = `${open} ${role} ${open === 1 ? "node takes" : "nodes take"} new clients in ${namespace}/${group}`;
  const taken = open === 0 ? "" : ", and every slot is taken";
  const nextEndMs = place?.reservations.nextEndMs(nowMs) ?? usualWaitMs;
  const message = `${nodes}${taken}: try again as Retry-After says`;
  return { kind: "NoFreeSlot", message, retryAfterMs: Math.min(usualWaitMs, nextEndMs) };
}
