/** The words of the API: group, kinds, roles, phases, condition types and their reasons. One place, documented. */

export const apiGroup = "streamfleet.dev";
export const apiVersionName = "v1alpha1";
export const apiVersion = `${apiGroup}/${apiVersionName}`;

/** What a streaming server does. */
export const roles = ["origin", "edge", "relay", "transcoder"] as const;
export type Role = (typeof roles)[number];

/** Where machines run. `aws` and `gce` are accepted in manifests; their drivers come later. */
export const platformNames = ["aws", "gce", "simulated"] as const;
export type PlatformName = (typeof platformNames)[number];

/** Where a StreamNode is in its life. */
export const phases = [
  "Pending",
  "Running",
  "InService",
  "Unresponsive",
  "Draining",
  "Terminating",
  "Unknown",
] as const;
export type Phase = (typeof phases)[number];
