/** What players and publishers say and are told. */
import { z } from "zod";
import { roles } from "../crds/names.ts";
import { text } from "./node-schemas.ts";

export const streamPathSchema = z.object({ scope: text(255), name: text(255) });

export const lookUpQuerySchema = z.object({
  namespace: text(63).default("default").describe("Namespace of the NodeGroup."),
  group: text(63).describe("Name of the NodeGroup."),
});

/** Path and query of a look-up. */
export const lookUpSchema = z.object({ ...streamPathSchema.shape, ...lookUpQuerySchema.shape });
export type LookUp = z.output<typeof lookUpSchema>;

export const lookUpResponseSchema = z.object({
  node: z.string().describe("Name of the StreamNode to connect to."),
  role: z.enum(roles).describe("What the node does."),
  address: z.string().describe("Where clients reach it."),
  privateAddress: z.string().exactOptional().describe("Where other nodes reach it."),
  region: z.string().describe("Region of the node."),
  namespace: z.string(),
  group: z.string(),
  scope: z.string(),
  name: z.string(),
  reservedSeconds: z.int().describe("How long (s) the slot is kept: connect within that time."),
});
export type LookUpResponse = z.output<typeof lookUpResponseSchema>;
