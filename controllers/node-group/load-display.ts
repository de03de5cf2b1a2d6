/** The load as the status shows it: rounded, and no more often than people can read. */
import type { NodeGroup } from "../../crds/node-group.ts";
import { type Decided, type ShownLoad, shownLoad } from "../../domain/group-status.ts";
import { addMs, type Instant } from "../../domain/time.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { LoadView } from "../load-book.ts";

export class LoadDisplay {
  readonly #load: Pick<LoadView, "ofGroup">;
  readonly #everyMs: number;
  /** What was last shown of a group and when it may change, by UID. */
  readonly #shown = new Map<string, { readonly load: ShownLoad; readonly until: Instant }>();

  constructor(load: Pick<LoadView, "ofGroup">, everyMs: number) {
    this.#load = load;
    this.#everyMs = everyMs;
  }

  of({ metadata }: NodeGroup, decided: readonly Decided[], now: Instant): ShownLoad {
    const last = this.#shown.get(metadata.uid);
    if (last !== undefined && now < last.until) return last.load;
    const load = shownLoad(decided, this.#load.ofGroup(keyText(metadata), "edge", now));
    const changed = JSON.stringify(load) !== JSON.stringify(last?.load);
    // A load that stays as it is may be looked at again at any time: nothing is written for it.
    if (changed) this.#shown.set(metadata.uid, { load, until: addMs(now, this.#everyMs) });
    return load;
  }

  forget({ metadata }: NodeGroup): void {
    this.#shown.delete(metadata.uid);
  }
}
