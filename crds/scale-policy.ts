/** ScalePolicy: how many nodes of each role a group has, and how it moves between its limits. */
import { z } from "zod";
import { scaleOutModes } from "./names.ts";
import {
  conditionsSchema,
  listMap,
  listSet,
  metadataSchema,
  observedGenerationSchema,
  regionSchema,
  roleSchema,
  withRules,
} from "./schema.ts";

/** Largest number of nodes of one role in one region (the original's largest published sample is 2,500 edges). */
const largestLimit = 5000;

const roleLimitsSchema = withRules(
  z.object({
    role: roleSchema.describe("Role that these limits are for."),
    minLimit: z.int().min(0).max(largestLimit).describe("Fewest nodes in each region, at all times."),
    maxLimit: z.int().min(0).max(largestLimit).describe("Most nodes in each region, at all times."),
    scaleAdjustment: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe("Most nodes that one step of scaling out adds. Absent: as many as the load asks for."),
    scaleOutWaitSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(0)
      .describe("How long (s) an alarm must last before nodes are added."),
    scaleInWaitSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(0)
      .describe("How long (s) an alarm must last before a node is removed."),
    estimatedWarmUpSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(150)
      .describe("How long (s) a new node counts as coming capacity before it serves."),
  }),
  {
    rule: "self.minLimit <= self.maxLimit",
    message: "minLimit must not exceed maxLimit: lower minLimit or raise maxLimit",
    fieldPath: ".minLimit",
  },
);

const roleLimitsListSchema = listMap(z.array(roleLimitsSchema).max(4), "role");

export const scalePolicySpecSchema = z.object({
  roles: roleLimitsListSchema.describe("Limits for each role; a role that is absent has none of its nodes (0 to 0)."),
  regionOverrides: listMap(
    z
      .array(
        z.object({
          region: regionSchema.describe("Region in which these entries replace those of spec.roles."),
          roles: roleLimitsListSchema.min(1).describe("Whole entries: what one leaves out takes its default."),
        }),
      )
      .max(16),
    "region",
  )
    .optional()
    .describe("Limits that differ in one region."),
  scaleOut: z
    .object({
      mode: z
        .enum(scaleOutModes)
        .optional()
        .describe(
          "Competitive: looks again every reevaluateSeconds. Rigid: one operation at a time, then coolDownSeconds. Absent: scaleOutMode of the ConfigMap streamfleet-defaults, else Competitive.",
        ),
      coolDownSeconds: z
        .int()
        .min(0)
        .max(86_400)
        .default(180)
        .describe("Rigid: how long (s) after one scale-out the next may come."),
      reevaluateSeconds: z
        .int()
        .min(1)
        .max(300)
        .default(5)
        .describe("Competitive: how often (s) the shortage is looked at again."),
    })
    .prefault({})
    .describe("How nodes are added."),
  scaleIn: z
    .object({
      stabilizationSeconds: z
        .int()
        .min(0)
        .max(86_400)
        .default(300)
        .describe("The highest demand of this long (s) decides whether a node may go."),
      edgeSources: listSet(z.array(z.enum(["Origin", "Manager"])).max(2))
        .default(["Origin", "Manager"])
        .describe("Who may ask for an edge to go: its origin, the manager, or both."),
    })
    .prefault({})
    .describe("How nodes are removed."),
});

/** Written by the scale-policy reconciler alone. */
export const scalePolicyStatusSchema = z.object({
  observedGeneration: observedGenerationSchema,
  scaleOutMode: z.enum(scaleOutModes).optional().describe("The mode that holds, with the defaults applied."),
  usedBy: z.int().min(0).optional().describe("NodeGroups that refer to this policy."),
  conditions: conditionsSchema.optional(),
});

export const scalePolicySchema = z.object({
  metadata: metadataSchema,
  spec: scalePolicySpecSchema.describe("The limits and the manner of scaling."),
  status: scalePolicyStatusSchema.optional().describe("Whether it is valid and used; written by the operator."),
});

export type ScalePolicy = z.output<typeof scalePolicySchema>;
export type ScalePolicySpec = z.output<typeof scalePolicySpecSchema>;
export type RoleLimits = z.output<typeof roleLimitsSchema>;
