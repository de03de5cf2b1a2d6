/** The status that the stream-node reconciler writes: phase, machine, addresses, conditions, times. Pure. */
import type { StreamNode, StreamNodeStatus } from "../../crds/stream-node.ts";
import { type Condition, type UpdateOf, withConditions } from "../../domain/conditions.ts";
import type { Sighting } from "../../domain/node/evidence.ts";
import { type NodeStep, type NodeView, phaseOf } from "../../domain/node/lifecycle.ts";
import { nodeConditions } from "../../domain/node/node-conditions.ts";
import { type Instant, toRfc3339 } from "../../domain/time.ts";

/** All but `registration`, which is the API's. */
export type DerivedStatus = Omit<StreamNodeStatus, "registration">;

export interface Told {
  readonly step: NodeStep;
  readonly view: NodeView;
  /** What a termination waits for, or why its call failed. */
  readonly termination: UpdateOf<"StreamNode"> | undefined;
}

export function nodeStatus(
  { metadata, status }: StreamNode,
  { step, view, termination }: Told,
  now: Instant,
): DerivedStatus {
  const phase = phaseOf(step, view, status?.phase);
  const updates = [...nodeConditions(step, view), ...(termination === undefined ? [] : [termination])];
  const generation = metadata.generation ?? 0;
  const conditions = withConditions(
    standingConditions(status?.conditions ?? [], { view, termination }),
    updates.map((update) => ({ ...update, observedGeneration: generation })),
    now,
  );
  const entered = status?.phase === phase ? {} : { [phase]: toRfc3339(now) };
  return {
    observedGeneration: generation,
    ...(view.standing.kind === "Claimed" && { claimedUid: metadata.uid }),
    phase,
    ...machineStatus(view.sighting),
    transitions: { ...status?.transitions, ...entered },
    conditions: [...conditions],
  };
}

/** Without those that speak of a drain, a termination or a release that is not to be any more. */
function standingConditions(
  known: readonly Condition[],
  { view, termination }: Pick<Told, "view" | "termination">,
): readonly Condition[] {
  const endsUnasked = !view.deleting && termination === undefined;
  const isOver: Readonly<Record<string, boolean>> = {
    Drained: view.drain === undefined,
    Terminated: endsUnasked,
    Released: view.standing.kind !== "LetGo",
  };
  return known.filter(({ type }) => isOver[type] !== true);
}

/** Nothing new about the machine leaves what was known. */
function machineStatus(sighting: Sighting): Pick<DerivedStatus, "machine" | "addresses"> {
  if (sighting.kind !== "Seen") return {};
  const { state, zone, launchedAt, publicAddress, privateAddress } = sighting.machine;
  return {
    machine: { state, zone, launchedAt: toRfc3339(launchedAt) },
    addresses: {
      ...(publicAddress !== undefined && { public: publicAddress }),
      ...(privateAddress !== undefined && { private: privateAddress }),
    },
  };
}
