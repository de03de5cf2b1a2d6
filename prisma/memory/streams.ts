import type { NodeStreamList, StreamRecord, StreamSighting, StreamStore } from "../../domain/history.ts";
import type { Instant } from "../../domain/time.ts";
import { instant } from "../../domain/time.ts";

/** Streams in memory: those that are open, and when the others ended, for nobody reads more of them. */
export class MemoryStreams implements StreamStore {
  readonly #open = new Map<string, StreamRecord>();
  #endedAt: Instant[] = [];
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

  prune(before: Instant): Promise<number> {
    const kept = this.#endedAt.filter((at) => at >= before);
    const pruned = this.#endedAt.length - kept.length;
    this.#endedAt = kept;
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
      this.#endedAt.push(later(at, stream.startedAt));
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
