/** StreamNode: one machine's whole life, from its launch to the cloud's word that it is gone. */
import { nextStep } from "../../domain/node/lifecycle.ts";
import {
  done,
  keyText,
  type ObjectKey,
  type ReconcileContext,
  type Reconciler,
  type ReconcileResult,
} from "../../runtime/reconciler.ts";
import { NodeApply, type NodeApplyDeps } from "./apply.ts";
import { Claims, type ClaimsDeps } from "./claims.ts";
import { NodeMemory } from "./memory.ts";
import { NodeObserver, type NodeObserverDeps } from "./observe.ts";
import { LifeReport } from "./report.ts";

export interface StreamNodeDeps extends NodeObserverDeps, NodeApplyDeps, ClaimsDeps {
  readonly cluster: NodeObserverDeps["cluster"];
  readonly clock: NodeApplyDeps["clock"];
}

export class StreamNodeReconciler implements Reconciler {
  readonly name = "stream-node";
  readonly #deps: StreamNodeDeps;
  readonly #memory = new NodeMemory();
  readonly #observer: NodeObserver;
  readonly #apply: NodeApply;

  constructor(deps: StreamNodeDeps) {
    this.#deps = deps;
    const claims = new Claims(deps);
    this.#observer = new NodeObserver(deps, claims, this.#memory);
    this.#apply = new NodeApply(deps, { claims, memory: this.#memory, life: new LifeReport(deps) });
  }

  async reconcile(key: ObjectKey, context: ReconcileContext): Promise<ReconcileResult> {
    const node = this.#deps.cluster.streamNodes.cache.get(keyText(key));
    if (node === undefined) {
      this.#memory.forget(keyText(key));
      return done;
    }
    const observed = await this.#observer.observe(node, context.signal);
    if (observed.kind === "Lost") return this.#apply.takeBack(node, observed.group, context);
    const { view } = observed;
    return this.#apply.step(node, view, nextStep(view, this.#deps.clock.now()), context);
  }
}
