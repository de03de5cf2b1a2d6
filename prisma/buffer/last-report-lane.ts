import type { LastReport } from "../../domain/history.ts";
import type { LastReportStore } from "../../domain/ports.ts";
import { newestReport } from "../last-reports.ts";
import { type Lane, type OnRefused, rowsPerStatement } from "./lane.ts";
import { MergingQueue } from "./merging-queue.ts";

/** Last reports: of each node that reported since the last write, the newest. However long they wait, one for each node. */
export class LastReportLane implements Lane {
  readonly #reports: MergingQueue<LastReport>;

  constructor(store: LastReportStore, onRefused: OnRefused) {
    this.#reports = new MergingQueue({
      ...{ onRefused, chunkSize: rowsPerStatement, keyOf: ({ uid }: LastReport) => uid, merge: newestReport },
      write: (rows) => store.record(rows),
    });
  }

  get size(): number {
    return this.#reports.size;
  }

  add(report: LastReport): void {
    this.#reports.add(report);
  }

  flush(): Promise<void> {
    return this.#reports.drain();
  }

  dropOldest(): void {
    this.#reports.dropOldest();
  }
}
