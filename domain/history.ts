/** What history keeps of the fleet: the records that go through its ports (`ports.ts`). */
import type { Phase, Role } from "../crds/names.ts";
import type { AlarmState } from "./alarm/alarm-state.ts";
import type { Instant } from "./time.ts";
import type { NodeLoad } from "./load/report.ts";

/** A stretch of a group's history: `[from, to)`, and the most rows that are wanted of it. */
export interface HistorySpan {
  readonly namespace: string;
  readonly group: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly limit: number;
}

/** One StreamNode's life, from its creation to the cloud's word that its machine is gone. */
export interface NodeLife {
  /** UID of the StreamNode. */
  readonly uid: string;
  readonly namespace: string;
  readonly group: string;
  readonly name: string;
  readonly role: Role;
  readonly region: string;
  readonly platform: string;
  readonly providerId?: string;
  readonly openedAt: Instant;
  readonly closedAt?: Instant;
  readonly closeReason?: string;
}

export interface NodeTransition {
  readonly phase: Phase;
  readonly at: Instant;
  readonly reason: string;
}

/** A transition together with the life it belongs to: the first one opens the life. */
export interface NodeLifeTransition extends NodeTransition {
  readonly life: Omit<NodeLife, "closedAt" | "closeReason">;
}

/** A stream as a node last reported it. */
export interface StreamSighting {
  readonly namespace: string;
  readonly group: string;
  readonly scope: string;
  readonly name: string;
  /** UID of the StreamNode that carries it. */
  readonly nodeUid: string;
  readonly subscribers: number;
  readonly at: Instant;
}

export interface StreamRecord {
  readonly namespace: string;
  readonly group: string;
  readonly scope: string;
  readonly name: string;
  readonly nodeUid: string;
  readonly startedAt: Instant;
  readonly lastSeenAt: Instant;
  readonly endedAt?: Instant;
  readonly peakSubscribers: number;
}

/** Which streams a node still carries: all others that are open on it have ended. */
export interface NodeStreamList {
  readonly nodeUid: string;
  readonly still: readonly { readonly scope: string; readonly name: string }[];
  readonly at: Instant;
}

/** One minute of load of a (group, role, region), as sums that can be added up. */
export interface LoadMinute {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
  readonly region: string;
  /** Start of the minute. */
  readonly minute: Instant;
  /** Reports in the minute. */
  readonly samples: number;
  readonly connectionsSum: number;
  readonly connectionsMax: number;
  readonly publishersSum: number;
  readonly subscribersSum: number;
}

/** Why a (group, role, region) was scaled, or why not; the input replays it. */
export interface ScalingActivity {
  readonly namespace: string;
  readonly group: string;
  readonly role: Role;
  readonly region: string;
  /** Member name of the decision's union. */
  readonly kind: string;
  /** Member name of the reasons' union. */
  readonly reason: string;
  /** For people, with numbers: what was said first, which the input replays. */
  readonly message: string;
  /** What was said last, where it is another sentence. */
  readonly latestMessage?: string;
  /** Version of the decider that said it. */
  readonly deciderVersion: number;
  /** The full input of the decision, as JSON. */
  readonly input: unknown;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** How often it was decided in a row. */
  readonly count: number;
}

/** A scaling decision, without what the store counts. */
export type DecidedActivity = Omit<ScalingActivity, "firstAt" | "lastAt" | "count" | "latestMessage">;

/** A change of an alarm's state. */
export interface AlarmTransition {
  readonly namespace: string;
  readonly group: string;
  readonly alarm: string;
  readonly role: Role;
  readonly region: string;
  readonly from: AlarmState;
  readonly to: AlarmState;
  /** For people, with numbers. */
  readonly reason: string;
  readonly at: Instant;
}

/** The last that was heard of a node. */
export interface LastReport extends NodeLoad {
  /** UID of the StreamNode. */
  readonly uid: string;
  readonly namespace: string;
  readonly group: string;
  readonly name: string;
  readonly role: Role;
  readonly region: string;
  readonly bootId: string;
  readonly sequence: number;
  readonly lastReportAt: Instant;
  /** When a report last named a client; absent: none ever did. */
  readonly lastTrafficAt?: Instant;
}

/** History is not being written. Nothing depends on it but what people can look up. */
export interface HistoryOutage {
  readonly since: Instant;
  /** Why, and what to do: one line. */
  readonly reason: string;
}
