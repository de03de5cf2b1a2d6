/** What the status of a NodeGroup is made of. */
import type { HistoryOutage } from "../history.ts";
import type { Pause } from "./pause.ts";
import type { References } from "./references.ts";
import type { ScalingDecision, ScalingInput } from "../scaling/decide-scaling.ts";
import type { Instant } from "../time.ts";

/** One (role, region): what was put in and what was decided. */
export interface Decided {
  readonly input: ScalingInput;
  readonly decision: ScalingDecision;
}

/** When an alarm last added nodes, and when the last launch or drain ended; what this pass has carried out is included. */
export interface Anchors {
  readonly scaledOutAt?: Instant;
  readonly settledAt?: Instant;
}

/** One (role, region) as it is shown. */
export interface ShownPlace extends Decided {
  readonly anchors: Anchors;
  /** By `roundedLoad`, written no more often than people need it; undefined while it is not known. */
  readonly shownLoad: string | undefined;
}

export interface GroupFacts {
  readonly generation: number;
  readonly deleting: boolean;
  /** Its deletion leaves the nodes, and their machines. */
  readonly orphaning?: boolean;
  /** Nodes are believed by the join token of their batch alone. */
  readonly trustBatch?: boolean;
  /** Why decisions are not being recorded; absent while they are. */
  readonly unwritten?: HistoryOutage;
  readonly references: References;
  readonly pause: Pause;
  readonly decided: readonly ShownPlace[];
  /** Of the edges over all regions, by `roundedLoad`; undefined while it is not known. */
  readonly shownLoad: string | undefined;
  /** Batches whose last attempt was refused, in words. */
  readonly failingLaunches: readonly string[];
  /** Regions whose machines have not been read yet, with the error of the last try. */
  readonly unread: readonly { readonly region: string; readonly error: string | undefined }[];
}
