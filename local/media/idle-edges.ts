/** The edges of an origin that have nobody, and how the origin asks that they go. */
import type { RegisterResponse } from "../../api/node-schemas.ts";
import type { ChildReport } from "../../domain/load/report.ts";
import type { Clock } from "../../domain/ports.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { NodeApiClient } from "./node-api-client.ts";

interface IdleEdge {
  readonly sinceMs: number;
  readonly askedAtMs: number | undefined;
}

/** How long (ms) an origin waits before it asks for the same edge again. */
const askAgainMs = 30_000;

/** Most edges to ask for at one time, so that a crowd of idle ones stays under the API's rate limit. */
const mostAtOnce = 10;

/** Since when each edge is idle, and for which of them it is time to ask. Times are monotonic (ms). */
export class IdleEdges {
  #idle = new Map<string, IdleEdge>();

  /** Takes note of the edges that are linked now; those that have somebody, or are not linked any more, begin anew. */
  observe(children: readonly ChildReport[], nowMs: number): void {
    const idle = children.filter(({ connections, subscribers }) => connections + subscribers === 0);
    const known = this.#idle;
    this.#idle = new Map(
      idle.map(({ name }) => [name, known.get(name) ?? { sinceMs: nowMs, askedAtMs: undefined }] as const),
    );
  }

  /** The edges to ask for now, the one that is idle for longest first: they count as asked for. */
  take(idleMs: number, nowMs: number): readonly string[] {
    const due = [...this.#idle]
      .filter(
        ([, { sinceMs, askedAtMs }]) => nowMs - sinceMs >= idleMs && nowMs - (askedAtMs ?? -Infinity) >= askAgainMs,
      )
      .sort(([, a], [, b]) => a.sinceMs - b.sinceMs)
      .slice(0, mostAtOnce);
    for (const [name, edge] of due) this.#idle.set(name, { ...edge, askedAtMs: nowMs });
    return due.map(([name]) => name);
  }
}

export interface EdgeRequestsOptions {
  readonly client: Pick<NodeApiClient, "requestScaleIn">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Asks beside the reports, which do not wait for it. */
export class EdgeRequests {
  readonly #options: EdgeRequestsOptions;
  readonly #idle = new IdleEdges();
  #asking: Promise<void> | undefined;

  constructor(options: EdgeRequestsOptions) {
    this.#options = options;
  }

  /** Takes note of the edges, and asks for those to go that had nobody for `idleSeconds`; undefined: asks for none. */
  consider(
    session: RegisterResponse,
    children: readonly ChildReport[],
    idleSeconds: number | undefined,
    signal: AbortSignal,
  ): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#idle.observe(children, nowMs);
    if (idleSeconds === undefined || this.#asking !== undefined) return;
    const edges = this.#idle.take(idleSeconds * 1_000, nowMs);
    if (edges.length === 0) return;
    const asking = this.#ask(edges, `nobody for ${idleSeconds} s`, session, signal);
    this.#asking = asking.finally(() => (this.#asking = undefined));
  }

  /** When no request is under way. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  /** A refusal is an answer like any other: the origin asks again later if the edge is still idle. */
  async #ask(edges: readonly string[], reason: string, session: RegisterResponse, signal: AbortSignal): Promise<void> {
    for (const node of edges) {
      if (signal.aborted) return;
      const answer = await this.#options.client.requestScaleIn(session, { node, reason }, signal);
      this.#options.logger.debug("asked for an edge to go", { origin: session.name, edge: node, answer });
    }
  }
}
