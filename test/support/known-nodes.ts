/** StreamNodes as an informer would know them; the test says what is known. */
import type { StreamNode } from "../../crds/stream-node.ts";
import type { StreamNodeInformer } from "../../fleet/stream-node-directory.ts";
import { streamNodeIndexers } from "../../fleet/indexes.ts";
import type { ChangeHandler, ObjectChange } from "../../runtime/informer.ts";
import { ObjectCache } from "../../runtime/object-cache.ts";
import { keyText } from "../../runtime/reconciler.ts";

export class KnownNodes implements StreamNodeInformer {
  synced = true;
  readonly #cache = new ObjectCache<StreamNode>(streamNodeIndexers);
  readonly #handlers = new Set<ChangeHandler<StreamNode>>();

  get(key: string): StreamNode | undefined {
    return this.#cache.get(key);
  }

  byIndex(name: string, value: string): readonly StreamNode[] {
    return this.#cache.byIndex(name, value);
  }

  hasSynced(): boolean {
    return this.synced;
  }

  onChange(handler: ChangeHandler<StreamNode>): () => void {
    for (const object of this.#cache.list()) handler({ kind: "Added", key: keyText(object.metadata), object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  learn(object: StreamNode): void {
    const key = keyText(object.metadata);
    const old = this.#cache.get(key);
    this.#cache.set(key, object);
    this.#tell(old === undefined ? { kind: "Added", key, object } : { kind: "Updated", key, object, old });
  }

  lose(object: StreamNode): void {
    const key = keyText(object.metadata);
    this.#cache.delete(key);
    this.#tell({ kind: "Deleted", key, object });
  }

  #tell(change: ObjectChange<StreamNode>): void {
    for (const handler of this.#handlers) handler(change);
  }
}
