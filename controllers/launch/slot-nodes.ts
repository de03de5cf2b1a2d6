/** The StreamNodes of a batch's slots: made while their machines are launched, each told its machine once it is known. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { NodeLaunch, StreamNode } from "../../crds/stream-node.ts";
import { slotName } from "../../domain/names.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { Draft } from "../../runtime/resource-client.ts";
import type { Cluster } from "../../fleet/cluster.ts";
import { assertLeading, type Leadership } from "../../fleet/leadership.ts";
import { streamNodeDraft } from "../../fleet/drafts.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";

export interface SlotNodesDeps {
  readonly cluster: Pick<Cluster, "streamNodes">;
  readonly leadership: Leadership;
}

/** A batch with the group that decided it. */
export interface Launching {
  readonly batch: LaunchBatch;
  readonly group: NodeGroup;
}

/** A machine that the cloud has started for a slot. */
export interface Placement {
  readonly slot: number;
  readonly providerId: string;
}

/** `Taken`: another's node holds the slot; the machine is left without one, and the sweep adopts it. */
export type Giving = { readonly kind: "Given"; readonly providerId: string } | { readonly kind: "Taken" };

/** Nodes that were found or made in the slots, by slot. A node may have changed since; one that is not here is to be read. */
export type SlotHolders = ReadonlyMap<number, StreamNode>;

/** Others write the same node, so a few conflicts in a row are normal. */
const mostTries = 5;
/** Calls to the cluster at the same time. */
const mostAtOnce = 8;

export class SlotNodes {
  readonly #deps: SlotNodesDeps;

  constructor(deps: SlotNodesDeps) {
    this.#deps = deps;
  }

  /** Creates the StreamNodes that these slots lack, and answers the slots that another node holds. */
  async ensure(launching: Launching, slots: readonly number[], signal: AbortSignal): Promise<readonly number[]> {
    const holders = await this.make(launching, slots, () => undefined, signal);
    return [...holders].filter(([, node]) => !isOfBatch(node, launching.batch)).map(([slot]) => slot);
  }

  /** Creates the StreamNodes that these slots lack, each with its machine where `machineOf` knows it by then. */
  async make(
    launching: Launching,
    slots: readonly number[],
    machineOf: (slot: number) => string | undefined,
    signal: AbortSignal,
  ): Promise<SlotHolders> {
    const found = await sideBySide(slots, mostAtOnce, async (slot) => {
      return [slot, await this.#holder(launching, slot, machineOf, signal)] as const;
    });
    return new Map(found.flatMap(([slot, node]) => (node === undefined ? [] : [[slot, node] as const])));
  }

  /** Gives each machine to its slot's node, and answers in the same order what came of it. */
  giveAll(
    launching: Launching,
    placements: readonly Placement[],
    holders: SlotHolders,
    signal: AbortSignal,
  ): Promise<readonly Giving[]> {
    return sideBySide(placements, mostAtOnce, (placement) =>
      this.give(launching, placement, holders.get(placement.slot), signal),
    );
  }

  /**
   * Gives the machine to its slot's node. A node that has a machine keeps it. `holder` is the slot's node as it was found
   * or made a moment ago, if it was.
   */
  async give(
    { batch, group }: Launching,
    { slot, providerId }: Placement,
    holder: StreamNode | undefined,
    signal: AbortSignal,
  ): Promise<Giving> {
    const { client } = this.#deps.cluster.streamNodes;
    let node = holder;
    for (let tries = 0; tries < mostTries; tries += 1) {
      node ??= await client.get(keyOf(batch, slot), signal);
      if (node === undefined) {
        // It was not made yet, or its finalizer was removed by force; the machine exists and must have a node that can end it.
        const made = await client.create(draftOf(batch, group, slot, providerId), signal);
        if (made.kind === "Created") return { kind: "Given", providerId };
        continue;
      }
      if (!isOfBatch(node, batch)) return { kind: "Taken" };
      if (node.spec.providerId !== undefined) return { kind: "Given", providerId: node.spec.providerId };
      const given = await client.patch(node, { spec: { providerId } }, signal);
      if (given.kind === "Patched") return { kind: "Given", providerId };
      node = undefined;
    }
    throw new Error(`the node of slot ${slot} keeps changing`);
  }

  async #holder(
    { batch, group }: Launching,
    slot: number,
    machineOf: (slot: number) => string | undefined,
    signal: AbortSignal,
  ): Promise<StreamNode | undefined> {
    const { cluster, leadership } = this.#deps;
    const { cache, client } = cluster.streamNodes;
    const known = cache.get(keyText(keyOf(batch, slot)));
    if (isOfBatch(known, batch)) {
      // Whether a node already has its machine is read from the API server, not from the cache: `give` does it.
      return known?.spec.providerId === undefined ? known : undefined;
    }
    assertLeading(leadership);
    const created = await client.create(draftOf(batch, group, slot, machineOf(slot)), signal);
    return created.kind === "Created" ? created.object : client.get(keyOf(batch, slot), signal);
  }
}

function keyOf({ metadata, spec }: LaunchBatch, slot: number) {
  return { namespace: metadata.namespace, name: slotName(spec.group, spec.role, slot) };
}

function isOfBatch(node: StreamNode | undefined, batch: LaunchBatch): boolean {
  return node !== undefined && node.spec.batchUid === batch.metadata.uid;
}

function draftOf(batch: LaunchBatch, group: NodeGroup, slot: number, providerId?: string): Draft {
  const { role, region, slots } = batch.spec;
  return streamNodeDraft({
    group,
    role,
    slot,
    region,
    batch: batch.metadata.name,
    batchUid: batch.metadata.uid,
    index: slots.indexOf(slot),
    launch: nodeLaunch(batch),
    ...(providerId !== undefined && { providerId }),
  });
}

function nodeLaunch({ spec }: LaunchBatch): NodeLaunch {
  const { launchConfig, revision, platform, image, instanceType, connectionCapacity, registrationTimeoutSeconds } =
    spec.launch;
  const { addressFrom, hostname } = spec.launch;
  return {
    ...{ launchConfig, revision, platform, image, instanceType, connectionCapacity, registrationTimeoutSeconds },
    ...(addressFrom !== undefined && { addressFrom }),
    ...(hostname !== undefined && { hostname }),
  };
}
