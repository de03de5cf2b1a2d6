import type { NodeStreamList, StreamSighting } from "../../domain/history.ts";
import type { StreamStore } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import type { NodeStreams } from "../history-recorder.ts";
import { forgetMs, type Lane, type OnRefused, refreshMs, rowsPerStatement } from "./lane.ts";
import { takeOldest } from "./merging-queue.ts";
import { writeAccepted } from "./row-queue.ts";

/** A stream that a node carries, as we last heard of it. */
interface Carried {
  readonly sighting: StreamSighting;
  /** When it was last queued to be written. */
  readonly queuedAt: Instant;
  /** The most subscribers that it had, queued or not. */
  readonly peak: number;
}

/** New streams that may be recorded of a node now, and since when it is counted. */
interface Budget {
  readonly left: number;
  readonly at: Instant;
}

/**
 * Publishers choose names: so many new ones of a node are recorded in a minute, whatever it reports. One that lives on is
 * recorded when its turn has come.
 */
export const newStreamsPerMinute = 120;

interface CarryingNode {
  readonly at: Instant;
  readonly budget: Budget;
  readonly carried: ReadonlyMap<string, Carried>;
}

/** First and last sighting of a stream since the last write: all that its row needs. */
interface Sightings {
  readonly first: StreamSighting;
  readonly last: StreamSighting;
}

/** Streams. A new one and one that ended are written at once; that it still runs is written now and then. */
export class StreamLane implements Lane {
  readonly #store: StreamStore;
  readonly #onRefused: OnRefused;
  readonly #nodes = new Map<string, CarryingNode>();
  #sightings = new Map<string, Sightings>();
  /** Nodes whose lists are to be written, and when their streams ended. */
  #ends = new Map<string, Instant>();

  readonly #onOverBudget: (streams: number) => void;

  /** `onOverBudget` is told how many streams of a report were not recorded. */
  constructor(store: StreamStore, onRefused: OnRefused, onOverBudget: (streams: number) => void = () => undefined) {
    this.#store = store;
    this.#onOverBudget = onOverBudget;
    this.#onRefused = onRefused;
  }

  get size(): number {
    return this.#sightings.size + this.#ends.size;
  }

  add(report: NodeStreams): void {
    const { nodeUid, at } = report;
    const known = this.#nodes.get(nodeUid);
    const carried = new Map<string, Carried>();
    // What a node carries that we have not heard of before is no news of this minute.
    let left = known === undefined ? Infinity : budgetNow(known.budget, at);
    let over = 0;
    for (const sighting of sightingsOf(report)) {
      const key = keyOf(sighting);
      const former = known?.carried.get(key);
      if (former === undefined && left < 1) over++;
      else carried.set(key, this.#carry(sighting, former));
      if (former === undefined && left >= 1) left--;
    }
    this.#nodes.set(nodeUid, { at, carried, budget: { left: Math.min(left, newStreamsPerMinute), at } });
    if (over > 0) this.#onOverBudget(over);
    this.#end(nodeUid, at, known, carried);
  }

  /** The node's life has ended, and its streams with it. */
  forget(nodeUid: string): void {
    this.#nodes.delete(nodeUid);
    this.#ends.delete(nodeUid);
  }

  async flush(now: Instant): Promise<void> {
    this.#forgetSilent(now);
    // Taken before the first write: a list that is newer than the sightings would end streams that they open after it.
    const ends = takeOldest(this.#ends, this.#ends.size);
    const lists = [...ends].flatMap(([nodeUid, at]) => this.#listOf(nodeUid, at));
    try {
      for (let left = this.#sightings.size; left > 0; left -= rowsPerStatement) {
        await this.#writeSightings(Math.min(left, rowsPerStatement));
      }
      await this.#writeLists(lists);
    } catch (cause) {
      this.#ends = new Map([...this.#ends, ...ends]);
      throw cause;
    }
  }

  dropOldest(): void {
    const [sighting] = this.#sightings.keys();
    if (sighting !== undefined) {
      this.#sightings.delete(sighting);
      return;
    }
    const [node] = this.#ends.keys();
    if (node !== undefined) this.#ends.delete(node);
  }

  #carry(sighting: StreamSighting, known: Carried | undefined): Carried {
    const peak = Math.max(sighting.subscribers, known?.peak ?? 0);
    if (known !== undefined && sighting.at - known.queuedAt < refreshMs) return { ...known, sighting, peak };
    this.#see({ ...sighting, subscribers: peak });
    return { sighting, queuedAt: sighting.at, peak };
  }

  /** A node that is new to us may have streams in the database that ended while nobody listened. */
  #end(nodeUid: string, at: Instant, known: CarryingNode | undefined, carried: ReadonlyMap<string, Carried>): void {
    const gone = [...(known?.carried ?? [])].filter(([key]) => !carried.has(key));
    for (const [, { sighting, peak }] of gone) this.#see({ ...sighting, subscribers: peak });
    if (known === undefined || gone.length > 0) this.#ends.set(nodeUid, at);
  }

  #see(sighting: StreamSighting): void {
    const key = keyOf(sighting);
    const known = this.#sightings.get(key);
    this.#sightings.set(key, known === undefined ? { first: sighting, last: sighting } : merged(known, sighting));
  }

  async #writeSightings(count: number): Promise<void> {
    const taken = takeOldest(this.#sightings, count);
    const rows = [...taken.values()].flatMap(({ first, last }) => (first === last ? [first] : [first, last]));
    try {
      await writeAccepted(rows, { write: (some) => this.#store.see(some), onRefused: this.#onRefused });
    } catch (cause) {
      this.#putBack(taken);
      throw cause;
    }
  }

  async #writeLists(lists: readonly NodeStreamList[]): Promise<void> {
    for (let done = 0; done < lists.length; done += rowsPerStatement) {
      const some = lists.slice(done, done + rowsPerStatement);
      await writeAccepted(some, { write: (rows) => this.#store.endOthers(rows), onRefused: this.#onRefused });
    }
  }

  /** The oldest stay in front, to be dropped first. */
  #putBack(taken: Map<string, Sightings>): void {
    const newer = this.#sightings;
    this.#sightings = taken;
    for (const { first, last } of newer.values()) {
      this.#see(first);
      this.#see(last);
    }
  }

  /** The list as it is now: a list of the past would end streams that began since. */
  #listOf(nodeUid: string, at: Instant): readonly NodeStreamList[] {
    const node = this.#nodes.get(nodeUid);
    if (node === undefined) return [];
    return [{ nodeUid, at, still: [...node.carried.values()].map(({ sighting }) => sighting) }];
  }

  #forgetSilent(now: Instant): void {
    for (const [nodeUid, { at }] of this.#nodes) {
      if (now - at >= forgetMs && !this.#ends.has(nodeUid)) this.#nodes.delete(nodeUid);
    }
  }
}

function budgetNow({ left, at }: Budget, now: Instant): number {
  return Math.min(newStreamsPerMinute, left + (Math.max(0, now - at) / 60_000) * newStreamsPerMinute);
}

function sightingsOf({ namespace, group, nodeUid, streams, at }: NodeStreams): readonly StreamSighting[] {
  return streams.map(({ scope, name, subscribers }) => ({ namespace, group, scope, name, nodeUid, subscribers, at }));
}

function merged({ first, last }: Sightings, next: StreamSighting): Sightings {
  return { first, last: { ...next, subscribers: Math.max(last.subscribers, next.subscribers) } };
}

function keyOf({ nodeUid, scope, name }: StreamSighting): string {
  return JSON.stringify([nodeUid, scope, name]);
}
