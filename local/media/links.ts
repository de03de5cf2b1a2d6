/** The links of a simulated media node to its parents. */
import type { LinkReport } from "../../domain/load/report.ts";

/** A link is `connecting` for one report and `established` from the next on. */
export class MediaLinks {
  readonly #established = new Map<string, boolean>();
  #news = false;

  /** Begins links to parents that are new and drops those to parents that are no longer told. */
  follow(parents: readonly string[]): void {
    const told = new Set(parents);
    for (const parent of [...this.#established.keys()]) if (!told.has(parent)) this.#change(parent, undefined);
    for (const parent of told) if (!this.#established.has(parent)) this.#change(parent, false);
  }

  /** Takes up links that stand already: the node ran on while nobody spoke for it. */
  resume(parents: readonly string[]): void {
    for (const parent of parents) this.#established.set(parent, true);
  }

  /** The links as they are now. */
  list(): readonly LinkReport[] {
    return [...this.#established].map(([parent, established]) => ({
      parent,
      state: established ? "established" : "connecting",
    }));
  }

  isEstablished(parent: string): boolean {
    return this.#established.get(parent) === true;
  }

  /** Takes note that these were reported; those that were connecting come up. */
  reported(links: readonly LinkReport[]): void {
    this.#news = false;
    for (const { parent, state } of links) if (state === "connecting") this.#change(parent, true);
  }

  /** Whether something has changed that was not reported yet. */
  get haveNews(): boolean {
    return this.#news;
  }

  #change(parent: string, established: boolean | undefined): void {
    if (established === undefined) this.#established.delete(parent);
    else this.#established.set(parent, established);
    this.#news = true;
  }
}
