/** The places that have load: those with a node that counts, and for a while those that had one. */
import type { Role } from "../crds/names.ts";
import { type Place, placeText } from "../domain/group/place.ts";
import { PlaceLoad } from "../domain/load/place-load.ts";
import type { Instant } from "../domain/time.ts";

/** How often (ms) places without nodes are looked through. */
const sweepMs = 60_000;

/** A (role, region) of a group; the group by its `namespace/name`. */
export interface LoadPlace extends Place {
  readonly group: string;
}

/** Places are made when first counted in, and forgotten once no sample of theirs would be looked at any more. */
export class LoadPlaces {
  readonly #groups = new Map<string, Map<string, PlaceLoad>>();
  /** Places without nodes, by when the last node left. */
  readonly #idle = new Map<PlaceLoad, { readonly place: LoadPlace; readonly since: Instant }>();
  #sweptAt: Instant | undefined;
  readonly #holdMs: number;

  /** `holdMs`: for how long what a node reports is the load, if nothing else is reported. */
  constructor(holdMs = 0) {
    this.#holdMs = holdMs;
  }

  /** How many are kept: for tests of the bound on memory. */
  get size(): number {
    return [...this.#groups.values()].reduce((total, places) => total + places.size, 0);
  }

  find(place: LoadPlace): PlaceLoad | undefined {
    return this.#groups.get(place.group)?.get(placeText(place));
  }

  /** All of one role of a group, in whatever region. */
  ofRole(group: string, role: Role): readonly PlaceLoad[] {
    const places = [...(this.#groups.get(group) ?? [])];
    return places.filter(([key]) => key.startsWith(`${role}/`)).map(([, load]) => load);
  }

  all(): readonly PlaceLoad[] {
    return [...this.#groups.values()].flatMap((places) => [...places.values()]);
  }

  /** The place, which is about to have a node. */
  occupy(place: LoadPlace): PlaceLoad {
    const load = this.find(place) ?? this.#make(place);
    this.#idle.delete(load);
    return load;
  }

  /** A node has left the place. */
  leave(place: LoadPlace, load: PlaceLoad, now: Instant): void {
    if (load.nodes === 0) this.#idle.set(load, { place, since: now });
  }

  /** Forgets places that have had no node for as long as their samples are looked at. */
  sweep(now: Instant): void {
    if (this.#sweptAt !== undefined && Math.abs(now - this.#sweptAt) < sweepMs) return;
    this.#sweptAt = now;
    for (const [load, { place, since }] of this.#idle) if (now - since > load.rangeMs) this.#forget(place, load);
  }

  #make(place: LoadPlace): PlaceLoad {
    const load = new PlaceLoad(place.role, this.#holdMs);
    const places = this.#groups.get(place.group) ?? new Map<string, PlaceLoad>();
    this.#groups.set(place.group, places.set(placeText(place), load));
    return load;
  }

  #forget(place: LoadPlace, load: PlaceLoad): void {
    this.#idle.delete(load);
    const places = this.#groups.get(place.group);
    places?.delete(placeText(place));
    if (places?.size === 0) this.#groups.delete(place.group);
  }
}
