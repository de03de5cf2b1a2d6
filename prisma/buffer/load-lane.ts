import type { LoadMinute, LoadStore } from "../../domain/history.ts";
import { instant } from "../../domain/time.ts";
import type { LoadSample } from "../history-recorder.ts";
import { addedMinutes, minuteKey } from "../load-minutes.ts";
import type { Lane, OnRefused } from "./lane.ts";
import { rowsPerStatement } from "./lane.ts";
import { takeOldest, writeAccepted } from "./row-queue.ts";

const minuteMs = 60_000;

/** Load, summed up by minute. A write whose answer was lost is repeated, so that a minute may be counted twice. */
export class LoadLane implements Lane {
  #minutes = new Map<string, LoadMinute>();
  readonly #store: LoadStore;
  readonly #onRefused: OnRefused;

  constructor(store: LoadStore, onRefused: OnRefused) {
    this.#store = store;
    this.#onRefused = onRefused;
  }

  get size(): number {
    return this.#minutes.size;
  }

  add(sample: LoadSample): void {
    this.#merge(minuteOf(sample));
  }

  async flush(): Promise<void> {
    for (let left = this.size; left > 0; left -= rowsPerStatement) {
      await this.#writeSome(Math.min(left, rowsPerStatement));
    }
  }

  dropOldest(): void {
    const [oldest] = this.#minutes.keys();
    if (oldest !== undefined) this.#minutes.delete(oldest);
  }

  async #writeSome(count: number): Promise<void> {
    const taken = takeOldest(this.#minutes, count);
    try {
      await writeAccepted([...taken.values()], { write: (rows) => this.#store.add(rows), onRefused: this.#onRefused });
    } catch (cause) {
      this.#putBack(taken);
      throw cause;
    }
  }

  /** The oldest stay in front, to be dropped first. */
  #putBack(taken: Map<string, LoadMinute>): void {
    const newer = this.#minutes;
    this.#minutes = taken;
    for (const minute of newer.values()) this.#merge(minute);
  }

  #merge(minute: LoadMinute): void {
    const key = minuteKey(minute);
    const known = this.#minutes.get(key);
    this.#minutes.set(key, known === undefined ? minute : addedMinutes(known, minute));
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
