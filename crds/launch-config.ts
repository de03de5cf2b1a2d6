/** LaunchConfig: what a node is launched from. A running node keeps the snapshot it was launched with. */
import { z } from "zod";
import {
  addressFields,
  conditionsSchema,
  listMap,
  metadataSchema,
  observedGenerationSchema,
  propertiesSchema,
  roleSchema,
  tagsSchema,
  lineSchema,
  textSchema,
  withRules,
} from "./schema.ts";

const imageSchema = lineSchema(256).min(1);

const roleLaunchSchema = z.object({
  role: roleSchema.describe("Role launched like this."),
  instanceType: lineSchema(64).min(1).describe("Machine type in the cloud's own words."),
  connectionCapacity: z.int().min(1).max(1_000_000).describe("Clients that one node of this type and role can serve."),
  image: imageSchema.optional().describe("Image of this role; absent: spec.image."),
});

export const launchConfigSpecSchema = withRules(
  z.object({
    image: imageSchema.describe("Machine image in the cloud's own words."),
    roles: listMap(z.array(roleLaunchSchema).min(1).max(4), "role").describe(
      "What each role runs on. A role of the scale policy that is missing here cannot be launched.",
    ),
    properties: propertiesSchema.optional().describe("Settings that the node reads at boot."),
    metadata: withRules(
      tagsSchema,
      {
        rule: "self.all(key, !key.startsWith('streamfleet.dev/'))",
        message: "metadata keys must not start with streamfleet.dev/, which is the operator's: choose another prefix",
      },
      {
        rule: "self.all(key, size(key) >= 1 && size(key) <= 128)",
        message: "metadata keys must have 1 to 128 characters, as the tags of a cloud: write a shorter key",
      },
    )
      .optional()
      .describe("Becomes tags of each machine."),
    userData: textSchema(10_240)
      .optional()
      .describe("Script that runs at boot, after the operator's own lines. Not for secrets: it is stored as written."),
    ...addressFields,
    registrationTimeoutSeconds: z
      .int()
      .min(10)
      .max(3600)
      .default(150)
      .describe("How long (s) after its launch a node may take to call back."),
    aws: z.object({}).optional().describe("Launch on Amazon EC2. Not available in this version."),
    gce: z.object({}).optional().describe("Launch on Google Compute Engine. Not available in this version."),
    simulated: z.object({}).optional().describe("Launch on the simulated cloud: for laptops and tests."),
  }),
  {
    rule: "(has(self.addressFrom) && self.addressFrom == 'Hostname') == has(self.hostname)",
    message: "hostname goes with addressFrom: Hostname: write both, or neither",
    fieldPath: ".hostname",
  },
  {
    rule: "[has(self.aws), has(self.gce), has(self.simulated)].exists_one(set, set)",
    message: "exactly one of aws, gce, simulated must be set: write one of these blocks and remove the others",
  },
);

/** Written by the launch-config reconciler alone. */
export const launchConfigStatusSchema = z.object({
  observedGeneration: observedGenerationSchema,
  revision: z.string().max(64).optional().describe("Hash of the content: the same content has the same revision."),
  usedBy: z.int().min(0).optional().describe("NodeGroups that refer to this launch config."),
  conditions: conditionsSchema.optional(),
});

export const launchConfigSchema = z.object({
  metadata: metadataSchema,
  spec: launchConfigSpecSchema.describe("What nodes are launched from."),
  status: launchConfigStatusSchema.optional().describe("Whether it is valid and used; written by the operator."),
});

export type LaunchConfig = z.output<typeof launchConfigSchema>;
