/** NodeGroups as the API looks them up, with the policy that they refer to. */
import type { NodeGroup } from "../crds/node-group.ts";
import type { ScalePolicy } from "../crds/scale-policy.ts";
import { findCondition } from "../domain/conditions.ts";
import type { Informer } from "../runtime/informer.ts";
import { keyText } from "../runtime/reconciler.ts";

export interface KnownGroup {
  readonly group: NodeGroup;
  /** Undefined: there is none of the name that the group gives, or it is not accepted. */
  readonly policy: ScalePolicy | undefined;
}

export interface GroupDirectory {
  /** The group, or undefined where none is known here: it may exist all the same. */
  byName(namespace: string, name: string): KnownGroup | undefined;
}

export interface GroupInformers {
  readonly nodeGroups: Pick<Informer<NodeGroup>, "get">;
  readonly scalePolicies: Pick<Informer<ScalePolicy>, "get">;
}

/** A directory on the informers of both kinds. */
export class InformedGroupDirectory implements GroupDirectory {
  readonly #informers: GroupInformers;

  constructor(informers: GroupInformers) {
    this.#informers = informers;
  }

  byName(namespace: string, name: string): KnownGroup | undefined {
    const group = this.#informers.nodeGroups.get(keyText({ namespace, name }));
    if (group === undefined) return undefined;
    const policy = this.#informers.scalePolicies.get(keyText({ namespace, name: group.spec.scalePolicyRef.name }));
    const accepted = findCondition(policy?.status?.conditions, "Accepted")?.status === "True";
    return { group, policy: accepted ? policy : undefined };
  }
}
