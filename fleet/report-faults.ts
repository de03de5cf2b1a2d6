/** What of the nodes' reports was not taken lately, for their conditions. Follows the feed for as long as the process lives. */
import type { ReportRefusal } from "../domain/load/report.ts";
import type { Clock, LoadFeed } from "../domain/ports.ts";
import { lossKey } from "../domain/load/report-parts.ts";
import { keyText } from "../runtime/reconciler.ts";

interface Faults {
  /** Of the newest (monotonic, ms). */
  lastMs: number;
  /** In the words of `lossKey`. */
  readonly words: Set<string>;
}

type Told = Omit<ReportRefusal, "reason">;

/** For how long (ms) it is said: reports that are odd now and then are not to write a status each time. */
const faultsKeptMs = 3_600_000;
/** A bound on memory, not a limit to plan with. */
const mostNodes = 50_000;
/** More words than there are; a process of a later version may have others. */
const mostWords = 32;

export class ReportFaults {
  readonly #clock: Pick<Clock, "now" | "monotonicMs">;
  readonly #faults = new Map<string, Faults>();
  #listener: (key: string) => void = () => undefined;

  constructor(feed: Pick<LoadFeed, "subscribe" | "onRefused">, clock: Pick<Clock, "now" | "monotonicMs">) {
    this.#clock = clock;
    feed.subscribe((report) => {
      for (const loss of report.losses ?? []) this.#note(report, lossKey(loss));
    });
    // A feed that is opened anew repeats the newest refusal of each node, however old.
    feed.onRefused((refusal) => this.#note(refusal, lossKey({ part: "report", reason: refusal.reason })));
  }

  /** Words for what was dropped, clamped or refused in the last hour, in order. */
  ofNode(uid: string): readonly string[] {
    return [...(this.#kept(uid)?.words ?? [])].sort();
  }

  /** Calls the listener with `namespace/name` of a node of which something new is to be said, in place of the one before. */
  onNew(listener: (key: string) => void): void {
    this.#listener = listener;
  }

  #kept(uid: string): Faults | undefined {
    const faults = this.#faults.get(uid);
    if (faults === undefined || this.#clock.monotonicMs() - faults.lastMs < faultsKeptMs) return faults;
    this.#faults.delete(uid);
    return undefined;
  }

  #note({ uid, namespace, name, receivedAt }: Told, word: string): void {
    const ageMs = Math.max(0, this.#clock.now() - receivedAt);
    if (ageMs >= faultsKeptMs) return;
    const lastMs = this.#clock.monotonicMs() - ageMs;
    const faults = this.#kept(uid) ?? { lastMs, words: new Set<string>() };
    faults.lastMs = Math.max(faults.lastMs, lastMs);
    this.#faults.delete(uid);
    this.#faults.set(uid, faults);
    const [oldest] = this.#faults.keys();
    if (this.#faults.size > mostNodes && oldest !== undefined) this.#faults.delete(oldest);
    if (faults.words.has(word) || faults.words.size >= mostWords) return;
    faults.words.add(word);
    this.#listener(keyText({ namespace, name }));
  }
}
