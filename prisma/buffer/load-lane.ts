import type { LoadMinute } from "../../domain/history.ts";
import type { LoadStore } from "../../domain/ports.ts";
import { instant } from "../../domain/time.ts";
import type { LoadSample } from "../history-recorder.ts";
import { addedMinutes, minuteKey } from "../load-minutes.ts";
import { type Lane, type OnRefused, rowsPerStatement } from "./lane.ts";
import { MergingQueue } from "./merging-queue.ts";

const minuteMs = 60_000;

/**
 * Load, summed up by minute. The running minute is written with the others, as the part of its sums that is new. A write
 * whose answer was lost is repeated, so that a part may be counted twice.
 */
export class LoadLane implements Lane {
  readonly #parts: MergingQueue<LoadMinute>;

  constructor(store: LoadStore, onRefused: OnRefused) {
    this.#parts = new MergingQueue({
      ...{ onRefused, chunkSize: rowsPerStatement, keyOf: minuteKey, merge: addedMinutes },
      write: (rows) => store.add(rows),
    });
  }

  get size(): number {
    return this.#parts.size;
  }

  add(sample: LoadSample): void {
    this.#parts.add(minuteOf(sample));
  }

  flush(): Promise<void> {
    return this.#parts.drain();
  }

  dropOldest(): void {
    this.#parts.dropOldest();
  }
}

function minuteOf({
  namespace,
  group,
  role,
  region,
  at,
  connections,
  publishers,
  subscribers,
}: LoadSample): LoadMinute {
  return {
    ...{ namespace, group, role, region, samples: 1 },
    minute: instant(Math.floor(at / minuteMs) * minuteMs),
    connectionsSum: connections,
    connectionsMax: connections,
    publishersSum: publishers,
    subscribersSum: subscribers,
  };
}
