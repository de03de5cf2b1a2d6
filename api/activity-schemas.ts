/** What operators ask about decisions, and are told. */
import { z } from "zod";
import { roles } from "../crds/names.ts";
import { fromRfc3339 } from "../domain/time.ts";

export const activityQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Most activities to answer."),
  until: z
    .string()
    .refine((written) => fromRfc3339(written) !== undefined, "write a time as RFC 3339, such as 2026-11-22T05:10:13Z")
    .optional()
    .describe("RFC 3339: only activities that had begun by then."),
});

const activitySchema = z.object({
  namespace: z.string(),
  group: z.string(),
  role: z.enum(roles),
  region: z.string(),
  kind: z.string().describe("What was decided."),
  reason: z.string().describe("Why, as one word."),
  message: z.string().describe("Why, as a sentence with numbers."),
  latestMessage: z.string().optional().describe("What was said last, where it is another sentence."),
  deciderVersion: z.int().describe("Version of the decider that said it."),
  input: z.unknown().describe("All that the decision follows from."),
  firstAt: z.string().describe("RFC 3339: when it was first decided."),
  lastAt: z.string().describe("RFC 3339: when it was last decided in a row."),
  count: z.int().describe("How often it was decided in a row."),
});

export const activitiesSchema = z.object({
  activities: z.array(activitySchema).describe("The one that began last first."),
  unwritten: z
    .object({ since: z.string().describe("RFC 3339."), reason: z.string().describe("Why, and what to do.") })
    .optional()
    .describe("History is not being written: what was decided since is not here."),
});
export type ActivityAnswer = z.output<typeof activitySchema>;
export type ActivitiesResponse = z.output<typeof activitiesSchema>;
