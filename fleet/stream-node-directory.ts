/** StreamNodes as the API looks them up: by name, by machine and by group. */
import type { PlatformName } from "../crds/names.ts";
import type { StreamNode } from "../crds/stream-node.ts";
import { isClaimed, wasToldToEnd } from "../domain/node/claim.ts";
import { isTrue } from "../domain/conditions.ts";
import { groupText } from "../domain/group/place.ts";
import { machineText } from "../domain/node/machine.ts";
import type { Informer } from "../runtime/informer.ts";
import { keyText } from "../runtime/reconciler.ts";
import { index } from "./indexes.ts";

export interface StreamNodeDirectory {
  byName(namespace: string, name: string): StreamNode | undefined;
  /**
   * The node of a machine, which the operator has made its own because the machine's tags name it: an object that anybody wrote is
   * none. While one is about to go and another has taken its place, the other.
   */
  byMachine(platform: PlatformName, providerId: string): StreamNode | undefined;
  ofGroup(namespace: string, group: string): readonly StreamNode[];
  /** Whether this process, lately, saw the node of this machine go, and the machine had been told to terminate. */
  wasDeleted(platform: PlatformName, providerId: string): boolean;
  /** Calls the listener for each node that is gone. */
  onDeleted(listener: (node: StreamNode) => void): () => void;
  /** Calls the listener for each node that came, changed or went. */
  onChanged(listener: (node: StreamNode) => void): () => void;
  /** Before that, a node that is missing here may well exist. */
  hasSynced(): boolean;
}

/** Deletions that are remembered; the oldest go first. */
const mostTombstones = 10_000;

/** What the directory needs of an informer. */
export type StreamNodeInformer = Pick<Informer<StreamNode>, "get" | "byIndex" | "onChange" | "hasSynced">;

/** A directory on an informer that was made with `streamNodeIndexers`. Follows it for as long as the informer lives. */
export class InformedStreamNodeDirectory implements StreamNodeDirectory {
  readonly #informer: StreamNodeInformer;
  readonly #tombstones = new Set<string>();

  constructor(informer: StreamNodeInformer) {
    this.#informer = informer;
    this.onDeleted((node) => this.#bury(node));
  }

  byName(namespace: string, name: string): StreamNode | undefined {
    return this.#informer.get(keyText({ namespace, name }));
  }

  byMachine(platform: PlatformName, providerId: string): StreamNode | undefined {
    const named = this.#informer.byIndex(index.machineId, machineText(platform, providerId));
    const claimants = named.filter(isClaimant).sort(oldestFirst);
    return claimants.find(({ metadata }) => metadata.deletionTimestamp === undefined) ?? claimants[0];
  }

  ofGroup(namespace: string, group: string): readonly StreamNode[] {
    return this.#informer.byIndex(index.nodeGroup, groupText({ namespace, group }));
  }

  wasDeleted(platform: PlatformName, providerId: string): boolean {
    return this.#tombstones.has(machineText(platform, providerId));
  }

  onDeleted(listener: (node: StreamNode) => void): () => void {
    return this.#informer.onChange((change) => {
      if (change.kind === "Deleted") listener(change.object);
    });
  }

  onChanged(listener: (node: StreamNode) => void): () => void {
    return this.#informer.onChange(({ object }) => listener(object));
  }

  hasSynced(): boolean {
    return this.#informer.hasSynced();
  }

  /** A node that went without its machine being told to terminate was lost or let go: the machine runs on and will be adopted. */
  #bury(node: StreamNode): void {
    const { spec } = node;
    if (spec.providerId === undefined || !wasToldToEnd(node)) return;
    this.#tombstones.add(machineText(spec.launch.platform, spec.providerId));
    const [oldest] = this.#tombstones;
    if (this.#tombstones.size > mostTombstones && oldest !== undefined) this.#tombstones.delete(oldest);
  }
}

function isClaimant(node: StreamNode): boolean {
  return isClaimed(node) && !isTrue(node.status?.conditions, "Released");
}

/** Of two that both say they are claimed, a forger's is younger: the API server writes the time of creation. */
function oldestFirst({ metadata: a }: StreamNode, { metadata: b }: StreamNode): number {
  return a.creationTimestamp < b.creationTimestamp ? -1 : a.creationTimestamp > b.creationTimestamp ? 1 : 0;
}
