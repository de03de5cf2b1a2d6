/** ScalePolicy: how many nodes of each role a group has, and how it moves between its limits. */
import { z } from "zod";
import {
  alarmActions,
  alarmMetrics,
  comparisonOperators,
  edgeSources,
  missingDataTreatments,
  scaleOutModes,
} from "./names.ts";
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
    minLimit: z
      .int()
      .min(0)
      .max(largestLimit)
      .describe("Fewest nodes in each region: those that are gone are replaced."),
    maxLimit: z
      .int()
      .min(0)
      .max(largestLimit)
      .describe(
        "Most nodes in each region. Counted is what is not told to terminate; a launch for an alarm may follow a limit that was lowered just now.",
      ),
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

/** N periods are looked back at, which must not be more than a day (Amazon's limit as well). */
const longestEvaluationSeconds = 86_400;

const defaultPeriodSeconds = 10;
const defaultEvaluationPeriods = 1;
// The API server fills in no default inside a list, so the rules say it themselves.
const periodSecondsOrDefault = `(has(self.periodSeconds) ? self.periodSeconds : ${defaultPeriodSeconds})`;
const evaluationPeriodsOrDefault = `(has(self.evaluationPeriods) ? self.evaluationPeriods : ${defaultEvaluationPeriods})`;

const alarmSchema = withRules(
  z.object({
    name: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .max(63)
      .describe("Name of the alarm, for people, events and metrics."),
    role: roleSchema.describe("Role whose nodes are watched, in each region apart."),
    metric: z.enum(alarmMetrics).describe("Gauge of the role that is watched."),
    statistic: z
      .string()
      .regex(/^(Average|Sum|Minimum|Maximum|SampleCount|p([0-9]|[1-9][0-9])(\.[0-9]{1,2})?|p100)$/)
      .max(16)
      .default("Average")
      .describe(
        "Over time, one datapoint from a period's samples: Average, Sum, Minimum, Maximum, SampleCount or pNN.",
      ),
    periodSeconds: z.int().min(1).max(3600).default(defaultPeriodSeconds).describe("Length (s) of one period."),
    evaluationPeriods: z
      .int()
      .min(1)
      .max(1440)
      .default(defaultEvaluationPeriods)
      .describe("N: periods that are judged."),
    datapointsToAlarm: z
      .int()
      .min(1)
      .max(1440)
      .optional()
      .describe("M: datapoints among them that must breach. Absent: all N."),
    threshold: z.number().min(0).max(1_000_000_000).describe("What a datapoint is compared with."),
    comparisonOperator: z.enum(comparisonOperators).describe("How a datapoint is compared with the threshold."),
    treatMissingData: z
      .enum(missingDataTreatments)
      .default("missing")
      .describe("What a period without a sample counts as."),
    action: z.enum(alarmActions).describe("ScaleOut adds nodes, ScaleIn removes one at a time, None only tells."),
  }),
  {
    rule: `!has(self.datapointsToAlarm) || self.datapointsToAlarm <= ${evaluationPeriodsOrDefault}`,
    message: "datapointsToAlarm must not exceed evaluationPeriods: lower datapointsToAlarm or raise evaluationPeriods",
    fieldPath: ".datapointsToAlarm",
  },
  {
    rule: `${evaluationPeriodsOrDefault} * ${periodSecondsOrDefault} <= ${longestEvaluationSeconds}`,
    message: "evaluationPeriods times periodSeconds must be at most 86400 (one day): lower one of them",
    fieldPath: ".evaluationPeriods",
  },
  {
    rule: "self.action != 'ScaleIn' || !has(self.treatMissingData) || self.treatMissingData != 'breaching'",
    message:
      "treatMissingData must not be breaching where action is ScaleIn, for silence must never remove a machine: write notBreaching, missing or ignore",
    fieldPath: ".treatMissingData",
  },
  {
    rule: "self.action == 'None' || self.threshold > 0.0 || !(self.metric in ['ConnectionUtilization', 'CPUUtilization', 'MemoryUtilization'])",
    message:
      "threshold must be above 0 where the number of nodes follows from it: write the percentage to hold, such as 60",
    fieldPath: ".threshold",
  },
  {
    rule: "self.action == 'None' || self.metric == 'FreeSlots' || (self.action == 'ScaleOut') == (self.comparisonOperator in ['GreaterThanThreshold', 'GreaterThanOrEqualToThreshold'])",
    message:
      "comparisonOperator goes the wrong way round for this action: load that is GreaterThan its threshold adds nodes (ScaleOut), load that is LessThan it removes them (ScaleIn)",
    fieldPath: ".comparisonOperator",
  },
  {
    rule: "self.action == 'None' || self.metric != 'FreeSlots' || (self.action == 'ScaleOut') == (self.comparisonOperator in ['LessThanThreshold', 'LessThanOrEqualToThreshold'])",
    message:
      "comparisonOperator goes the wrong way round for FreeSlots: free slots that are LessThan the threshold add nodes (ScaleOut), free slots that are GreaterThan it remove them (ScaleIn)",
    fieldPath: ".comparisonOperator",
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
        .describe(
          "Competitive: at the latest after this long (s) the shortage is looked at again while an alarm lasts; with scaleAdjustment, the next step comes no sooner.",
        ),
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
      idleSeconds: z
        .int()
        .min(1)
        .max(86_400)
        .default(60)
        .describe("How long (s) an edge has had nobody before its origin asks for it to go."),
      edgeSources: listSet(z.array(z.enum(edgeSources)).max(2))
        .default(["Origin", "Manager"])
        .describe("Who may ask for an edge to go: its origin, the manager, or both."),
    })
    .prefault({})
    .describe("How nodes are removed."),
  alarms: listMap(z.array(alarmSchema).max(32), "name")
    .optional()
    .describe(
      "Alarms that scale. Absent: for each role one that adds nodes above its threshold (scaleOutThreshold.ROLE of the ConfigMap streamfleet-defaults, else 60 percent of the connections) and one that removes them below half of it. []: none, the size is set by hand. A list: exactly these.",
    ),
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
  spec: scalePolicySpecSchema.describe("The limits, and how the group scales within them."),
  status: scalePolicyStatusSchema.optional().describe("Whether it is valid and used; written by the operator."),
});

export type ScalePolicy = z.output<typeof scalePolicySchema>;
export type ScalePolicySpec = z.output<typeof scalePolicySpecSchema>;
export type RoleLimits = z.output<typeof roleLimitsSchema>;
