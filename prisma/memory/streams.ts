import type { HistorySpan, NodeStreamList, StreamRecord, StreamSighting } from "../../domain/history.ts";
import type { StreamStore } from "../../domain/ports.ts";
import { type Instant, instant } from "../../domain/time.ts";

/** Streams in memory. */
export class MemoryStreams implements StreamStore {
  readonly #open = new Map<string, StreamRecord>();
  #ended: (StreamRecord & { readonly endedAt: Instant })[] = [];
  readonly #isClosed: (nodeUid: string) => boolean;

  /** `isClosed` says whether a node's life has ended: such a node carries no stream. */
  constructor(isClosed: (nodeUid: string) => boolean) {
    this.#isClosed = isClosed;
  }

  see(sightings: readonly StreamSighting[]): Promise<void> {
    for (const sighting of sightings) if (!this.#isClosed(sighting.nodeUid)) this.#seeOne(sighting);
    return Promise.resolve();
  }

  endOthers(lists: readonly NodeStreamList[]): Promise<void> {
    for (const { nodeUid, still, at } of lists) {
      const kept = new Set(still.map(({ scope, name }) => keyOf({ nodeUid, scope, name })));
      this.#endWhere((stream) => stream.nodeUid === nodeUid && !kept.has(keyOf(stream)), at);
    }
    return Promise.resolve();
  }

  live(filter: { readonly namespace: string; readonly group: string }): Promise<readonly StreamRecord[]> {
    const { namespace, group } = filter;
    const live = [...this.#open.values()].filter((s) => s.namespace === namespace && s.group === group);
    return Promise.resolve(live.sort(byScopeNameAndStart));
  }

  during({ namespace, group, from, to, limit }: HistorySpan): Promise<readonly StreamRecord[]> {
    const found = [...this.#open.values(), ...this.#ended]
      .filter((stream) => stream.namespace === namespace && stream.group === group && stream.startedAt < to)
      .filter(({ endedAt }) => endedAt === undefined || endedAt >= from);
    return Promise.resolve(found.sort(newestFirst).slice(0, limit));
  }

  prune(before: Instant): Promise<number> {
    const kept = this.#ended.filter(({ endedAt }) => endedAt >= before);
    const pruned = this.#ended.length - kept.length;
    this.#ended = kept;
    return Promise.resolve(pruned);
  }

  /** Ends all streams of a node. */
  endAllOf(nodeUid: string, at: Instant): void {
    this.#endWhere((stream) => stream.nodeUid === nodeUid, at);
  }

  #endWhere(ended: (stream: StreamRecord) => boolean, at: Instant): void {
    for (const [key, stream] of this.#open) {
      if (!ended(stream)) continue;
      this.#open.delete(key);
      this.#ended.push({ ...stream, endedAt: later(at, stream.startedAt) });
    }
  }

  #seeOne({ subscribers, at, ...stream }: StreamSighting): void {
    const known = this.#open.get(keyOf(stream));
    this.#open.set(keyOf(stream), {
      ...(known ?? stream),
      startedAt: known?.startedAt ?? at,
      lastSeenAt: later(known?.lastSeenAt ?? at, at),
      peakSubscribers: Math.max(known?.peakSubscribers ?? 0, subscribers),
    });
  }
}

function later(a: Instant, b: Instant): Instant {
  return instant(Math.max(a, b));
}

function keyOf({ nodeUid, scope, name }: { readonly nodeUid: string; readonly scope: string; readonly name: string }) {
  return JSON.stringify([nodeUid, scope, name]);
}

function byScopeNameAndStart(a: StreamRecord, b: StreamRecord): number {
  return a.scope.localeCompare(b.scope) || a.name.localeCompare(b.name) || a.startedAt - b.startedAt;
}

function newestFirst(a: StreamRecord, b: StreamRecord): number {
  return b.startedAt - a.startedAt || byScopeNameAndStart(a, b) || a.nodeUid.localeCompare(b.nodeUid);
}
