/** Sessions that were lost, by our own act or otherwise. The reason is sometimes known only some seconds after the loss. */
import { orderSeenWithinMs } from "./room-tracker.ts";

/** A session that was lost, while nothing told why. */
interface Loss {
  readonly node: string;
  readonly atMs: number;
}

/** What is known of nodes. */
interface Nodes {
  isDraining(node: string): boolean;
  /** Its machine was ended by the operator. */
  wasOrdered(node: string): boolean;
}

export class Losses {
  readonly #nodes: Nodes;
  readonly #nowMs: () => number;
  #cut = 0;
  #lost = 0;
  /** Lost lately, and not known to be cut. */
  #unexplained: readonly Loss[] = [];

  constructor(nodes: Nodes, nowMs: () => number) {
    this.#nodes = nodes;
    this.#nowMs = nowMs;
  }

  /** So far; one that may yet be found to be cut counts as lost. */
  get counts(): { readonly cut: number; readonly lost: number } {
    return { cut: this.#cut, lost: this.#lost + this.#unexplained.length };
  }

  add(node: string): void {
    if (this.#nodes.isDraining(node) || this.#nodes.wasOrdered(node)) this.#cut += 1;
    else this.#unexplained = [...this.#unexplained, { node, atMs: this.#nowMs() }];
  }

  /** Judges anew, with what is known of the nodes by now. */
  explain(): void {
    const isOrdered = ({ node }: Loss): boolean => this.#nodes.wasOrdered(node);
    const isOld = ({ atMs }: Loss): boolean => this.#nowMs() - atMs > orderSeenWithinMs;
    this.#cut += this.#unexplained.filter(isOrdered).length;
    const rest = this.#unexplained.filter((loss) => !isOrdered(loss));
    this.#lost += rest.filter(isOld).length;
    this.#unexplained = rest.filter((loss) => !isOld(loss));
  }
}
