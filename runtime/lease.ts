/** The Lease that decides who leads: its fields, and who may take it. */
import { type Instant, toRfc3339 } from "../domain/time.ts";
import type { KubernetesObject, ResourceType } from "./kubernetes-api.ts";

export const leaseType: ResourceType = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};

/** The spec of a Lease, as `coordination.k8s.io/v1` has it. An empty holder has let go. */
export interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

/** RFC 3339 with exactly six digits: the server refuses any other number. */
export function microTime(at: Instant): string {
  return toRfc3339(at).replace("Z", "000Z");
}

/** The spec of a Lease object; fields that are missing or of another type read as never held. */
export function leaseSpec(lease: KubernetesObject): LeaseSpec {
  const spec = (lease["spec"] ?? {}) as Partial<Record<keyof LeaseSpec, unknown>>;
  return {
    holderIdentity: textOf(spec.holderIdentity),
    leaseDurationSeconds: numberOf(spec.leaseDurationSeconds),
    acquireTime: textOf(spec.acquireTime),
    renewTime: textOf(spec.renewTime),
    leaseTransitions: numberOf(spec.leaseTransitions),
  };
}

/** What `identity` writes when it takes or renews the lease after `previous` at `now`. */
export function heldBy(identity: string, durationMs: number, now: Instant, previous: LeaseSpec | undefined): LeaseSpec {
  const same = previous?.holderIdentity === identity;
  const transitions = previous === undefined ? 0 : previous.leaseTransitions + (same ? 0 : 1);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    acquireTime: same ? previous.acquireTime : microTime(now),
    renewTime: microTime(now),
    leaseTransitions: transitions,
  };
}

/** What the holder writes when it lets go: the next candidate need not wait. */
export function released(previous: LeaseSpec, now: Instant): LeaseSpec {
  return { ...previous, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(now) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
