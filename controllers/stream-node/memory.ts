/** What a process remembers of its work on StreamNodes. A restart forgets it, and asks the cloud again. */
import type { StreamNode } from "../../crds/stream-node.ts";
import type { Instant } from "../../domain/time.ts";
import { keyText } from "../../runtime/reconciler.ts";

type Named = Pick<StreamNode, "metadata">;

export class NodeMemory {
  /** When the cloud was last asked to terminate, by key, and for which UID. */
  readonly #asked = new Map<string, { readonly uid: string; readonly at: Instant }>();
  /** Looks in a row at which the cloud did not show the machine, by key. */
  readonly #unseen = new Map<string, number>();

  /** When the cloud was asked to terminate the node's machine; undefined: not by this process. */
  terminationAskedAt({ metadata }: Named): Instant | undefined {
    const asked = this.#asked.get(keyText(metadata));
    return asked?.uid === metadata.uid ? asked.at : undefined;
  }

  askedToTerminate({ metadata }: Named, at: Instant): void {
    this.#asked.set(keyText(metadata), { uid: metadata.uid, at });
  }

  /** The cloud did not show the node's machine; gives how often in a row that was. */
  notSeen({ metadata }: Named): number {
    const looks = (this.#unseen.get(keyText(metadata)) ?? 0) + 1;
    this.#unseen.set(keyText(metadata), looks);
    return looks;
  }

  /** The cloud shows the node's machine. */
  seen({ metadata }: Named): void {
    this.#unseen.delete(keyText(metadata));
  }

  /** By `namespace/name`: the node is no more, or nothing is done for it any more. */
  forget(key: string): void {
    this.#unseen.delete(key);
    this.#asked.delete(key);
  }
}
