/** What a node says of itself, and the feed that carries it from the API to the decisions. */
import type { Instant } from "./time.ts";

/** The state of an edge's link to one parent, as the node sees it. */
export type LinkState = "established" | "connecting" | "lost";

export interface LinkReport {
  /** Name of the parent StreamNode. */
  readonly parent: string;
  readonly state: LinkState;
}

export interface StreamReport {
  readonly scope: string;
  readonly name: string;
  /** Viewers of this stream on this node. */
  readonly subscribers: number;
}

/** The latest report of one node, as the API took it. Counts are of direct clients only. */
export interface NodeReport {
  /** UID of the StreamNode: a report of a former node in the same slot is nobody's. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly bootId: string;
  /** Rises with each report of one boot. */
  readonly sequence: number;
  /** When the API took it, on the reader's own clock: the feed sends ages, never timestamps. */
  readonly receivedAt: Instant;
  readonly connections: number;
  readonly publishers: number;
  readonly subscribers: number;
  readonly cpuPercent?: number;
  readonly memoryPercent?: number;
  readonly egressMbps?: number;
  readonly links: readonly LinkReport[];
  readonly streams: readonly StreamReport[];
  /** Ids of the directives that the node says it has carried out. */
  readonly acknowledged: readonly string[];
}

/** The latest reports, wherever they were received. A silent feed is not a silent node. */
export interface LoadFeed {
  /** The newest report of the node with this UID, or undefined when none is known: unknown is not zero. */
  latest(uid: string): NodeReport | undefined;
  /** Calls the listener at every new report, until the returned function is called. */
  subscribe(listener: (report: NodeReport) => void): () => void;
}
