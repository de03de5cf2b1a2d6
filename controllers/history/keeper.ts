/** Closes the lives that a crash left open, removes what is old, and counts nodes for the metrics: it decides nothing. */
import type { StreamNode } from "../../crds/stream-node.ts";
import type { Clock, HistoryFootprint, NodeLifeStore } from "../../domain/ports.ts";
import { addMs, type Instant } from "../../domain/time.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Metrics, StreamNodeCount } from "../../runtime/metrics.ts";
import type { Cache } from "../../fleet/cluster.ts";
import { PeriodicTask } from "../../runtime/periodic-task.ts";

/** The stores of a history, as far as they are kept. */
export interface KeptHistory {
  readonly nodeLives: Pick<NodeLifeStore, "closeAllExcept" | "prune">;
  readonly streams: Prunable;
  readonly load: Prunable;
  readonly activities: Prunable;
  readonly alarms: Prunable;
  readonly lastReports: Prunable;
}

interface Prunable {
  prune(before: Instant): Promise<number>;
}

export interface HistoryKeeperDeps {
  readonly nodes: Pick<Cache<StreamNode>, "list">;
  readonly stores: KeptHistory;
  /** How long (ms) history is kept. */
  readonly retentionMs: number;
  /** How much room (bytes) it may take, and who knows; absent: as much as it does. */
  readonly bound?: { readonly bytes: number; readonly footprint: HistoryFootprint };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, "streamNodes">;
}

/** Lives are closed soon after the start, for that is when a crash has left some open; what is old can wait. */
const closing = { firstMs: 1_000, everyMs: 10_000 };
const pruning = { firstMs: 60_000, everyMs: 3_600_000 };
const bounding = { firstMs: 90_000, everyMs: 300_000 };
/** How many times one pass may halve the time that is kept: after ten, what is left is 0.1 % of it. */
const mostHalvings = 10;
/** A life opened within this time (ms) may belong to a node that came while the local copy was being read. */
const youngMs = 5_000;

export class HistoryKeeper {
  readonly name = "history-keeper";
  readonly #deps: HistoryKeeperDeps;
  readonly #tasks: readonly PeriodicTask[];

  constructor(deps: HistoryKeeperDeps) {
    const { clock } = deps;
    this.#deps = deps;
    this.#tasks = [
      new PeriodicTask({ clock, ...closing, work: () => this.#keep() }),
      new PeriodicTask({ clock, ...pruning, work: (signal) => this.#prune(signal) }),
      new PeriodicTask({ clock, ...bounding, work: (signal) => this.#shrink(signal) }),
    ];
  }

  start(): void {
    for (const task of this.#tasks) task.start();
  }

  /** What was counted goes with the leadership: another counts now. */
  async stop(): Promise<void> {
    await Promise.all(this.#tasks.map((task) => task.stop()));
    this.#deps.metrics.streamNodes([]);
  }

  async #keep(): Promise<void> {
    const { nodes, stores, clock, logger, metrics } = this.#deps;
    const known = nodes.list();
    metrics.streamNodes(countByPhase(known));
    const now = clock.now();
    const end = { openedBefore: addMs(now, -youngMs), at: now, reason: "Lost" };
    try {
      const closed = await stores.nodeLives.closeAllExcept(
        known.map(({ metadata }) => metadata.uid),
        end,
      );
      if (closed > 0) logger.info("closed lives that were left open", { lives: closed });
    } catch (error) {
      // The database may be down for as long as it likes: it is tried again soon.
      logger.debug("could not close lives", { error });
    }
  }

  /** Each kind is tried, so that one that cannot be pruned does not keep the others. */
  async #prune(signal: AbortSignal): Promise<void> {
    const { retentionMs, clock } = this.#deps;
    await this.#pruneAll(addMs(clock.now(), -retentionMs), signal);
  }

  async #pruneAll(before: Instant, signal: AbortSignal): Promise<void> {
    const { stores } = this.#deps;
    for (const kind of prunedKinds) {
      if (signal.aborted) return;
      await this.#pruneOne(kind, stores[kind], before);
    }
  }

  /** Removes the older half of the time that is kept, again and again, until the rest fits. */
  async #shrink(signal: AbortSignal): Promise<void> {
    const { bound, clock, logger } = this.#deps;
    if (bound === undefined) return;
    const { bytes, footprint } = bound;
    try {
      let from = await ((await footprint.exceeds(bytes)) ? footprint.oldest() : undefined);
      if (from === undefined) return;
      for (let halving = 0; halving < mostHalvings && !signal.aborted; halving++) {
        from = addMs(from, Math.ceil((clock.now() - from) / 2));
        logger.info("history is larger than its bound", {
          maxBytes: bytes,
          removedBefore: new Date(from).toISOString(),
        });
        await this.#pruneAll(from, signal);
        if (!(await footprint.exceeds(bytes))) break;
      }
      await footprint.compact();
    } catch (error) {
      logger.debug("could not bound history", { error });
    }
  }

  async #pruneOne(kind: keyof KeptHistory, store: Prunable, before: Instant): Promise<void> {
    const { logger } = this.#deps;
    try {
      const rows = await store.prune(before);
      if (rows > 0) logger.info("removed old history", { kind, rows });
    } catch (error) {
      // It is tried again soon.
      logger.debug("could not remove old history", { kind, error });
    }
  }
}

/** Streams before the lives of their nodes, which hold them together. */
const prunedKinds = ["activities", "alarms", "load", "streams", "nodeLives", "lastReports"] as const;

function countByPhase(nodes: readonly StreamNode[]): readonly StreamNodeCount[] {
  const byPlace = Map.groupBy(nodes, ({ metadata, spec, status }) =>
    [metadata.namespace, spec.group, spec.role, status?.phase ?? "Pending"].join("/"),
  );
  return [...byPlace.values()].flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { metadata, spec, status } = first;
    const labels = { namespace: metadata.namespace, group: spec.group, role: spec.role };
    return [{ ...labels, phase: status?.phase ?? "Pending", count: same.length }];
  });
}
