/** The clients on a simulated media node. Counts are kept as clients come and go: a report must not cost what they cost. */
import type { StreamReport } from "../../domain/load/report.ts";
import type { MediaLoad } from "./load.ts";

export interface MediaSession {
  /** The client's own name for it, unique among all of the simulation. */
  readonly id: string;
  readonly kind: "publish" | "subscribe";
  readonly scope: string;
  readonly name: string;
}

interface Audience {
  readonly scope: string;
  readonly name: string;
  readonly publishers: number;
  readonly subscribers: number;
}

export class MediaSessions {
  readonly #sessions = new Map<string, MediaSession>();
  readonly #streams = new Map<string, Audience>();
  #publishers = 0;
  #admitted = 0;

  /** Clients who ever came. */
  get admitted(): number {
    return this.#admitted;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get subscribers(): number {
    return this.#sessions.size - this.#publishers;
  }

  /** Streams that have a client here. */
  get streamCount(): number {
    return this.#streams.size;
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** Adds one whose id is not there. */
  add(session: MediaSession): void {
    this.#sessions.set(session.id, session);
    this.#admitted += 1;
    this.#count(session, 1);
  }

  /** Says whether it was there. */
  remove(id: string): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined) return false;
    this.#sessions.delete(id);
    this.#count(session, -1);
    return true;
  }

  /** Removes all, and gives their ids. */
  removeAll(): readonly string[] {
    const ids = [...this.#sessions.keys()];
    this.#sessions.clear();
    this.#streams.clear();
    this.#publishers = 0;
    return ids;
  }

  load(): MediaLoad {
    return {
      connections: this.#sessions.size,
      publishers: this.#publishers,
      subscribers: this.subscribers,
      streams: this.#streamReports(),
    };
  }

  #streamReports(): readonly StreamReport[] {
    return [...this.#streams.values()].map(({ scope, name, subscribers }) => ({ scope, name, subscribers }));
  }

  #count({ kind, scope, name }: MediaSession, by: 1 | -1): void {
    const key = JSON.stringify([scope, name]);
    const known = this.#streams.get(key) ?? { scope, name, publishers: 0, subscribers: 0 };
    const publishes = kind === "publish";
    if (publishes) this.#publishers += by;
    const publishers = known.publishers + (publishes ? by : 0);
    const subscribers = known.subscribers + (publishes ? 0 : by);
    if (publishers + subscribers === 0) this.#streams.delete(key);
    else this.#streams.set(key, { scope, name, publishers, subscribers });
  }
}
