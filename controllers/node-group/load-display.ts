/** The load as the status shows it: rounded, and no more often than people can read. */
import type { NodeGroup } from "../../crds/node-group.ts";
import { type Decided, roundedLoad } from "../../domain/group/group-status.ts";
import { addMs, type Instant } from "../../domain/time.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { LoadView } from "../../fleet/load-tracker.ts";
import { type Place, placeText } from "../../domain/group/place.ts";

/** Rounded loads: of the edges over all regions, and of each place. Absent where nothing is known. */
export interface ShownLoad {
  readonly edges: string | undefined;
  at(place: Place): string | undefined;
}

interface Shown {
  /** Of the whole first, then by place. */
  readonly texts: ReadonlyMap<string, string>;
  readonly until: Instant;
}

const ofEdges = "edges";

export class LoadDisplay {
  readonly #load: Pick<LoadView, "ofGroup">;
  readonly #everyMs: number;
  /** What is shown of a group, and until when it stays, by UID. */
  readonly #shown = new Map<string, Shown>();

  constructor(load: Pick<LoadView, "ofGroup">, everyMs: number) {
    this.#load = load;
    this.#everyMs = everyMs;
  }

  ofGroup(group: NodeGroup, decided: readonly Decided[], now: Instant): ShownLoad {
    const { uid } = group.metadata;
    const last = this.#shown.get(uid);
    const texts = last !== undefined && now < last.until ? last.texts : this.#texts(group, decided, now);
    // A load that stays as it was may change at any time; one that has just changed stays for a while.
    if (last === undefined || !isSame(last.texts, texts))
      this.#shown.set(uid, { texts, until: addMs(now, texts.size === 0 ? 0 : this.#everyMs) });
    return { edges: texts.get(ofEdges), at: (place) => texts.get(placeText(place)) };
  }

  forget({ metadata }: NodeGroup): void {
    this.#shown.delete(metadata.uid);
  }

  #texts({ metadata }: NodeGroup, decided: readonly Decided[], now: Instant): ReadonlyMap<string, string> {
    const edges = this.#load.ofGroup(keyText(metadata), "edge", now);
    const places = decided.flatMap(({ input }): [string, string][] =>
      input.load.kind === "Known" ? [[placeText(input), roundedLoad(input.load)]] : [],
    );
    return new Map([...(edges === undefined ? [] : [[ofEdges, roundedLoad(edges)] as const]), ...places]);
  }
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, text]) => b.get(key) === text);
}
