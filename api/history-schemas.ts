/** What operators ask about the past of a group, and are told. */
import { z } from "zod";
import { roles } from "../crds/names.ts";
import { fromRfc3339 } from "../domain/time.ts";

/** What can be looked up, by the word in the path. */
export const lookedUpKinds = ["nodes", "streams", "alarms", "load"] as const;
export type LookedUpKind = (typeof lookedUpKinds)[number];

const time = z
  .string()
  .refine((written) => fromRfc3339(written) !== undefined, "write a time as RFC 3339, such as 2026-11-22T05:10:13Z")
  .optional();

export const historyQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe("Most rows to answer."),
  from: time.describe("RFC 3339: nothing that was over by then. Absent: from the beginning."),
  to: time.describe("RFC 3339: only what had begun before then. Absent: until now."),
});

const node = z.object({
  uid: z.string(),
  name: z.string(),
  role: z.enum(roles),
  region: z.string(),
  platform: z.string(),
  providerId: z.string().optional().describe("The machine. Absent: none was launched."),
  openedAt: z.string().describe("RFC 3339: when the StreamNode was made."),
  closedAt: z.string().optional().describe("RFC 3339: when its machine was gone. Absent: it lives."),
  closeReason: z.string().optional(),
});

const stream = z.object({
  scope: z.string(),
  name: z.string(),
  nodeUid: z.string().describe("UID of the StreamNode that carried it."),
  startedAt: z.string().describe("RFC 3339: when it was first seen there."),
  lastSeenAt: z.string().describe("RFC 3339."),
  endedAt: z.string().optional().describe("RFC 3339. Absent: it runs."),
  peakSubscribers: z.int(),
});

const alarm = z.object({
  at: z.string().describe("RFC 3339."),
  alarm: z.string(),
  role: z.enum(roles),
  region: z.string(),
  from: z.string().describe("The state before."),
  to: z.string().describe("The state since."),
  reason: z.string(),
});

const load = z.object({
  minute: z.string().describe("RFC 3339: its beginning."),
  role: z.enum(roles),
  region: z.string(),
  samples: z.int().describe("Reports in the minute."),
  connectionsSum: z.int().describe("Over these reports."),
  connectionsMax: z.int().describe("Of one report."),
  publishersSum: z.int(),
  subscribersSum: z.int(),
});

/** The row of each kind. */
export const historyRows = { nodes: node, streams: stream, alarms: alarm, load } as const;
export type HistoryRow<K extends LookedUpKind> = z.output<(typeof historyRows)[K]>;

/** The answer about a kind. */
export function historySchema<K extends LookedUpKind>(kind: K) {
  return z.object({ rows: z.array(historyRows[kind]).describe("The newest first.") });
}
