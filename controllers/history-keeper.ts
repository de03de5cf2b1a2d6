/** Closes the lives that a crash left open, and counts nodes for the metrics: housekeeping that decides nothing. */
import type { StreamNode } from "../crds/stream-node.ts";
import type { NodeLifeStore } from "../domain/history.ts";
import { addMs, type Clock } from "../domain/time.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics, StreamNodeCount } from "../runtime/metrics.ts";
import type { Cache } from "./cluster.ts";

export interface HistoryKeeperDeps {
  readonly nodes: Pick<Cache<StreamNode>, "list">;
  readonly lives: Pick<NodeLifeStore, "closeAllExcept">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, "streamNodes">;
}

/** Soon after the start, for that is when a crash has left lives open. */
const firstMs = 1_000;
const everyMs = 10_000;
/** A life opened within this time (ms) may belong to a node that came while the local copy was being read. */
const youngMs = 5_000;

export class HistoryKeeper {
  readonly name = "history-keeper";
  readonly #deps: HistoryKeeperDeps;
  #cancel: () => void = () => undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = true;

  constructor(deps: HistoryKeeperDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#stopped = false;
    this.#schedule(firstMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(ms: number): void {
    if (this.#stopped) return;
    this.#cancel = this.#deps.clock.after(ms, () => {
      this.#running = this.#keep().finally(() => this.#schedule(everyMs));
    });
  }

  async #keep(): Promise<void> {
    const { nodes, lives, clock, logger, metrics } = this.#deps;
    const known = nodes.list();
    metrics.streamNodes(countByPhase(known));
    const now = clock.now();
    const end = { openedBefore: addMs(now, -youngMs), at: now, reason: "Lost" };
    try {
      const closed = await lives.closeAllExcept(
        known.map(({ metadata }) => metadata.uid),
        end,
      );
      if (closed > 0) logger.info("closed lives that were left open", { lives: closed });
    } catch (error) {
      // The database may be down for as long as it likes: the next round tries again.
      logger.debug("could not close lives", { error });
    }
  }
}

function countByPhase(nodes: readonly StreamNode[]): readonly StreamNodeCount[] {
  const byPlace = Map.groupBy(nodes, ({ spec, status }) => `${spec.group}/${spec.role}/${status?.phase ?? "Pending"}`);
  return [...byPlace.values()].flatMap((same) => {
    const first = same[0];
    if (first === undefined) return [];
    return [
      { group: first.spec.group, role: first.spec.role, phase: first.status?.phase ?? "Pending", count: same.length },
    ];
  });
}
