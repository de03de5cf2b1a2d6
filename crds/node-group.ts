/** NodeGroup: a cluster of streaming servers in one or more regions, declared by people. */
import { z } from "zod";
import { alarmStates, pauseModes } from "./names.ts";
import {
  conditionsSchema,
  listMap,
  listSet,
  metadataSchema,
  nameSchema,
  observedGenerationSchema,
  regionSchema,
  roleSchema,
  lineSchema,
  timeSchema,
  withRules,
} from "./schema.ts";

const pauseSchema = z.object({
  mode: z
    .enum(pauseModes)
    .describe(
      "Scaling: alarms no longer scale; the minimum and replacements still hold. Everything: nothing is launched or terminated.",
    ),
  until: timeSchema
    .optional()
    .describe("When the pause ends by itself (RFC 3339). Absent: when this block is removed."),
  reason: lineSchema(256).optional().describe("Why it is paused, for people."),
});

export const nodeGroupSpecSchema = z.object({
  regions: listSet(z.array(regionSchema).min(1).max(16)).describe(
    "Regions of the cloud that hold the group's nodes. Limits of the scale policy hold for each of them.",
  ),
  launchConfigRef: z
    .object({ name: nameSchema.describe("Name of a LaunchConfig in the same namespace.") })
    .describe("What new nodes are launched from."),
  scalePolicyRef: z
    .object({ name: nameSchema.describe("Name of a ScalePolicy in the same namespace.") })
    .describe("How many nodes of each role there are to be."),
  pause: pauseSchema.optional().describe("Holds the group as it is. Deleting the group goes before a pause."),
});

const roleStatusSchema = z.object({
  role: roleSchema.describe("Role of the nodes counted."),
  region: regionSchema.describe("Region of the nodes counted."),
  minLimit: z.int().min(0).describe("Minimum that holds here."),
  maxLimit: z.int().min(0).describe("Maximum that holds here."),
  desired: z.int().min(0).describe("Nodes that there are to be now."),
  inService: z.int().min(0).describe("Nodes that serve clients."),
  starting: z.int().min(0).describe("Nodes asked for or booting, not yet in service."),
  overdue: z
    .int()
    .min(0)
    .optional()
    .describe("Starting nodes that take longer than their warm-up: they are not waited for. Absent: none."),
  draining: z.int().min(0).describe("Nodes that take no new clients and will go."),
  terminating: z.int().min(0).describe("Nodes whose machine is being terminated."),
  load: z
    .string()
    .max(32)
    .optional()
    .describe("Load in percent of capacity, to the next 5; absent while it is not known."),
  scaledOutAt: timeSchema.optional().describe("When an alarm last added nodes here; the cool-down begins no earlier."),
  settledAt: timeSchema
    .optional()
    .describe("When that launch, or a later drain, had ended; the cool-down begins then."),
  decision: z.string().max(64).describe("What was last decided here: LaunchNodes, DrainNode or Hold."),
  reason: z.string().max(64).describe("Why, as one word."),
  message: z.string().max(1024).describe("Why, as a sentence with numbers."),
});

/** Written by the alarm reconciler alone. */
const alarmStatusSchema = z.object({
  alarm: z.string().max(63).describe("Name of the alarm."),
  region: regionSchema.describe("Region whose nodes are watched."),
  role: roleSchema.describe("Role whose nodes are watched."),
  state: z.enum(alarmStates).describe("The state, with CloudWatch's meaning."),
  reason: z.string().max(1024).describe("Why, as a sentence with numbers."),
  since: timeSchema.describe("When the state was entered."),
});

const summarySchema = z.object({
  origins: z.string().max(32).describe("Origins as in service/desired."),
  edges: z.string().max(32).describe("Edges as in service/desired."),
  relays: z.string().max(32).describe("Relays as in service/desired."),
  transcoders: z.string().max(32).describe("Transcoders as in service/desired."),
  load: z.string().max(32).describe("Load of the edges in percent of their capacity; `-` while it is not known."),
});

/** Written by the node-group reconciler, but for `alarms`. */
export const nodeGroupStatusSchema = z.object({
  observedGeneration: observedGenerationSchema,
  summary: summarySchema.optional().describe("The group in a line."),
  roles: listMap(z.array(roleStatusSchema).max(128), "role", "region")
    .optional()
    .describe("Counts and the last decision, one entry for each role and region."),
  alarms: listMap(z.array(alarmStatusSchema).max(512), "alarm", "region")
    .optional()
    .describe("State of each alarm in each region; written when one changes."),
  conditions: conditionsSchema.optional(),
});

export const nodeGroupSchema = withRules(
  z.object({
    metadata: metadataSchema,
    spec: nodeGroupSpecSchema.describe("What the group is to be."),
    status: nodeGroupStatusSchema.optional().describe("What the group is; written by the operator."),
  }),
  {
    rule: "size(self.metadata.name) <= 40",
    message: "metadata.name must have at most 40 characters: node names are made of it",
    fieldPath: ".metadata.name",
  },
  {
    rule: "!self.metadata.name.contains('.')",
    message: "metadata.name must not contain a dot: write a hyphen instead",
    fieldPath: ".metadata.name",
  },
);

export type NodeGroup = z.output<typeof nodeGroupSchema>;
export type NodeGroupSpec = z.output<typeof nodeGroupSpecSchema>;
export type NodeGroupStatus = z.output<typeof nodeGroupStatusSchema>;
export type AlarmStatus = z.output<typeof alarmStatusSchema>;
export type RoleStatus = z.output<typeof roleStatusSchema>;
