/** What Prometheus reads. Rendering takes time with the size of the fleet: however many ask, it is done once a second. */
import type { Clock } from "../domain/ports.ts";

/** A `Metrics`. */
export interface MetricsSource {
  readonly contentType: string;
  text(): Promise<string>;
}

const freshMs = 1_000;

/** The text of all metrics, at most a second old. A rendering that fails is not kept. */
export class MetricsPage implements MetricsSource {
  readonly #source: MetricsSource;
  readonly #clock: Pick<Clock, "monotonicMs">;
  #last: { readonly atMs: number; readonly text: Promise<string> } | undefined;

  constructor(source: MetricsSource, clock: Pick<Clock, "monotonicMs">) {
    this.#source = source;
    this.#clock = clock;
  }

  get contentType(): string {
    return this.#source.contentType;
  }

  text(): Promise<string> {
    const now = this.#clock.monotonicMs();
    if (this.#last !== undefined && now - this.#last.atMs < freshMs) return this.#last.text;
    const text = this.#source.text();
    const rendering = { atMs: now, text };
    this.#last = rendering;
    text.catch(() => {
      if (this.#last === rendering) this.#last = undefined;
    });
    return text;
  }
}
