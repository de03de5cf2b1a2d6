/** The lines of the load feed (NDJSON): what one process of ours tells another of the reports it has taken. */
import { z } from "zod";
import type { NodeReport, ScaleInRequest } from "../domain/load.ts";
import type { Instant } from "../domain/time.ts";
import { addMs } from "../domain/time.ts";

/** Time (ms) between two signs of life of a feed. */
export const heartbeatMs = 5_000;

/** Where the feed is served. */
export const feedPath = "/internal/feed";

/** Lines are written by us, for us: only their shape is checked, not what a node may say. */
const reportSchema = z.object({
  uid: z.string(),
  namespace: z.string(),
  name: z.string(),
  bootId: z.string(),
  sequence: z.number(),
  connections: z.number(),
  publishers: z.number(),
  subscribers: z.number(),
  cpuPercent: z.number().exactOptional(),
  memoryPercent: z.number().exactOptional(),
  egressMbps: z.number().exactOptional(),
  admitted: z.number().exactOptional(),
  // A process of the version before does not say these two.
  accepting: z.boolean().default(true),
  children: z
    .array(z.object({ name: z.string(), connections: z.number(), subscribers: z.number(), streams: z.number() }))
    .default([]),
  links: z.array(z.object({ parent: z.string(), state: z.enum(["established", "connecting", "lost"]) })),
  streams: z.array(z.object({ scope: z.string(), name: z.string(), subscribers: z.number() })),
  acknowledged: z.array(z.string()),
});

const scaleInSchema = z.object({
  namespace: z.string(),
  group: z.string(),
  region: z.string(),
  origin: z.string(),
  node: z.string().exactOptional(),
  reason: z.string().exactOptional(),
});

const ageSchema = z.number().min(0).describe("Time (ms) since it was taken: clocks of processes may differ.");

/** One line; it is written and read by processes of ours alone. */
export const feedLineSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("Report"),
    ageMs: ageSchema,
    report: reportSchema,
  }),
  z.object({ kind: z.literal("ScaleInRequest"), ageMs: ageSchema, request: scaleInSchema }),
  z.object({ kind: z.literal("Gone"), uid: z.string().describe("UID of a StreamNode that is deleted.") }),
  z.object({ kind: z.literal("SnapshotEnd") }).describe("All that was known at the beginning has been told."),
  z.object({ kind: z.literal("Heartbeat") }),
]);
export type FeedLine = z.output<typeof feedLineSchema>;

/** The line that carries a report, with its age. */
export function reportLine({ receivedAt, ...report }: NodeReport, now: Instant): FeedLine {
  const { links, streams, children, acknowledged, ...rest } = report;
  const lists = {
    links: [...links],
    streams: [...streams],
    children: [...children],
    acknowledged: [...acknowledged],
  };
  return { kind: "Report", ageMs: ageMs(receivedAt, now), report: { ...rest, ...lists } };
}

/** The line that carries a scale-in request, with its age. */
export function scaleInLine({ receivedAt, ...request }: ScaleInRequest, now: Instant): FeedLine {
  return { kind: "ScaleInRequest", ageMs: ageMs(receivedAt, now), request };
}

function ageMs(receivedAt: Instant, now: Instant): number {
  return Math.max(0, now - receivedAt);
}

/** The report of a line, on the reader's own clock. */
export function toReport({ ageMs, report }: Extract<FeedLine, { kind: "Report" }>, now: Instant): NodeReport {
  return { ...report, receivedAt: addMs(now, -ageMs) };
}

/** The scale-in request of a line, on the reader's own clock. */
export function toScaleInRequest(
  { ageMs, request }: Extract<FeedLine, { kind: "ScaleInRequest" }>,
  now: Instant,
): ScaleInRequest {
  return { ...request, receivedAt: addMs(now, -ageMs) };
}

/** Parses a line. Throws what JSON or zod throw. */
export function parseFeedLine(text: string): FeedLine {
  return feedLineSchema.parse(JSON.parse(text));
}
