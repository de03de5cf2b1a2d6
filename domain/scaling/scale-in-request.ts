/** Whether an origin's request that one of its edges goes can be taken, as far as the status of the group tells. */
import type { EdgeSource, Phase } from "../../crds/names.ts";
import type { RoleStatus } from "../../crds/node-group.ts";
import type { Pause } from "../group/pause.ts";
import { roomToDrain } from "./scale-in.ts";

/** What an API replica knows when an origin asks. */
export interface ScaleInRequestFacts {
  /** `scaleIn.edgeSources` of the policy that holds; undefined: there is no valid one. */
  readonly edgeSources: readonly EdgeSource[] | undefined;
  readonly pause: Pause;
  /** The group is being deleted. */
  readonly deleting: boolean;
  /** Region of the named edge, or of the origin where none is named. */
  readonly region: string;
  /** Of the edges in that region, from the status of the group; undefined: nothing has been counted yet. */
  readonly edges:
    Pick<RoleStatus, "minLimit" | "inService" | "starting" | "overdue" | "draining" | "terminating"> | undefined;
  /** The edge that the origin names. */
  readonly edge?: {
    readonly name: string;
    /** Undefined: its status has not been written yet. */
    readonly phase: Phase | undefined;
    /** `spec.drain` is set. */
    readonly draining: boolean;
    /** The object has a deletion timestamp. */
    readonly deleting: boolean;
  };
}

export type RequestRefusal =
  | "OriginMayNotAsk"
  | "Paused"
  | "Deleting"
  | "NotResolved"
  | "AtMinimum"
  | "AlreadyGoing"
  | "NotInService"
  | "OperationInProgress";

export type RequestJudgement =
  | { readonly kind: "Accepted" }
  /** `message`: one sentence with numbers, for the origin's log. */
  | { readonly kind: "Refused"; readonly reason: RequestRefusal; readonly message: string };

/**
 * Accepted is not yet carried out: the decision itself looks at the load as well, which may forbid it for as long as the request is
 * remembered. Refused is what could not come true within that time.
 */
export function judgeScaleInRequest(facts: ScaleInRequestFacts): RequestJudgement {
  return groupObstacle(facts) ?? edgeObstacle(facts) ?? edgeCountObstacle(facts) ?? { kind: "Accepted" };
}

function groupObstacle({ deleting, edgeSources, pause }: ScaleInRequestFacts): RequestJudgement | undefined {
  if (deleting) return refused("Deleting", "the group is being deleted: all of its nodes go");
  if (edgeSources === undefined) return refused("NotResolved", "the scale policy of the group is missing or invalid");
  if (!edgeSources.includes("Origin")) {
    const allowed = edgeSources.length === 0 ? "nobody" : edgeSources.join(" and ");
    return refused("OriginMayNotAsk", `scaleIn.edgeSources of the scale policy allows ${allowed}, not Origin`);
  }
  if (pause.kind === "ScalingPaused") return refused("Paused", `scaling is paused (${pause.reason})`);
  if (pause.kind === "EverythingPaused") return refused("Paused", `everything is paused (${pause.reason})`);
  return undefined;
}

function edgeObstacle({ edge }: ScaleInRequestFacts): RequestJudgement | undefined {
  if (edge === undefined) return undefined;
  const { name, phase, draining, deleting } = edge;
  if (draining || deleting || phase === "Draining" || phase === "Terminating")
    return refused("AlreadyGoing", `${name} is going already`);
  if (phase === "InService") return undefined;
  return refused("NotInService", `${name} is ${phase ?? "new"}, not InService`);
}

/** As the decision itself counts: a node that starts makes no room for another, and one that is overdue holds none up. */
function edgeCountObstacle({ edges, region }: ScaleInRequestFacts): RequestJudgement | undefined {
  if (edges === undefined) return refused("NotResolved", `the edges in ${region} have not been counted yet`);
  const { minLimit, inService, overdue = 0, draining, terminating } = edges;
  const { booting, isBusy, atMinimum } = roomToDrain({ counts: edges, overdue, minLimit });
  if (atMinimum) {
    const message = `${inService} edges in service in ${region} are no more than the minimum of ${minLimit}`;
    return refused("AtMinimum", message);
  }
  if (!isBusy) return undefined;
  const message = `one edge at a time: in ${region} ${booting} are starting, ${draining} draining, ${terminating} terminating`;
  return refused("OperationInProgress", message);
}

function refused(reason: RequestRefusal, message: string): RequestJudgement {
  return { kind: "Refused", reason, message };
}
