/** The objects that a region's machines are compared with. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { PlatformName } from "../../crds/names.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { AdoptionWorld, HeldSlot } from "../../domain/adoption.ts";
import type { Instant } from "../../domain/time.ts";
import type { Cluster } from "../cluster.ts";
import { attemptsOf } from "../committed-attempts.ts";

/** Objects of one group, as they were read together. */
export interface OwnedObjects {
  readonly nodes: readonly StreamNode[];
  readonly batches: readonly LaunchBatch[];
}

export function adoptionWorld(
  platform: PlatformName,
  cluster: Pick<Cluster, "nodeGroups">,
  objectsOf: (key: string) => OwnedObjects,
  hasNode: (providerId: string) => boolean,
  now: Instant,
): AdoptionWorld {
  return {
    now,
    hasNode,
    isBeingLaunched: (token) => isPending(token, cluster, objectsOf),
    groupExists: (namespace, group) => cluster.nodeGroups.cache.get(`${namespace}/${group}`) !== undefined,
    slotsOf: ({ namespace, group, role }) => {
      const { nodes } = objectsOf(`${namespace}/${group}`);
      const ofRole = nodes.filter(({ spec }) => spec.role === role && spec.launch.platform === platform);
      return new Map(ofRole.map((node) => [node.spec.slot, heldSlot(node)]));
    },
  };
}

function heldSlot({ spec }: StreamNode): HeldSlot {
  return { awaitsMachine: spec.providerId === undefined, batch: spec.batch };
}

/** Whether an attempt with this token has no answer yet: the launch reconciler maps its machines. */
function isPending(
  token: string,
  cluster: Pick<Cluster, "nodeGroups">,
  objectsOf: (key: string) => OwnedObjects,
): boolean {
  return cluster.nodeGroups.cache
    .keys()
    .some((key) =>
      objectsOf(key).batches.some((batch) =>
        attemptsOf(batch).some((attempt) => attempt.token === token && attempt.outcome === "Pending"),
      ),
    );
}
