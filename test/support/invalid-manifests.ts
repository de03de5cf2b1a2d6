/** Manifests that no server may accept, and what its refusal must say: which field, and what to write. */
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import {
  alarm,
  edgeLaunch,
  edgeLimits,
  launchConfigManifest,
  nodeGroupManifest,
  scalePolicyManifest,
} from "./manifests.ts";

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
    name: "a pause whose reason clears a terminal",
    manifest: nodeGroupManifest({ pause: { mode: "Scaling", reason: "maintenance\u001b[2J" } }),
    field: "spec.pause.reason",
    says: /should match '\^\\P\{Cc\}\*\$'/,
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

const withAlarm = (fields: Readonly<Record<string, unknown>>) => scalePolicyManifest({ alarms: [alarm(fields)] });

const alarms: readonly InvalidManifest[] = [
  {
    name: "an alarm of more datapoints than periods",
    manifest: withAlarm({ evaluationPeriods: 2, datapointsToAlarm: 3 }),
    field: "spec.alarms[0].datapointsToAlarm",
    says: /datapointsToAlarm must not exceed evaluationPeriods: lower datapointsToAlarm or raise evaluationPeriods/,
  },
  {
    name: "an alarm of more datapoints than the one period it has by default",
    manifest: withAlarm({ datapointsToAlarm: 2 }),
    field: "spec.alarms[0].datapointsToAlarm",
    says: /datapointsToAlarm must not exceed evaluationPeriods/,
  },
  {
    name: "an alarm that looks back at more than a day",
    manifest: withAlarm({ evaluationPeriods: 25, periodSeconds: 3600 }),
    field: "spec.alarms[0].evaluationPeriods",
    says: /evaluationPeriods times periodSeconds must be at most 86400 \(one day\): lower one of them/,
  },
  {
    name: "an alarm that removes nodes when nothing is heard",
    manifest: withAlarm({ action: "ScaleIn", treatMissingData: "breaching" }),
    field: "spec.alarms[0].treatMissingData",
    says: /must not be breaching where action is ScaleIn, for silence must never remove a machine: write notBreaching/,
  },
  ...["ConnectionUtilization", "CPUUtilization", "MemoryUtilization"].map((metric) => ({
    name: `an alarm above a ${metric} of zero`,
    manifest: withAlarm({ metric, threshold: 0 }),
    field: "spec.alarms[0].threshold",
    says: /threshold must be above 0 where the number of nodes follows from it: write the percentage to hold/,
  })),
  ...[
    { metric: "ConnectionUtilization", comparisonOperator: "LessThanThreshold", action: "ScaleOut" },
    { metric: "ConnectionUtilization", comparisonOperator: "GreaterThanThreshold", action: "ScaleIn" },
    { metric: "EgressMbps", comparisonOperator: "LessThanOrEqualToThreshold", action: "ScaleOut" },
    { metric: "CPUUtilization", comparisonOperator: "GreaterThanOrEqualToThreshold", action: "ScaleIn" },
    { metric: "FreeSlots", comparisonOperator: "GreaterThanThreshold", action: "ScaleOut" },
    { metric: "FreeSlots", comparisonOperator: "LessThanOrEqualToThreshold", action: "ScaleIn" },
  ].map((alarm) => ({
    name: `an alarm that would ${alarm.action} where ${alarm.metric} is ${alarm.comparisonOperator}`,
    manifest: withAlarm(alarm),
    field: "spec.alarms[0].comparisonOperator",
    says: /comparisonOperator goes the wrong way round/,
  })),
  {
    name: "an alarm below a utilization of zero that removes nodes",
    manifest: withAlarm({ threshold: 0.0, comparisonOperator: "LessThanOrEqualToThreshold", action: "ScaleIn" }),
    field: "spec.alarms[0].threshold",
    says: /threshold must be above 0/,
  },
  {
    name: "an alarm below zero",
    manifest: withAlarm({ threshold: -1 }),
    field: "spec.alarms[0].threshold",
    says: /should be greater than or equal to 0/,
  },
  {
    name: "an alarm above a text",
    manifest: withAlarm({ threshold: "60%" }),
    field: "spec.alarms[0].threshold",
    says: /must be of type number: "string"/,
  },
  {
    name: "an alarm without a threshold",
    manifest: scalePolicyManifest({ alarms: [without(alarm(), "threshold")] }),
    field: "spec.alarms[0].threshold",
    says: /Required value/,
  },
  {
    name: "an alarm without an action",
    manifest: scalePolicyManifest({ alarms: [without(alarm(), "action")] }),
    field: "spec.alarms[0].action",
    says: /Required value/,
  },
  ...["p101", "p100.5", "p050", "p-1", "p90.125", "P90", "Median", "average", ""].map((statistic) => ({
    name: `an alarm on the statistic ${JSON.stringify(statistic)}`,
    manifest: withAlarm({ statistic }),
    field: "spec.alarms[0].statistic",
    says: /should match '\^\(Average\|Sum/,
  })),
  {
    name: "an alarm on an unknown metric",
    manifest: withAlarm({ metric: "Viewers" }),
    field: "spec.alarms[0].metric",
    says: /Unsupported value: "Viewers": supported values: "ConnectionUtilization", "Connections", "Publishers"/,
  },
  {
    name: "an alarm that compares in an unknown way",
    manifest: withAlarm({ comparisonOperator: "EqualToThreshold" }),
    field: "spec.alarms[0].comparisonOperator",
    says: /Unsupported value: "EqualToThreshold": supported values: "GreaterThanThreshold"/,
  },
  {
    name: "an alarm that treats what is missing in an unknown way",
    manifest: withAlarm({ treatMissingData: "zero" }),
    field: "spec.alarms[0].treatMissingData",
    says: /Unsupported value: "zero": supported values: "missing", "ignore", "breaching", "notBreaching"/,
  },
  {
    name: "an alarm with an unknown action",
    manifest: withAlarm({ action: "Reboot" }),
    field: "spec.alarms[0].action",
    says: /Unsupported value: "Reboot": supported values: "ScaleOut", "ScaleIn", "None"/,
  },
  {
    name: "an alarm over a period of nothing",
    manifest: withAlarm({ periodSeconds: 0 }),
    field: "spec.alarms[0].periodSeconds",
    says: /should be greater than or equal to 1/,
  },
  {
    name: "an alarm over a period of more than an hour",
    manifest: withAlarm({ periodSeconds: 3601 }),
    field: "spec.alarms[0].periodSeconds",
    says: /should be less than or equal to 3600/,
  },
  {
    name: "an alarm that judges no period",
    manifest: withAlarm({ evaluationPeriods: 0 }),
    field: "spec.alarms[0].evaluationPeriods",
    says: /should be greater than or equal to 1/,
  },
  {
    name: "an alarm's name in capitals",
    manifest: withAlarm({ name: "Edges-Full" }),
    field: "spec.alarms[0].name",
    says: /should match '\^\[a-z0-9\]/,
  },
  {
    name: "two alarms of one name",
    manifest: scalePolicyManifest({ alarms: [alarm(), alarm({ role: "origin" })] }),
    field: "spec.alarms[1]",
    says: /Duplicate value: .*"name":"edges-full"/,
  },
  {
    name: "more than 32 alarms",
    manifest: scalePolicyManifest({
      alarms: Array.from({ length: 33 }, (_, place) => alarm({ name: `full-${place}` })),
    }),
    field: "spec.alarms",
    says: /Too many: 33: must have at most 32 items/,
  },
  {
    name: "an edge that has been idle for no time",
    manifest: scalePolicyManifest({ scaleIn: { idleSeconds: 0 } }),
    field: "spec.scaleIn.idleSeconds",
    says: /should be greater than or equal to 1/,
  },
];

/** Manifests that every server takes, by what they try. */
export const validManifests: readonly { readonly name: string; readonly manifest: KubernetesObject }[] = [
  { name: "a small group", manifest: nodeGroupManifest() },
  { name: "a small policy", manifest: scalePolicyManifest() },
  { name: "a small launch config", manifest: launchConfigManifest() },
  { name: "a policy of no alarms", manifest: scalePolicyManifest({ alarms: [] }, "no-alarms") },
  {
    name: "a policy of 32 alarms",
    manifest: scalePolicyManifest(
      { alarms: Array.from({ length: 32 }, (_, place) => alarm({ name: `full-${place}` })) },
      "many-alarms",
    ),
  },
  {
    name: "alarms on every kind of statistic",
    manifest: scalePolicyManifest(
      {
        alarms: ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "p0", "p99", "p99.9", "p2.25", "p100"].map(
          (statistic, place) => alarm({ name: `full-${place}`, statistic }),
        ),
      },
      "statistics",
    ),
  },
  {
    name: "alarms at the edge of what is allowed",
    manifest: scalePolicyManifest(
      {
        alarms: [
          alarm({ name: "a-day", evaluationPeriods: 24, periodSeconds: 3600, datapointsToAlarm: 24 }),
          alarm({
            name: "no-slot",
            metric: "FreeSlots",
            threshold: 0,
            comparisonOperator: "LessThanOrEqualToThreshold",
          }),
          alarm({ name: "seen-only", threshold: 0, action: "None", treatMissingData: "breaching" }),
          alarm({ name: "a-fraction", threshold: 0.5 }),
          alarm({ name: "nobody-talks", treatMissingData: "breaching" }),
        ],
      },
      "edge-of-alarms",
    ),
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

export const invalidManifests: readonly InvalidManifest[] = [...groups, ...policies, ...alarms, ...launchConfigs];

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
