/** Small valid manifests of what people write, to be varied by tests. */
import { apiVersion } from "../../crds/names.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";

type Fields = Readonly<Record<string, unknown>>;

export function nodeGroupManifest(spec: Fields = {}, name = "live"): KubernetesObject {
  const given = { regions: ["region-a"], launchConfigRef: { name: "live" }, scalePolicyRef: { name: "live" }, ...spec };
  return { apiVersion, kind: "NodeGroup", metadata: { name }, spec: given };
}

export function scalePolicyManifest(spec: Fields = {}, name = "live"): KubernetesObject {
  return { apiVersion, kind: "ScalePolicy", metadata: { name }, spec: { roles: [edgeLimits()], ...spec } };
}

export function launchConfigManifest(spec: Fields = {}, name = "live"): KubernetesObject {
  const given = { image: "media-1", roles: [edgeLaunch()], simulated: {}, ...spec };
  return { apiVersion, kind: "LaunchConfig", metadata: { name }, spec: given };
}

/** An entry of `spec.roles` of a ScalePolicy. */
export function edgeLimits(limits: Fields = {}): Fields {
  return { role: "edge", minLimit: 1, maxLimit: 4, ...limits };
}

/** An entry of `spec.alarms` of a ScalePolicy. */
export function alarm(fields: Fields = {}): Fields {
  return {
    name: "edges-full",
    role: "edge",
    metric: "ConnectionUtilization",
    threshold: 60,
    comparisonOperator: "GreaterThanThreshold",
    action: "ScaleOut",
    ...fields,
  };
}

/** An entry of `spec.roles` of a LaunchConfig. */
export function edgeLaunch(launch: Fields = {}): Fields {
  return { role: "edge", instanceType: "sim.small", connectionCapacity: 100, ...launch };
}
