/** From a decision to the LaunchBatch that commits it: its number, its slots, its snapshot. */
import { largestBatch, type LaunchBatch, type LaunchBatchSpec, type LaunchSnapshot } from "../../crds/launch-batch.ts";
import type { LaunchConfig } from "../../crds/launch-config.ts";
import { apiVersion, finalizers, type Role } from "../../crds/names.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import { openSlots } from "../../domain/batch.ts";
import { batchName, batchNumber, freeSlots } from "../../domain/names.ts";
import { platformOf } from "../../domain/references.ts";
import type { ScalingDecision, ScalingInput } from "../../domain/scaling.ts";
import type { Draft } from "../../runtime/resource-client.ts";
import { groupLabels } from "../cluster.ts";
import type { GroupObjects } from "./observation.ts";

type LaunchDecision = Extract<ScalingDecision, { kind: "LaunchNodes" }>;

export interface BatchPlan {
  readonly group: NodeGroup;
  readonly launchConfig: LaunchConfig;
  readonly revision: string;
  readonly input: ScalingInput;
  readonly decision: LaunchDecision;
  readonly objects: GroupObjects;
}

/** The batch that carries a decision out; the same plan always gives the same batch. */
export function planBatch(plan: BatchPlan): Draft | undefined {
  const { group, input, decision, objects } = plan;
  const launch = snapshot(plan);
  if (launch === undefined) return undefined;
  const { role, region } = input;
  const number = nextNumber(objects, role);
  const slots = freeSlots(usedSlots(objects, role), Math.min(decision.count, largestBatch));
  const { name, namespace, uid } = group.metadata;
  const spec: LaunchBatchSpec = {
    group: name,
    role,
    region,
    number,
    slots: [...slots],
    launch,
    reason: decision.reason,
    message: decision.message,
  };
  return {
    metadata: {
      name: batchName(name, role, number),
      namespace,
      labels: groupLabels(name, role, region),
      finalizers: [finalizers.launch],
      ownerReferences: [{ apiVersion, kind: "NodeGroup", name, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec,
  };
}

/** One above every number that a batch has or that a node or its machine still names. */
function nextNumber({ nodes, batches }: GroupObjects, role: Role): number {
  const taken = [
    ...batches.filter(({ spec }) => spec.role === role).map(({ spec }) => spec.number),
    ...nodes.filter(({ spec }) => spec.role === role).map(({ spec }) => batchNumber(spec.batch) ?? 0),
  ];
  return Math.max(0, ...taken) + 1;
}

/** Slots that a node holds, whatever its phase, or that an open batch has promised. */
function usedSlots({ nodes, batches }: GroupObjects, role: Role): ReadonlySet<number> {
  return new Set([
    ...nodes.filter(({ spec }) => spec.role === role).map(({ spec }) => spec.slot),
    ...batches.filter(({ spec }) => spec.role === role).flatMap((batch: LaunchBatch) => openSlots(batch)),
  ]);
}

function snapshot({ launchConfig, revision, input }: BatchPlan): LaunchSnapshot | undefined {
  const { metadata, spec } = launchConfig;
  const entry = spec.roles.find(({ role }) => role === input.role);
  const platform = platformOf(launchConfig);
  if (entry === undefined || platform === undefined) return undefined;
  return {
    launchConfig: metadata.name,
    revision,
    platform,
    image: entry.image ?? spec.image,
    instanceType: entry.instanceType,
    connectionCapacity: entry.connectionCapacity,
    registrationTimeoutSeconds: spec.registrationTimeoutSeconds,
    ...(spec.properties !== undefined && { properties: spec.properties }),
    ...(spec.metadata !== undefined && { metadata: spec.metadata }),
    ...(spec.userData !== undefined && { userData: spec.userData }),
  };
}

/** Settled batches that are kept of each role, beyond any cache's age: they make numbers unique. */
const keptBatches = 20;

/** Settled batches that may go: all but the newest of each role. */
export function prunableBatches({ batches }: Pick<GroupObjects, "batches">): readonly LaunchBatch[] {
  const byRole = Map.groupBy(batches, ({ spec }) => spec.role);
  return [...byRole.values()].flatMap((ofRole) =>
    [...ofRole]
      .sort((a, b) => b.spec.number - a.spec.number)
      .slice(keptBatches)
      .filter((batch) => openSlots(batch).length === 0),
  );
}
