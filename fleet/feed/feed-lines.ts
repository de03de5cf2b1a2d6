/** The lines of the load feed (NDJSON): what one process of ours tells another of the reports it has taken. */
import { z } from "zod";
import type { NodeReport, ReportRefusal, ScaleInRequest } from "../../domain/load/report.ts";
import { addMs, type Instant } from "../../domain/time.ts";

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
  losses: z.array(z.object({ part: z.string(), reason: z.string(), count: z.number() })).exactOptional(),
});

const refusalSchema = z.object({ uid: z.string(), namespace: z.string(), name: z.string(), reason: z.string() });

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
  z.object({ kind: z.literal("Refused"), ageMs: ageSchema, refusal: refusalSchema }),
  z.object({ kind: z.literal("Gone"), uid: z.string().describe("UID of a StreamNode that is deleted.") }),
  z.object({ kind: z.literal("SnapshotEnd") }).describe("All that was known at the beginning has been told."),
  z.object({ kind: z.literal("Heartbeat") }),
]);
export type FeedLine = z.output<typeof feedLineSchema>;

/** The line that carries a report, with its age. */
export function reportLine({ receivedAt, ...report }: NodeReport, now: Instant): FeedLine {
  const { links, streams, children, acknowledged, losses, ...rest } = report;
  const lists = {
    links: [...links],
    streams: [...streams],
    children: [...children],
    acknowledged: [...acknowledged],
    ...(losses !== undefined && { losses: [...losses] }),
  };
  return { kind: "Report", ageMs: ageMs(receivedAt, now), report: { ...rest, ...lists } };
}

/** The line that carries a scale-in request, with its age. */
export function scaleInLine({ receivedAt, ...request }: ScaleInRequest, now: Instant): FeedLine {
  return { kind: "ScaleInRequest", ageMs: ageMs(receivedAt, now), request };
}

/** The line that tells of a report that was not taken, with its age. */
export function refusedLine({ receivedAt, ...refusal }: ReportRefusal, now: Instant): FeedLine {
  return { kind: "Refused", ageMs: ageMs(receivedAt, now), refusal };
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

/** The refusal of a line, on the reader's own clock. */
export function toRefusal({ ageMs, refusal }: Extract<FeedLine, { kind: "Refused" }>, now: Instant): ReportRefusal {
  return { ...refusal, receivedAt: addMs(now, -ageMs) };
}

/** Version of the feed. It rises where a reader of the version before would misunderstand it; kinds and fields may be added without. */
export const feedVersion = 1;
/** Header of the feed's answer with its version. */
export const feedVersionHeader = "Streamfleet-Feed-Version";

/** A line that says nothing to this reader: of a kind that a later version has, or one that does not fit. */
export interface SkippedLine {
  readonly kind: "Skipped";
  readonly reason: "UnknownKind" | "Malformed";
}

const kindSchema = z.object({ kind: z.string() });
const knownKinds: ReadonlySet<string> = new Set(feedLineSchema.options.map(({ shape }) => shape.kind.value));

/** Parses a line. One that cannot be read is passed over: it is not to take away what the others tell. Never throws. */
export function parseFeedLine(text: string): FeedLine | SkippedLine {
  const json = parseJson(text);
  const line = feedLineSchema.safeParse(json);
  if (line.success) return line.data;
  const named = kindSchema.safeParse(json);
  const isUnknown = named.success && !knownKinds.has(named.data.kind);
  return { kind: "Skipped", reason: isUnknown ? "UnknownKind" : "Malformed" };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
