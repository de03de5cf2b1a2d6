/** What a node says of itself, in the report that it sends at each interval. */
import type { Instant } from "../time.ts";

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

/** What an origin says of an edge that is linked to it. It counts where the edge's own report is stale. */
export interface ChildReport {
  /** Name of the edge's StreamNode. */
  readonly name: string;
  readonly connections: number;
  readonly subscribers: number;
  /** Streams that it carries. */
  readonly streams: number;
}

/** What one node says of itself, or its origin of it: the part that counts for the load of its role. */
export interface NodeLoad {
  readonly connections: number;
  readonly publishers: number;
  readonly subscribers: number;
  readonly cpuPercent?: number;
  readonly memoryPercent?: number;
  readonly egressMbps?: number;
}

/** The latest report of one node, as the API took it. Counts are of direct clients only. */
export interface NodeReport extends NodeLoad {
  /** UID of the StreamNode: a report of a former node in the same slot is nobody's. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly bootId: string;
  /** Rises with each report of one boot. */
  readonly sequence: number;
  /** When the API took it, on the reader's own clock: the feed sends ages, never timestamps. */
  readonly receivedAt: Instant;
  /** Whether it takes new clients. */
  readonly accepting: boolean;
  /** Clients taken in since the boot, those who have left included; absent: it does not count them. */
  readonly admitted?: number;
  readonly links: readonly LinkReport[];
  readonly streams: readonly StreamReport[];
  /** Of an origin: the edges linked to it. */
  readonly children: readonly ChildReport[];
  /** Ids of the directives that the node says it has carried out. */
  readonly acknowledged: readonly string[];
  /** What was dropped or clamped of it, in the words of `report-parts`; absent: nothing. */
  readonly losses?: readonly ReportLoss[];
}

/** Of one part of a report, for one reason. A process of a later version may have further words. */
export interface ReportLoss {
  readonly part: string;
  readonly reason: string;
  readonly count: number;
}

/** A report of a known node that could not be taken at all. */
export interface ReportRefusal {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** One word, of `report-parts`. */
  readonly reason: string;
  /** When it was refused, on the reader's own clock. */
  readonly receivedAt: Instant;
}

/** An origin asks for one of its edges to go. It may be refused, and is forgotten after `requestKeptMs`. */
export interface ScaleInRequest {
  readonly namespace: string;
  readonly group: string;
  /** Region of the edge, or of the origin where no edge is named. */
  readonly region: string;
  /** Name of the origin that asks. */
  readonly origin: string;
  /** Name of the edge that is to go; absent: whichever harms least. */
  readonly node?: string;
  /** In the origin's words. */
  readonly reason?: string;
  /** When the API took it, on the reader's own clock. */
  readonly receivedAt: Instant;
}

/** How long (ms) a scale-in request is remembered. */
export const requestKeptMs = 60_000;

/** A report is stale when it is older than this many report intervals: what it says no longer counts. */
export const staleIntervals = 2;
