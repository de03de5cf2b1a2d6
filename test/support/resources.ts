/** Custom resources as the operator reads them: small valid manifests with what the API server fills in. */
import type { z } from "zod";
import { type LaunchConfig, launchConfigSchema } from "../../crds/launch-config.ts";
import { type NodeGroup, nodeGroupSchema } from "../../crds/node-group.ts";
import { type ScalePolicy, scalePolicySchema } from "../../crds/scale-policy.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { launchConfigManifest, nodeGroupManifest, scalePolicyManifest } from "./manifests.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the API server adds to the metadata of a manifest. */
export function stored(manifest: KubernetesObject): KubernetesObject {
  const given = { namespace: "default", uid: `uid-${manifest.metadata.name}`, resourceVersion: "1", generation: 1 };
  return { ...manifest, metadata: { ...given, creationTimestamp: "2026-01-01T00:00:00Z", ...manifest.metadata } };
}

function read<S extends z.ZodType>(schema: S, manifest: KubernetesObject): z.output<S> {
  return schema.parse(stored(manifest));
}

export function nodeGroup(spec: Fields = {}): NodeGroup {
  return read(nodeGroupSchema, nodeGroupManifest(spec));
}

/** Judged as `Accepted`, unless a status is given. */
export function launchConfig(spec: Fields = {}, status: Fields = accepted()): LaunchConfig {
  return read(launchConfigSchema, { ...launchConfigManifest(spec), status });
}

/** Judged as `Accepted`, unless a status is given. */
export function scalePolicy(spec: Fields = {}, status: Fields = accepted()): ScalePolicy {
  return read(scalePolicySchema, { ...scalePolicyManifest(spec), status });
}

/** A status with the condition that the object's own reconciler writes. */
export function accepted(status: "True" | "False" = "True", message = "it is valid"): Fields {
  const reason = status === "True" ? "Valid" : "Invalid";
  return {
    conditions: [{ type: "Accepted", status, reason, message, lastTransitionTime: "2026-01-01T00:00:00Z" }],
  };
}
