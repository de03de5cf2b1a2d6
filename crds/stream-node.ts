/** StreamNode: one streaming server and one machine's whole life, named by its slot. Written by us, never by people. */
import { z } from "zod";
import { drainReasons, phases, registrationProofs } from "./names.ts";
import {
  addressFields,
  claimedUidSchema,
  conditionsSchema,
  groupUidSchema,
  metadataSchema,
  observedGenerationSchema,
  platformSchema,
  regionSchema,
  roleSchema,
  textSchema,
  timeSchema,
  withRules,
} from "./schema.ts";

/** What the node's life and its termination need, whatever becomes of policy and launch config. */
const nodeLaunchSchema = z.object({
  launchConfig: z.string().max(253).describe("Name of the LaunchConfig it was launched from; empty when adopted."),
  revision: z.string().max(64).describe("Revision of the LaunchConfig; empty when adopted."),
  platform: platformSchema.describe("Cloud that holds the machine."),
  image: textSchema(256).describe("Machine image."),
  instanceType: textSchema(64).describe("Machine type."),
  connectionCapacity: z.int().min(1).describe("Clients that the node can serve."),
  registrationTimeoutSeconds: z.int().min(1).describe("How long (s) after its launch the node may take to call back."),
  ...addressFields,
});

const unchanging = ["group", "role", "slot", "region", "batch", "index", "launch"] as const;
/** Where they are left out, they stay so: what names another object by its UID is not to name one later. */
const unchangingOptional = ["groupUid", "batchUid"] as const;

export const streamNodeSpecSchema = withRules(
  z.object({
    group: z.string().max(40).describe("Name of the NodeGroup."),
    groupUid: groupUidSchema,
    role: roleSchema.describe("What the node does."),
    slot: z.int().min(0).describe("Ordinal among the nodes of its group and role; part of the name."),
    region: regionSchema.describe("Region of the machine."),
    batch: z.string().max(253).describe("Name of the LaunchBatch that asked for it."),
    batchUid: z.string().max(64).optional().describe("UID of that batch; absent when the node was adopted."),
    index: z.int().min(0).describe("Place of the slot in the batch."),
    providerId: z.string().max(256).optional().describe("The cloud's id of the machine, once it is known."),
    launch: nodeLaunchSchema.describe("What it was launched from."),
    drain: z
      .object({
        reason: z.enum(drainReasons).describe("Why the node is to go."),
        at: timeSchema.describe("When that was decided."),
      })
      .optional()
      .describe("Set: the node takes no new clients and goes when the last has left."),
  }),
  ...unchanging.map((field) => ({
    rule: `self.${field} == oldSelf.${field}`,
    message: `${field} is immutable: delete the StreamNode, and the operator launches another`,
  })),
  ...unchangingOptional.map((field) => ({
    rule: `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`,
    message: `${field} is immutable: a StreamNode belongs to the NodeGroup and the LaunchBatch that it was made for`,
  })),
  {
    rule: "!has(oldSelf.providerId) || (has(self.providerId) && self.providerId == oldSelf.providerId)",
    message: "providerId is immutable once it is set: a StreamNode is one machine's life",
  },
);

/** Written by the API alone. */
const registrationSchema = z.object({
  machineId: z.string().max(256).describe("The cloud's id that the node gave."),
  address: z.string().max(253).describe("Where clients reach the node."),
  privateAddress: z.string().max(253).optional().describe("Where other nodes reach it."),
  version: z.string().max(64).optional().describe("Version of the media server."),
  bootId: z.string().max(128).describe("The boot that registered."),
  registeredAt: timeSchema.describe("When it called back."),
  provenBy: z
    .enum(registrationProofs)
    .optional()
    .describe(
      "Address: it called from an address of its machine. FormerToken: it had the token of an earlier registration. Batch: by its join token alone, as STREAMFLEET_TRUST_BATCH allows.",
    ),
  goodbyeAt: timeSchema.optional().describe("When this boot said goodbye; registering again takes it back."),
});

export const streamNodeStatusSchema = z.object({
  observedGeneration: observedGenerationSchema,
  claimedUid: claimedUidSchema,
  registration: registrationSchema.optional().describe("That the node has called back, once for each boot."),
  phase: z.enum(phases).optional().describe("Where the node is in its life."),
  machine: z
    .object({
      state: z
        .enum(["Pending", "Running", "Stopping", "Stopped", "Terminated", "Unknown"])
        .describe("What the cloud last said."),
      zone: z.string().max(64).describe("Zone of the machine."),
      launchedAt: timeSchema.describe("When the cloud launched it."),
    })
    .optional()
    .describe("The machine as the cloud shows it."),
  addresses: z
    .object({
      public: z.string().max(253).optional().describe("Public address according to the cloud."),
      private: z.string().max(253).optional().describe("Private address according to the cloud."),
    })
    .optional()
    .describe("Addresses according to the cloud."),
  transitions: z
    .partialRecord(z.enum(phases), timeSchema)
    .meta({ maxProperties: phases.length })
    .optional()
    .describe("When each phase was last entered."),
  conditions: conditionsSchema.optional(),
});

export const streamNodeSchema = z.object({
  metadata: metadataSchema,
  spec: streamNodeSpecSchema.describe("What was launched, and whether it is to go."),
  status: streamNodeStatusSchema.optional().describe("Where it is in its life; written by the operator."),
});

export type StreamNode = z.output<typeof streamNodeSchema>;
export type StreamNodeSpec = z.output<typeof streamNodeSpecSchema>;
export type StreamNodeStatus = z.output<typeof streamNodeStatusSchema>;
export type Registration = z.output<typeof registrationSchema>;
export type NodeLaunch = z.output<typeof nodeLaunchSchema>;
