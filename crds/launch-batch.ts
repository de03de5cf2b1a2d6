/** LaunchBatch: one numbered decision to launch. Creating it is a compare-and-swap; its launch call follows from it alone. */
import { z } from "zod";
import { launchReasons } from "./names.ts";
import {
  addressFields,
  claimedUidSchema,
  conditionsSchema,
  groupUidSchema,
  listMap,
  listSet,
  metadataSchema,
  observedGenerationSchema,
  platformSchema,
  propertiesSchema,
  regionSchema,
  roleSchema,
  tagsSchema,
  textSchema,
  timeSchema,
  withRules,
} from "./schema.ts";

/** Most slots of one batch, and so most machines of one launch call. */
export const largestBatch = 50;

const slotsSchema = listSet(z.array(z.int().min(0).max(99_999)).max(largestBatch));

/** All that a launch call needs. A later change of the LaunchConfig does not touch it. */
export const launchSnapshotSchema = z.object({
  launchConfig: z.string().max(253).describe("Name of the LaunchConfig it was taken from."),
  revision: z.string().max(64).describe("Revision of the LaunchConfig it was taken from."),
  platform: platformSchema.describe("Cloud to launch on."),
  image: textSchema(256).describe("Machine image."),
  instanceType: textSchema(64).describe("Machine type."),
  connectionCapacity: z.int().min(1).describe("Clients that the node can serve."),
  registrationTimeoutSeconds: z.int().min(1).describe("How long (s) after its launch the node may take to call back."),
  ...addressFields,
  properties: propertiesSchema.optional().describe("Settings that the node reads at boot."),
  metadata: tagsSchema.optional().describe("Tags from the LaunchConfig."),
  userData: textSchema(10_240).optional().describe("Script of the LaunchConfig."),
});

/** What a launch call needs beside the batch: the same in a repeat, whatever the process has become since. */
const callSchema = z.object({
  keyId: z.string().max(64).describe("Key that signs the join token."),
  clusterId: z.string().max(64).describe("Installation that the machines are tagged with."),
  apiUrl: z.string().max(1024).describe("Where the machines are told to call back."),
});

export const launchBatchSpecSchema = withRules(
  z.object({
    group: z.string().max(40).describe("Name of the NodeGroup."),
    groupUid: groupUidSchema,
    role: roleSchema.describe("Role of the nodes."),
    region: regionSchema.describe("Region to launch in."),
    number: z.int().min(1).describe("Number of the batch among those of its group and role, without gaps."),
    slots: slotsSchema.min(1).describe("Slots to fill, one machine each."),
    launch: launchSnapshotSchema.describe("What to launch."),
    decidedAt: timeSchema
      .optional()
      .describe("When it was decided. One that was created much later than that is a copy, and launches nothing."),
    reason: z.enum(launchReasons).describe("Why, as one word."),
    message: z.string().max(1024).describe("Why, as a sentence with numbers."),
    call: callSchema
      .optional()
      .describe(
        "The rest of the first launch call: with it, creating the batch commits that call. Absent: none is committed.",
      ),
    zones: listMap(
      z
        .array(
          z.object({
            zone: z.string().max(64).describe("Zone of the region."),
            nodes: z.int().min(0).describe("Nodes of the role in it."),
          }),
        )
        .max(16),
      "zone",
    )
      .optional()
      .describe(
        "Nodes of the role in the region by zone, when it was decided: the new ones go where there are fewest.",
      ),
  }),
  { rule: "self == oldSelf", message: "spec is immutable: a batch is one decision; delete the batch instead" },
);

const attemptSchema = z.object({
  number: z.int().min(1).describe("Number of the attempt, from 1."),
  token: z.string().max(64).describe("Idempotency token of its launch call."),
  slots: slotsSchema.describe("Slots asked for, in order of launch index."),
  keyId: z.string().max(64).describe("Key that signed the join token."),
  clusterId: z.string().max(64).describe("Installation that the machines are tagged with."),
  apiUrl: z.string().max(1024).describe("Where the machines were told to call back."),
  startedAt: timeSchema.describe("When the attempt was committed, before its call."),
  outcome: z
    .enum(["Pending", "Launched", "Failed"])
    .describe("Pending: no answer has been recorded yet; the same call is sent again."),
  launched: z.int().min(0).optional().describe("Machines that the cloud started."),
  error: z.string().max(64).optional().describe("Kind of the cloud's refusal."),
  message: z.string().max(1024).optional().describe("The cloud's refusal in its own words."),
  endedAt: timeSchema.optional().describe("When the answer was recorded."),
});

/** Written by the launch reconciler alone. */
export const launchBatchStatusSchema = z.object({
  observedGeneration: observedGenerationSchema,
  claimedUid: claimedUidSchema,
  slots: z.string().max(512).optional().describe("The slots as ranges, for people."),
  launched: z.int().min(0).optional().describe("Machines launched."),
  attempts: listMap(z.array(attemptSchema).max(16), "number")
    .optional()
    .describe("Launch calls, each committed before it is sent; the newest 16."),
  members: listMap(
    z
      .array(
        z.object({
          slot: z.int().min(0).describe("The slot."),
          providerId: z.string().max(256).optional().describe("Its machine."),
          outcome: z
            .enum(["Launched", "Abandoned", "Taken"])
            .describe("Abandoned: no longer wanted. Taken: another batch holds the slot."),
        }),
      )
      .max(largestBatch),
    "slot",
  )
    .optional()
    .describe("Slots that are settled."),
  conditions: conditionsSchema.optional(),
});

export const launchBatchSchema = z.object({
  metadata: metadataSchema,
  spec: launchBatchSpecSchema.describe("The decision."),
  status: launchBatchStatusSchema.optional().describe("What became of it; written by the operator."),
});

export type LaunchBatch = z.output<typeof launchBatchSchema>;
export type LaunchBatchSpec = z.output<typeof launchBatchSpecSchema>;
export type LaunchBatchStatus = z.output<typeof launchBatchStatusSchema>;
export type LaunchSnapshot = z.output<typeof launchSnapshotSchema>;
export type LaunchAttempt = z.output<typeof attemptSchema>;
