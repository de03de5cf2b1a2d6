import type { HistorySpan, NodeLife, NodeLifeTransition, NodeTransition } from "../../domain/history.ts";
import type { NodeLifeStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";

interface Entry {
  life: NodeLife;
  readonly transitions: NodeTransition[];
}

/** Node lives in memory. `onClose` is told of each life that closes, so that its streams end with it. */
export class MemoryNodeLives implements NodeLifeStore {
  readonly #entries = new Map<string, Entry>();
  readonly #onClose: (uid: string, at: Instant) => void;

  constructor(onClose: (uid: string, at: Instant) => void) {
    this.#onClose = onClose;
  }

  record(transitions: readonly NodeLifeTransition[]): Promise<void> {
    for (const transition of transitions) this.#recordOne(transition);
    return Promise.resolve();
  }

  close(ends: readonly { readonly uid: string; readonly at: Instant; readonly reason: string }[]): Promise<void> {
    for (const { uid, at, reason } of ends.toSorted((a, b) => a.at - b.at)) this.#closeOne(uid, at, reason);
    return Promise.resolve();
  }

  closeAllExcept(
    uids: readonly string[],
    end: { readonly openedBefore: Instant; readonly at: Instant; readonly reason: string },
  ): Promise<number> {
    const kept = new Set(uids);
    const lost = this.#open().filter(({ uid, openedAt }) => !kept.has(uid) && openedAt < end.openedBefore);
    for (const { uid } of lost) this.#closeOne(uid, end.at, end.reason);
    return Promise.resolve(lost.length);
  }

  open(filter: { readonly namespace?: string; readonly group?: string }): Promise<readonly NodeLife[]> {
    const { namespace, group } = filter;
    const lives = this.#open()
      .filter((life) => namespace === undefined || life.namespace === namespace)
      .filter((life) => group === undefined || life.group === group);
    return Promise.resolve(lives.sort((a, b) => a.openedAt - b.openedAt || compare(a.uid, b.uid)));
  }

  during({ namespace, group, from, to, limit }: HistorySpan): Promise<readonly NodeLife[]> {
    const found = [...this.#entries.values()]
      .map(({ life }) => life)
      .filter((life) => life.namespace === namespace && life.group === group && life.openedAt < to)
      .filter(({ closedAt }) => closedAt === undefined || closedAt >= from);
    found.sort((a, b) => b.openedAt - a.openedAt || compare(a.uid, b.uid));
    return Promise.resolve(found.slice(0, limit));
  }

  prune(before: Instant): Promise<number> {
    const old = [...this.#entries].filter(([, { life }]) => life.closedAt !== undefined && life.closedAt < before);
    for (const [uid] of old) this.#entries.delete(uid);
    return Promise.resolve(old.length);
  }

  read(uid: string): Promise<{ life: NodeLife; transitions: readonly NodeTransition[] } | undefined> {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return Promise.resolve(undefined);
    return Promise.resolve({ life: entry.life, transitions: entry.transitions.toSorted((a, b) => a.at - b.at) });
  }

  /** Whether the life is known and has ended. */
  isClosed(uid: string): boolean {
    return this.#entries.get(uid)?.life.closedAt !== undefined;
  }

  #open(): NodeLife[] {
    return [...this.#entries.values()].map(({ life }) => life).filter(({ closedAt }) => closedAt === undefined);
  }

  #recordOne({ life, phase, at, reason }: NodeLifeTransition): void {
    const entry: Entry = this.#entries.get(life.uid) ?? { life, transitions: [] };
    this.#entries.set(life.uid, entry);
    if (life.providerId !== undefined) entry.life = { ...entry.life, providerId: life.providerId };
    if (entry.transitions.some((known) => known.at === at && known.phase === phase)) return;
    entry.transitions.push({ phase, at, reason });
  }

  #closeOne(uid: string, closedAt: Instant, closeReason: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined || entry.life.closedAt !== undefined) return;
    entry.life = { ...entry.life, closedAt, closeReason };
    this.#onClose(uid, closedAt);
  }
}

/** By code units: uids are hexadecimal, so every collation agrees. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
