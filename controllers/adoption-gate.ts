/** For which groups the machines of a region have been read and adopted, in this term of leadership. */
import type { PlatformName } from "../crds/names.ts";
import type { Instant } from "../domain/time.ts";

/** A (group, platform, region). The group by UID: a group of the same name made later is another. */
export interface GateKey {
  readonly groupUid: string;
  readonly platform: PlatformName;
  readonly region: string;
}

/** Nothing is launched for a group and region before it is open. */
export class AdoptionGate {
  readonly #adopted = new Map<string, { readonly listedAt: Instant; readonly machines: number }>();
  /** Listings that began earlier tell nothing of a machine that lost its node since. */
  readonly #notBefore = new Map<string, Instant>();
  readonly #listeners = new Set<(groupUid: string) => void>();
  /** Listings that began earlier tell nothing: another led then. */
  #since: Instant | undefined;

  /**
   * A complete listing begun at `listedAt` has been read and each machine of the group in it has its StreamNode;
   * `machines` is how many of them are not terminated.
   */
  open(key: GateKey, listedAt: Instant, machines: number): void {
    if (this.#since !== undefined && listedAt < this.#since) return;
    if (listedAt < (this.#notBefore.get(text(key)) ?? listedAt)) return;
    this.#notBefore.delete(text(key));
    const before = this.#adopted.get(text(key));
    this.#adopted.set(text(key), { listedAt, machines });
    if (before?.machines === machines) return;
    for (const listener of this.#listeners) listener(key.groupUid);
  }

  /** A machine of the group has lost its node: until a listing begun after `now` has been read it may be launched once more. */
  shut(key: GateKey, now: Instant): void {
    this.#notBefore.set(text(key), now);
    this.#adopted.delete(text(key));
  }

  isOpen(key: GateKey): boolean {
    return this.#adopted.has(text(key));
  }

  /** What the newest listing that counted for the group showed. */
  listed(key: GateKey): { readonly listedAt: Instant; readonly machines: number } | undefined {
    return this.#adopted.get(text(key));
  }

  /** Closes all: what another leader did before `now` is not known here. */
  close(now: Instant): void {
    this.#since = now;
    this.#adopted.clear();
    this.#notBefore.clear();
  }

  /** When this term of leadership began; undefined before the first. */
  get term(): Instant | undefined {
    return this.#since;
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
