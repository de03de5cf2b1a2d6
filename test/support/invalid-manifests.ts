/** Manifests that no server may accept, and what its refusal must say: which field, and what to write. */
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { edgeLaunch, edgeLimits, launchConfigManifest, nodeGroupManifest, scalePolicyManifest } from "./manifests.ts";

export interface InvalidManifest {
  /** What is wrong with it. */
  readonly name: string;
  readonly manifest: KubernetesObject;
  /** Path of the field that the refusal names. */
  readonly field: string;
  /** What the refusal says of it. */
  readonly says: RegExp;
}

const without = (object: Readonly<Record<string, unknown>>, field: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== field));

const withoutSpecField = (manifest: KubernetesObject, field: string): KubernetesObject => ({
  ...manifest,
  spec: without(manifest["spec"] as Readonly<Record<string, unknown>>, field),
});

const groups: readonly InvalidManifest[] = [
  {
    name: "a region twice",
    manifest: nodeGroupManifest({ regions: ["region-a", "region-b", "region-a"] }),
    field: "spec.regions[2]",
    says: /Duplicate value: "region-a"/,
  },
  {
    name: "no region",
    manifest: nodeGroupManifest({ regions: [] }),
    field: "spec.regions",
    says: /should have at least 1 items/,
  },
  {
    name: "more than 16 regions",
    manifest: nodeGroupManifest({ regions: Array.from({ length: 17 }, (_, index) => `region-${index}`) }),
    field: "spec.regions",
    says: /Too many: 17: must have at most 16 items/,
  },
  {
    name: "a region in capitals",
    manifest: nodeGroupManifest({ regions: ["Region-A"] }),
    field: "spec.regions[0]",
    says: /should match '\^\[a-z\]/,
  },
  {
    name: "regions as one text",
    manifest: nodeGroupManifest({ regions: "region-a" }),
    field: "spec.regions",
    says: /must be of type array: "string"/,
  },
  {
    name: "a group without regions",
    manifest: withoutSpecField(nodeGroupManifest(), "regions"),
    field: "spec.regions",
    says: /Required value/,
  },
  {
    name: "a group without a scale policy",
    manifest: withoutSpecField(nodeGroupManifest(), "scalePolicyRef"),
    field: "spec.scalePolicyRef",
    says: /Required value/,
  },
  {
    name: "a reference without a name",
    manifest: nodeGroupManifest({ launchConfigRef: {} }),
    field: "spec.launchConfigRef.name",
    says: /Required value/,
  },
  {
    name: "a reference with an empty name",
    manifest: nodeGroupManifest({ launchConfigRef: { name: "" } }),
    field: "spec.launchConfigRef.name",
    says: /should match/,
  },
  {
    name: "a group without a spec",
    manifest: without(nodeGroupManifest(), "spec") as unknown as KubernetesObject,
    field: "spec",
    says: /Required value/,
  },
  {
    name: "a group's name of 41 characters",
    manifest: nodeGroupManifest({}, "a".repeat(41)),
    field: "metadata.name",
    says: /metadata\.name must have at most 40 characters/,
  },
  {
    name: "a group's name with a dot",
    manifest: nodeGroupManifest({}, "live.tv"),
    field: "metadata.name",
    says: /metadata\.name must not contain a dot: write a hyphen instead/,
  },
  {
    name: "a name in capitals",
    manifest: nodeGroupManifest({}, "Live"),
    field: "metadata.name",
    says: /a lowercase RFC 1123 subdomain must consist of/,
  },
  {
    name: "an unknown pause mode",
    manifest: nodeGroupManifest({ pause: { mode: "All" } }),
    field: "spec.pause.mode",
    says: /Unsupported value: "All": supported values: "Scaling", "Everything"/,
  },
  {
    name: "a pause without a mode",
    manifest: nodeGroupManifest({ pause: { reason: "maintenance" } }),
    field: "spec.pause.mode",
    says: /Required value/,
  },
  {
    name: "a pause until a time that is none",
    manifest: nodeGroupManifest({ pause: { mode: "Everything", until: "tomorrow" } }),
    field: "spec.pause.until",
    says: /must be of type date-time: "tomorrow"/,
  },
  {
    name: "a pause until a time in small letters",
    manifest: nodeGroupManifest({ pause: { mode: "Everything", until: "2026-01-01t00:00:00z" } }),
    field: "spec.pause.until",
    says: /should match '/,
  },
  {
    name: "an unknown field in a group",
    manifest: nodeGroupManifest({ region: "region-a" }),
    field: "spec.region",
    says: /unknown field "spec\.region"/,
  },
];

const policies: readonly InvalidManifest[] = [
  {
    name: "a minimum above the maximum",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ minLimit: 5, maxLimit: 4 })] }),
    field: "spec.roles[0].minLimit",
    says: /minLimit must not exceed maxLimit: lower minLimit or raise maxLimit/,
  },
  {
    name: "a minimum above the maximum in a region's override",
    manifest: scalePolicyManifest({
      regionOverrides: [{ region: "region-b", roles: [edgeLimits({ minLimit: 5, maxLimit: 4 })] }],
    }),
    field: "spec.regionOverrides[0].roles[0].minLimit",
    says: /minLimit must not exceed maxLimit/,
  },
  {
    name: "a minimum below zero",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ minLimit: -1 })] }),
    field: "spec.roles[0].minLimit",
    says: /should be greater than or equal to 0/,
  },
  {
    name: "a maximum beyond all bounds",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ maxLimit: 5001 })] }),
    field: "spec.roles[0].maxLimit",
    says: /should be less than or equal to 5000/,
  },
  {
    name: "a minimum that is a text",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ minLimit: "2" })] }),
    field: "spec.roles[0].minLimit",
    says: /must be of type integer: "string"/,
  },
  {
    name: "a minimum that is a fraction",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ minLimit: 1.5 })] }),
    field: "spec.roles[0].minLimit",
    says: /must be of type integer: "number"/,
  },
  {
    name: "an unknown role",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ role: "egde" })] }),
    field: "spec.roles[0].role",
    says: /Unsupported value: "egde": supported values: "origin", "edge", "relay", "transcoder"/,
  },
  {
    name: "a role twice",
    manifest: scalePolicyManifest({ roles: [edgeLimits(), edgeLimits()] }),
    field: "spec.roles[1]",
    says: /Duplicate value: .*"role":"edge"/,
  },
  {
    name: "limits without a maximum",
    manifest: scalePolicyManifest({ roles: [without(edgeLimits(), "maxLimit")] }),
    field: "spec.roles[0].maxLimit",
    says: /Required value/,
  },
  {
    name: "limits without a role",
    manifest: scalePolicyManifest({ roles: [without(edgeLimits(), "role")] }),
    field: "spec.roles[0].role",
    says: /Required value/,
  },
  {
    name: "a policy without roles",
    manifest: withoutSpecField(scalePolicyManifest(), "roles"),
    field: "spec.roles",
    says: /Required value/,
  },
  {
    name: "two overrides of a region",
    manifest: scalePolicyManifest({
      regionOverrides: [
        { region: "region-b", roles: [edgeLimits()] },
        { region: "region-b", roles: [edgeLimits()] },
      ],
    }),
    field: "spec.regionOverrides[1]",
    says: /Duplicate value: .*"region":"region-b"/,
  },
  {
    name: "an unknown mode",
    manifest: scalePolicyManifest({ scaleOut: { mode: "Fast" } }),
    field: "spec.scaleOut.mode",
    says: /Unsupported value: "Fast": supported values: "Competitive", "Rigid"/,
  },
  {
    name: "a step of zero",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ scaleAdjustment: 0 })] }),
    field: "spec.roles[0].scaleAdjustment",
    says: /should be greater than or equal to 1/,
  },
  {
    name: "an edge source twice",
    manifest: scalePolicyManifest({ scaleIn: { edgeSources: ["Origin", "Origin"] } }),
    field: "spec.scaleIn.edgeSources[1]",
    says: /Duplicate value: "Origin"/,
  },
  {
    name: "an unknown field deep in a policy",
    manifest: scalePolicyManifest({ roles: [edgeLimits({ minLimt: 2 })] }),
    field: "spec.roles[0].minLimt",
    says: /unknown field "spec\.roles\[0\]\.minLimt"/,
  },
];

const launchConfigs: readonly InvalidManifest[] = [
  {
    name: "two platforms",
    manifest: launchConfigManifest({ aws: {} }),
    field: "spec",
    says: /exactly one of aws, gce, simulated must be set: write one of these blocks and remove the others/,
  },
  {
    name: "no platform",
    manifest: withoutSpecField(launchConfigManifest(), "simulated"),
    field: "spec",
    says: /exactly one of aws, gce, simulated must be set/,
  },
  {
    name: "a launch of an unknown role",
    manifest: launchConfigManifest({ roles: [edgeLaunch({ role: "viewer" })] }),
    field: "spec.roles[0].role",
    says: /Unsupported value: "viewer"/,
  },
  {
    name: "a launch of nothing",
    manifest: launchConfigManifest({ roles: [] }),
    field: "spec.roles",
    says: /should have at least 1 items/,
  },
  {
    name: "a launch without a capacity",
    manifest: launchConfigManifest({ roles: [without(edgeLaunch(), "connectionCapacity")] }),
    field: "spec.roles[0].connectionCapacity",
    says: /Required value/,
  },
  {
    name: "a capacity of zero",
    manifest: launchConfigManifest({ roles: [edgeLaunch({ connectionCapacity: 0 })] }),
    field: "spec.roles[0].connectionCapacity",
    says: /should be greater than or equal to 1/,
  },
  {
    name: "a launch without an image",
    manifest: withoutSpecField(launchConfigManifest(), "image"),
    field: "spec.image",
    says: /Required value/,
  },
  {
    name: "an empty image",
    manifest: launchConfigManifest({ image: "" }),
    field: "spec.image",
    says: /should be at least 1 chars long/,
  },
  {
    name: "user data beyond all bounds",
    manifest: launchConfigManifest({ userData: "x".repeat(10_241) }),
    field: "spec.userData",
    says: /Too long: may not be more than 10240/,
  },
  {
    name: "metadata under our own prefix",
    manifest: launchConfigManifest({ metadata: { "streamfleet.dev/group": "other" } }),
    field: "spec.metadata",
    says: /metadata keys must not start with streamfleet\.dev\/.*choose another prefix/,
  },
  {
    name: "metadata under a key that is too long for a tag",
    manifest: launchConfigManifest({ metadata: { ["k".repeat(129)]: "v" } }),
    field: "spec.metadata",
    says: /metadata keys must have 1 to 128 characters.*write a shorter key/,
  },
  {
    name: "metadata that is too long for a tag",
    manifest: launchConfigManifest({ metadata: { owner: "v".repeat(257) } }),
    field: "spec.metadata.owner",
    says: /Too long: may not be more than 256/,
  },
  {
    name: "a property that is a number",
    manifest: launchConfigManifest({ properties: { bitrate: 5 } }),
    field: "spec.properties.bitrate",
    says: /must be of type string: "integer"/,
  },
  {
    name: "an unknown field in a launch config",
    manifest: launchConfigManifest({ azure: {} }),
    field: "spec.azure",
    says: /unknown field "spec\.azure"/,
  },
];

export const invalidManifests: readonly InvalidManifest[] = [...groups, ...policies, ...launchConfigs];

/** A refusal as a server of either kind puts it. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
  /** Paths of the fields that it names, in its own order. */
  readonly fields: readonly string[];
  readonly message: string;
}

interface StatusBody {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string }[] };
}

/** Reads the body of an answer; undefined when it is no refusal. An unknown field is named in the message only. */
export function refusalOf(body: string): Refusal | undefined {
  const status = JSON.parse(body) as StatusBody;
  if (status.kind !== "Status" || status.code === undefined || status.code < 400) return undefined;
  const { code, reason = "", message = "", details } = status;
  const causes = (details?.causes ?? []).flatMap(({ field }) => (field === undefined ? [] : [field]));
  const unknown = [...message.matchAll(/unknown field "([^"]+)"/g)].map((match) => match[1] ?? "");
  return { code, reason, message, fields: [...causes, ...unknown] };
}
