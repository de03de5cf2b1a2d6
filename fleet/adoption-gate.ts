/** For which groups the machines of a region have been read and adopted, in this term of leadership. */
import { tellAll } from "../domain/listeners.ts";
import type { PlatformName } from "../crds/names.ts";

/** A (group, platform, region). The group by UID: a group of the same name made later is another. */
export interface GateKey {
  readonly groupUid: string;
  readonly platform: PlatformName;
  readonly region: string;
}

/** What a listing showed of a group. */
export interface Listed {
  readonly listedMs: number;
  /** Those that are not terminated. */
  readonly machines: number;
}

/** A bound on memory: what is forgotten is known anew. */
const mostKnown = 20_000;

/** All its times are monotonic (ms). Nothing is launched for a group and region before it is open. */
export class AdoptionGate {
  readonly #adopted = new Map<string, Listed>();
  /** Listings that began earlier tell nothing of a machine that lost its node since. */
  readonly #notBefore = new Map<string, number>();
  /** Since when groups, and deletions of groups, are known here, by UID: the clocks of others do not tell. */
  readonly #knownSince = new Map<string, number>();
  readonly #listeners = new Set<(groupUid: string) => void>();
  /** Listings that began earlier tell nothing: another led then. */
  #sinceMs: number | undefined;

  /**
   * A complete listing begun at `listedMs` has been read and each machine of the group in it has its StreamNode;
   * `machines` is how many of them are not terminated.
   */
  open(key: GateKey, listedMs: number, machines: number): void {
    if (this.#sinceMs !== undefined && listedMs < this.#sinceMs) return;
    if (listedMs < (this.#notBefore.get(text(key)) ?? listedMs)) return;
    this.#notBefore.delete(text(key));
    const before = this.#adopted.get(text(key));
    this.#adopted.set(text(key), { listedMs, machines });
    if (before?.machines === machines) return;
    tellAll(this.#listeners, key.groupUid);
  }

  /** A machine of the group has lost its node: until a listing begun after `nowMs` has been read it may be launched once more. */
  shut(key: GateKey, nowMs: number): void {
    this.#notBefore.set(text(key), nowMs);
    this.#adopted.delete(text(key));
  }

  isOpen(key: GateKey): boolean {
    return this.#adopted.has(text(key));
  }

  /** What the newest listing that counted for the group showed. */
  listed(key: GateKey): Listed | undefined {
    return this.#adopted.get(text(key));
  }

  /** Since when a group, or its deletion, is known here; from `nowMs` on where it was not known before. */
  knownSince(what: string, nowMs: number): number {
    const known = this.#knownSince.get(what);
    if (known !== undefined) return known;
    this.#knownSince.set(what, nowMs);
    const [oldest] = this.#knownSince.keys();
    if (this.#knownSince.size > mostKnown && oldest !== undefined) this.#knownSince.delete(oldest);
    return nowMs;
  }

  /** Closes all: what another leader did before `nowMs` is not known here. */
  close(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#adopted.clear();
    this.#notBefore.clear();
  }

  /** When this term of leadership began; undefined before the first. */
  get term(): number | undefined {
    return this.#sinceMs;
  }

  /** Calls the listener with the UID of a group for which something new is known. */
  onChange(listener: (groupUid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function text({ groupUid, platform, region }: GateKey): string {
  return `${groupUid}/${platform}/${region}`;
}
