import type { Instant } from "../../domain/time.ts";
import type { HistoryKind } from "./lane.ts";

/** History is not being written. */
export interface Outage {
  readonly since: Instant;
  /** What the first write that failed says. */
  readonly error: unknown;
}

/** It is again. */
export interface Recovery {
  readonly outageMs: number;
  /** Entries that waited at the most. */
  readonly backlog: number;
}

export interface OutageOptions {
  readonly onOutage?: (outage: Outage) => void;
  readonly onRecovery?: (recovery: Recovery) => void;
}

/** From the first write that fails, of whichever kind, until each kind that failed has been written again. */
export class OutageWatch {
  readonly #options: OutageOptions;
  readonly #failing = new Set<HistoryKind>();
  #outage: Outage | undefined;
  #backlog = 0;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** What lasts; undefined: nothing does. The error is of the newest attempt. */
  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** `backlog`: entries that wait now. */
  note(kind: HistoryKind, failure: { readonly error: unknown } | undefined, at: Instant, backlog: number): void {
    if (failure === undefined) this.#written(kind, at);
    else this.#failed(kind, failure.error, at, backlog);
  }

  #failed(kind: HistoryKind, error: unknown, at: Instant, backlog: number): void {
    this.#failing.add(kind);
    this.#backlog = Math.max(this.#backlog, backlog);
    const begins = this.#outage === undefined;
    this.#outage = { since: this.#outage?.since ?? at, error };
    if (begins) this.#options.onOutage?.(this.#outage);
  }

  #written(kind: HistoryKind, at: Instant): void {
    const outage = this.#outage;
    if (!this.#failing.delete(kind) || this.#failing.size > 0 || outage === undefined) return;
    const recovery = { outageMs: at - outage.since, backlog: this.#backlog };
    this.#outage = undefined;
    this.#backlog = 0;
    this.#options.onRecovery?.(recovery);
  }
}
