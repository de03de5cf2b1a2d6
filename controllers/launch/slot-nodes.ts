/** The StreamNodes of a batch's slots: made before the launch, given their machines after it. */
import type { LaunchBatch } from "../../crds/launch-batch.ts";
import type { NodeGroup } from "../../crds/node-group.ts";
import type { NodeLaunch, StreamNode } from "../../crds/stream-node.ts";
import { slotName } from "../../domain/names.ts";
import { keyText } from "../../runtime/reconciler.ts";
import type { Draft } from "../../runtime/resource-client.ts";
import type { Cluster } from "../cluster.ts";
import { assertLeading, type Leadership } from "../leadership.ts";
import { streamNodeDraft } from "../stream-node-draft.ts";

export interface SlotNodesDeps {
  readonly cluster: Pick<Cluster, "streamNodes">;
  readonly leadership: Leadership;
}

/** A machine that the cloud has started for a slot. */
export interface Placement {
  readonly slot: number;
  readonly providerId: string;
}

/** Others write the same node, so a few conflicts in a row are normal. */
const mostTries = 5;

export class SlotNodes {
  readonly #deps: SlotNodesDeps;

  constructor(deps: SlotNodesDeps) {
    this.#deps = deps;
  }

  /** Creates the StreamNodes that these slots lack, and answers the slots that another node holds. */
  async ensure(
    batch: LaunchBatch,
    group: NodeGroup,
    slots: readonly number[],
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const { cluster, leadership } = this.#deps;
    const taken: number[] = [];
    for (const slot of slots) {
      if (isOfBatch(cluster.streamNodes.cache.get(keyText(keyOf(batch, slot))), batch)) continue;
      assertLeading(leadership);
      const created = await cluster.streamNodes.client.create(draftOf(batch, group, slot), signal);
      if (created.kind === "Created") continue;
      const holder = await cluster.streamNodes.client.get(keyOf(batch, slot), signal);
      if (!isOfBatch(holder, batch)) taken.push(slot);
    }
    return taken;
  }

  /**
   * Gives the machine to its slot's node. Where the slot has become another's, or has a machine already, this one is left
   * without a node: the sweep finds and adopts it.
   */
  async give(batch: LaunchBatch, group: NodeGroup, placement: Placement, signal: AbortSignal): Promise<void> {
    const { client } = this.#deps.cluster.streamNodes;
    const { slot, providerId } = placement;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const node = await client.get(keyOf(batch, slot), signal);
      if (node === undefined) {
        // Its finalizer was removed by force; the machine exists and must have a node that can end it.
        await client.create(draftOf(batch, group, slot, providerId), signal);
        return;
      }
      if (!isOfBatch(node, batch) || node.spec.providerId !== undefined) return;
      const given = await client.patch(node, { spec: { providerId } }, signal);
      if (given.kind === "Patched") return;
    }
    throw new Error(`the node of slot ${slot} keeps changing`);
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
  return { launchConfig, revision, platform, image, instanceType, connectionCapacity, registrationTimeoutSeconds };
}
