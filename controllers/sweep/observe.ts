/** The objects that a region's machines are compared with. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { StreamNode } from "../../crds/stream-node.ts";
import type { AdoptionFacts, HeldSlot } from "../../domain/node/adoption.ts";
import { isOfGroup } from "../../domain/launch/batch.ts";
import { groupUidOf } from "../../domain/node/claim.ts";
import type { Machine } from "../../domain/node/machine.ts";
import type { Instant } from "../../domain/time.ts";
import { groupText } from "../../domain/group/place.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { attemptsOf } from "../../fleet/committed-attempts.ts";

/** Objects of one group, as they were read together. */
export interface OwnedObjects {
  readonly nodes: readonly StreamNode[];
  readonly batches: readonly LaunchBatch[];
}

export interface AdoptionSources {
  readonly cluster: Pick<Cluster, "nodeGroups">;
  /** By `namespace/group`. */
  readonly objectsOf: (key: string) => OwnedObjects;
  /** StreamNodes with this machine, of whatever group. */
  readonly holdersOf: (machine: Machine) => readonly StreamNode[];
}

/** What a machine is compared with. Names span platforms, and so do the slots that are held. */
export function adoptionFacts({ cluster, objectsOf, holdersOf }: AdoptionSources, now: Instant): AdoptionFacts {
  const groupOf = (namespace: string, group: string) => cluster.nodeGroups.cache.get(groupText({ namespace, group }));
  const pending = once(() => pendingTokens(cluster, objectsOf));
  return {
    now,
    holding: (machine, owner) => {
      const holders = holdersOf(machine);
      if (owner === undefined) return holders.length > 0 ? "Ours" : "None";
      const { namespace, group: name, role } = owner;
      const named = holders.filter(
        ({ metadata, spec }) => metadata.namespace === namespace && spec.group === name && spec.role === role,
      );
      const uid = groupOf(namespace, name)?.metadata.uid;
      if (uid === undefined || named.length === 0) return "None";
      return named.some((node) => groupUidOf(node) === uid) ? "Ours" : "Former";
    },
    isBeingLaunched: (token) => pending().has(token),
    groupExists: (namespace, group) => groupOf(namespace, group) !== undefined,
    slotsOf: ({ namespace, group, role }) => {
      const uid = groupOf(namespace, group)?.metadata.uid;
      const ofRole = objectsOf(groupText({ namespace, group })).nodes.filter(({ spec }) => spec.role === role);
      return new Map(ofRole.map((node) => [node.spec.slot, heldSlot(node, uid)]));
    },
  };
}

/** A node of an earlier group holds its name, but is not given a machine any more. */
function heldSlot(node: StreamNode, groupUid: string | undefined): HeldSlot {
  const { providerId, batch } = node.spec;
  return { awaitsMachine: providerId === undefined && groupUidOf(node) === groupUid, batch };
}

/** Tokens of attempts that have no answer yet: the launch reconciler maps their machines. Nobody does for a copy of a batch. */
function pendingTokens(
  cluster: Pick<Cluster, "nodeGroups">,
  objectsOf: (key: string) => OwnedObjects,
): ReadonlySet<string> {
  const tokens = cluster.nodeGroups.cache.list().flatMap((group) => {
    return objectsOf(keyText(group.metadata))
      .batches.filter((batch) => isOfGroup(batch, group))
      .flatMap(attemptsOf)
      .filter(({ outcome }) => outcome === "Pending")
      .map(({ token }) => token);
  });
  return new Set(tokens);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
