/** Which limits hold for a role in a region. */
import type { Role } from "../../crds/names.ts";
import type { RoleLimits, ScalePolicySpec } from "../../crds/scale-policy.ts";

export type Limits = Omit<RoleLimits, "role">;

/** A role that the policy does not name has none of its nodes. */
const none: Limits = {
  minLimit: 0,
  maxLimit: 0,
  scaleOutWaitSeconds: 0,
  scaleInWaitSeconds: 0,
  estimatedWarmUpSeconds: 150,
};

/** Limits hold per region; an override of the region replaces the whole entry of the role. */
export function limitsFor(policy: ScalePolicySpec, role: Role, region: string): Limits {
  const override = policy.regionOverrides?.find((entry) => entry.region === region);
  const entries = [...(override?.roles ?? []), ...policy.roles];
  return entries.find((entry) => entry.role === role) ?? none;
}

/** Roles that the policy asks for anywhere in these regions (maximum above 0), in the order of `roles`. */
export function rolesAskedFor(
  policy: ScalePolicySpec,
  roles: readonly Role[],
  regions: readonly string[],
): readonly Role[] {
  return roles.filter((role) => regions.some((region) => limitsFor(policy, role, region).maxLimit > 0));
}
