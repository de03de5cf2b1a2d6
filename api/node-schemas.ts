/** What nodes and the API say to each other: one source for parsing, types and `/openapi.json`. */
import { z } from "zod";
import { drainReasons, platformNames, roles } from "../crds/names.ts";

/** Highest count of anything, and of Mbit/s. */
export const mostCount = 10_000_000;

/** Enough for a clock in microseconds, and far from where counting on is no longer exact. */
export const highestSequence = 2 ** 52;

/** Longest lists of a report; what is beyond is left out. */
export const mostStreams = 2_000;
export const mostLinks = 1_000;
export const mostChildren = 2_000;
export const mostAcknowledged = 100;

/** Text without control characters: it ends up in logs, objects and the database. */
export const text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "write text without control characters");

/** A name for machines: no characters either that are not seen, or that turn the text around them. */
export const identifier = (longest: number) =>
  text(longest).regex(/^\P{Cf}*$/u, "write a name without invisible characters");

const address = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/, "write a host name or an IP address, without a port");

export const count = z.int().min(0).max(mostCount);
const percent = z.number().min(0).max(100);

export const registerRequestSchema = z.object({
  machineId: identifier(256).describe("The cloud's id of the machine."),
  platform: z.enum(platformNames).describe("Cloud that runs the machine."),
  address: address.describe("Where clients reach the node."),
  privateAddress: address.optional().describe("Where other nodes reach it."),
  version: identifier(64).describe("Version of the media server."),
  bootId: identifier(128).describe("Names this boot of the machine; another one after each reboot."),
  formerToken: z
    .string()
    .max(2_048)
    .regex(/^[\w.-]+$/)
    .optional()
    .describe("The token that an earlier registration of this machine was answered: it proves who calls."),
});
export type RegisterRequest = z.output<typeof registerRequestSchema>;

const parentSchema = z.object({
  name: z.string().describe("Name of the parent StreamNode."),
  address: z.string().describe("Where clients reach the parent."),
  privateAddress: z.string().optional().describe("Where nodes reach the parent; preferred."),
});
const parentsSchema = z.array(parentSchema).describe("Nodes to be linked to, now; links to others are to be dropped.");
const reportIntervalSchema = z.int().describe("Time (ms) from one report to the next.");

export const registerResponseSchema = z.object({
  namespace: z.string().describe("Namespace of the StreamNode."),
  name: z.string().describe("Name of the StreamNode."),
  group: z.string().describe("Name of its NodeGroup."),
  role: z.enum(roles).describe("What the node does."),
  parents: parentsSchema,
  token: z.string().describe("Bearer token for reports and goodbye."),
  connectionCapacity: z.int().describe("Clients that the node is to serve at most."),
  reportIntervalMs: reportIntervalSchema,
});
export type RegisterResponse = z.output<typeof registerResponseSchema>;

const linkSchema = z.object({
  parent: identifier(253).describe("Name of the parent StreamNode."),
  state: z.enum(["established", "connecting", "lost"]).describe("The link as the node sees it."),
});

const streamSchema = z.object({
  scope: text(255).describe("Scope (application) of the stream."),
  name: text(255).describe("Name of the stream."),
  subscribers: count.describe("Viewers of the stream on this node."),
});

const childSchema = z.object({
  name: identifier(253).describe("Name of the edge's StreamNode."),
  connections: count.describe("Direct clients of the edge."),
  subscribers: count.describe("Clients that subscribe on the edge."),
  streams: count.describe("Streams that the edge carries."),
});

/** What a report is to be. Of one that is not quite so, `report-intake` takes what makes sense. */
export const reportRequestSchema = z.object({
  bootId: identifier(128).describe("The boot that registered."),
  sequence: z
    .int()
    .min(0)
    .max(highestSequence)
    .describe("Rises with each report of one boot, also when the media server is started anew; gaps do no harm."),
  connections: count.describe("Direct clients, without links to other nodes."),
  publishers: count.describe("Clients that publish."),
  subscribers: count.describe("Clients that subscribe."),
  admitted: z
    .int()
    .min(0)
    .optional()
    .describe(
      "Clients taken in since the boot, those who have left included: a slot that a look-up keeps ends as its client is counted here.",
    ),
  cpuPercent: percent.optional().describe("Use of all processors."),
  memoryPercent: percent.optional().describe("Use of the memory."),
  egressMbps: z.number().min(0).max(mostCount).optional().describe("Traffic (Mbit/s) to clients."),
  accepting: z.boolean().default(true).describe("Whether the node takes new clients."),
  streams: z.array(streamSchema).max(mostStreams).default([]).describe("Streams on this node."),
  links: z.array(linkSchema).max(mostLinks).default([]).describe("Links to parents."),
  children: z
    .array(childSchema)
    .max(mostChildren)
    .default([])
    .describe("Edges that are linked to the node; of an origin or a relay only. It counts where an edge is silent."),
  acknowledged: z
    .array(identifier(128))
    .max(mostAcknowledged)
    .default([])
    .describe("Ids of directives that are carried out."),
});
export type ReportRequest = z.output<typeof reportRequestSchema>;

const directiveSchema = z.object({
  id: z.string().describe("To be acknowledged in the next report."),
  kind: z.literal("Drain").describe("Drain: take no new clients."),
  reason: z.enum(drainReasons).describe("Why."),
  at: z.string().describe("RFC 3339: when it was decided."),
});

export const reportResponseSchema = z.object({
  parents: parentsSchema,
  directives: z.array(directiveSchema).describe("All that holds now; what is no longer named is taken back."),
  reportIntervalMs: reportIntervalSchema,
  newestSequence: z
    .int()
    .exactOptional()
    .describe("The report was not news: one of this boot with this sequence was taken before. Absent: it was taken."),
  edgeIdleSeconds: z
    .int()
    .exactOptional()
    .describe("To an origin: ask for an edge to go that has had nobody for this long (s). Absent: do not ask."),
});
export type ReportResponse = z.output<typeof reportResponseSchema>;

export const goodbyeRequestSchema = z.object({
  bootId: identifier(128).describe("The boot that registered."),
});

export const scaleInRequestSchema = z.object({
  node: text(253).optional().describe("Name of the edge that is to go. Absent: whichever harms least."),
  reason: text(256).optional().describe("Why, for people."),
});

export const scaleInResponseSchema = z.object({
  accepted: z.literal(true),
  forgottenAfterSeconds: z.int().describe("The request is forgotten after this long (s)."),
});
export type ScaleInResponse = z.output<typeof scaleInResponseSchema>;
