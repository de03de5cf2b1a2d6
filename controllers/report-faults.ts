/** What of the nodes' reports was not taken lately, for their conditions. Follows the feed for as long as the process lives. */
import type { LoadFeed } from "../domain/load.ts";
import { lossKey } from "../domain/report-parts.ts";
import type { Clock } from "../domain/time.ts";
import { keyText } from "../runtime/reconciler.ts";

interface Faults {
  /** Of the newest (monotonic, ms). */
  lastMs: number;
  /** In the words of `lossKey`. */
  readonly words: Set<string>;
}

/** For how long (ms) it is said: reports that are odd now and then are not to write a status each time. */
export const faultsKeptMs = 3_600_000;
/** A bound on memory, not a limit to plan with. */
const mostNodes = 50_000;
/** More words than there are; a process of a later version may have others. */
const mostWords = 32;

export class ReportFaults {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #faults = new Map<string, Faults>();
  #listener: (key: string) => void = () => undefined;

  constructor(feed: Pick<LoadFeed, "subscribe" | "onRefused">, clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    feed.subscribe((report) => {
      for (const loss of report.losses ?? []) this.#note(report, lossKey(loss));
    });
    feed.onRefused((refusal) => this.#note(refusal, `report ${refusal.reason}`));
  }

  /** Words for what was dropped, clamped or refused in the last hour, in order. */
  of(uid: string): readonly string[] {
    const faults = this.#faults.get(uid);
    if (faults === undefined) return [];
    if (this.#clock.monotonicMs() - faults.lastMs < faultsKeptMs) return [...faults.words].sort();
    this.#faults.delete(uid);
    return [];
  }

  /** Calls the listener with `namespace/name` of a node of which something new is to be said, in place of the one before. */
  onNew(listener: (key: string) => void): void {
    this.#listener = listener;
  }

  #note(
    { uid, namespace, name }: { readonly uid: string; readonly namespace: string; readonly name: string },
    word: string,
  ): void {
    const known = this.of(uid).length > 0 ? this.#faults.get(uid) : undefined;
    const faults = known ?? { lastMs: 0, words: new Set<string>() };
    faults.lastMs = this.#clock.monotonicMs();
    this.#faults.delete(uid);
    this.#faults.set(uid, faults);
    const [oldest] = this.#faults.keys();
    if (this.#faults.size > mostNodes && oldest !== undefined) this.#faults.delete(oldest);
    if (faults.words.has(word) || faults.words.size >= mostWords) return;
    faults.words.add(word);
    this.#listener(keyText({ namespace, name }));
  }
}
