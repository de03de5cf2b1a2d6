/** Whether a group's launch config and scale policy are there, valid, and fit each other. */
import type { LaunchConfig } from "../../crds/launch-config.ts";
import type { PlatformName, Role } from "../../crds/names.ts";
import type { NodeGroupSpec } from "../../crds/node-group.ts";
import type { ScalePolicy } from "../../crds/scale-policy.ts";
import { findCondition } from "../conditions.ts";
import { rolesAskedFor } from "./limits.ts";

export type References =
  | {
      readonly kind: "Resolved";
      readonly launchConfig: LaunchConfig;
      readonly scalePolicy: ScalePolicy;
      readonly platform: PlatformName;
    }
  /** `NotExamined`: nobody has looked at one of them yet, which takes a moment. */
  | { readonly kind: "NotFound" | "NotExamined" | "Invalid"; readonly message: string };

export interface ReferenceInput {
  readonly namespace: string;
  readonly spec: NodeGroupSpec;
  readonly launchConfig: LaunchConfig | undefined;
  readonly scalePolicy: ScalePolicy | undefined;
}

const roleOrder: readonly Role[] = ["origin", "edge", "relay", "transcoder"];

/** The references of a group, or what is wrong with them and what to do about it. */
export function resolveReferences({ namespace, spec, launchConfig, scalePolicy }: ReferenceInput): References {
  if (launchConfig === undefined || scalePolicy === undefined) {
    const missing = [
      launchConfig === undefined && absence("LaunchConfig", spec.launchConfigRef.name, "launchConfigRef", namespace),
      scalePolicy === undefined && absence("ScalePolicy", spec.scalePolicyRef.name, "scalePolicyRef", namespace),
    ];
    return { kind: "NotFound", message: inOneLine(missing) };
  }
  const refused = inOneLine([refusal("LaunchConfig", launchConfig), refusal("ScalePolicy", scalePolicy)]);
  if (refused !== "") return { kind: "Invalid", message: refused };
  const unexamined = inOneLine([notExamined("LaunchConfig", launchConfig), notExamined("ScalePolicy", scalePolicy)]);
  if (unexamined !== "") return { kind: "NotExamined", message: unexamined };
  const platform = platformOf(launchConfig);
  if (platform === undefined)
    return { kind: "Invalid", message: `LaunchConfig ${launchConfig.metadata.name} names no platform` };
  const missing = rolesAskedFor(scalePolicy.spec, roleOrder, spec.regions).find(
    (role) => !launchConfig.spec.roles.some((entry) => entry.role === role),
  );
  if (missing === undefined) return { kind: "Resolved", launchConfig, scalePolicy, platform };
  return {
    kind: "Invalid",
    message: `LaunchConfig ${launchConfig.metadata.name} has no entry for role ${missing}, which ScalePolicy ${scalePolicy.metadata.name} asks for: add it to spec.roles of the LaunchConfig`,
  };
}

function absence(kind: string, name: string, field: string, namespace: string): string {
  return `${kind} ${name} does not exist in namespace ${namespace}: create it, or write another name into spec.${field}.name`;
}

function inOneLine(messages: readonly (string | false | undefined)[]): string {
  return messages.filter((message) => typeof message === "string").join("; ");
}

/** Why its own reconciler refuses it; a judgement of an older generation holds until the next. */
function refusal(kind: string, object: LaunchConfig | ScalePolicy): string | undefined {
  const accepted = findCondition(object.status?.conditions, "Accepted");
  if (accepted === undefined || accepted.status === "True") return undefined;
  return `${kind} ${object.metadata.name} is not accepted: ${accepted.message}`;
}

function notExamined(kind: string, object: LaunchConfig | ScalePolicy): string | undefined {
  if (findCondition(object.status?.conditions, "Accepted") !== undefined) return undefined;
  return `${kind} ${object.metadata.name} has not been examined yet`;
}

/** The one platform block that is set. */
export function platformOf({ spec }: Pick<LaunchConfig, "spec">): PlatformName | undefined {
  const set = (["aws", "gce", "simulated"] as const).filter((name) => spec[name] !== undefined);
  return set.length === 1 ? set[0] : undefined;
}
