/** Pieces that the schemas of several kinds share. */
import { z } from "zod";
import { addressSources, platformNames, roles } from "./names.ts";

/** A CEL rule of the API server (`x-kubernetes-validations`). The message says which field, and what to write. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  /** Path below the rule's own place that the error names, as in `.minLimit`. */
  readonly fieldPath?: string;
}

/** Attaches CEL rules to a schema; they travel into the CRD. */
export function withRules<T extends z.ZodType>(schema: T, ...rules: readonly CelRule[]): T {
  return schema.meta({ ...schema.meta(), "x-kubernetes-validations": rules });
}

/** Makes a list a map by these keys: no two entries may agree on them, and apply merges by them. */
export function listMap<T extends z.ZodType>(schema: T, ...keys: readonly string[]): T {
  return schema.meta({ ...schema.meta(), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });
}

/** Makes a list a set: no entry twice. */
export function listSet<T extends z.ZodType>(schema: T): T {
  return schema.meta({ ...schema.meta(), "x-kubernetes-list-type": "set" });
}

export const roleSchema = z.enum(roles);
export const platformSchema = z.enum(platformNames);

export const regionSchema = z
  .string()
  .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
  .max(40);

/** Name of an object that becomes part of other names. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
  .max(253);

/**
 * RFC 3339. The pattern is for the API server, whose own `date-time` takes more (a small `t`, any offset) than zod: what one
 * takes the other must read.
 */
export const timeSchema = z.iso
  .datetime({ offset: true })
  .meta({ pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$" });

/** Text that people write, of at most `max` characters, counted as the API server counts: an emoji is one. */
export function textSchema(max: number) {
  return z
    .string()
    .refine((text) => text.length <= max || Array.from(text).length <= max, `must have at most ${max} characters`)
    .meta({ maxLength: max });
}

/** Text of one line, without control characters: it is shown in terminals, Events and logs. */
export function lineSchema(max: number) {
  return textSchema(max)
    .regex(/^\P{Cc}*$/u, "write text without control characters")
    .meta({ maxLength: max });
}

/** Where clients are sent, as a LaunchConfig says it; batches and nodes keep it as it was at their launch. */
export const addressFields = {
  addressFrom: z
    .enum(addressSources)
    .optional()
    .describe(
      "Where clients are sent: the machine's public or private address as the cloud tells it, or the host name below. Absent: where the node says, if the cloud knows that address.",
    ),
  hostname: z
    .string()
    .max(253)
    .regex(/^([a-z0-9.-]|\{(name|namespace|group|role|region|slot|public|private)\})+$/)
    .optional()
    .describe(
      "With addressFrom Hostname: a name in which {name}, {namespace}, {group}, {role}, {region}, {slot} and the addresses {public} and {private}, with dashes, are filled in, such as {name}.{region}.example.com. The DNS is yours.",
    ),
};

export const conditionSchema = z.object({
  type: z.string().min(1).max(64).describe("What is judged."),
  status: z.enum(["True", "False", "Unknown"]).describe("The judgement."),
  reason: z.string().min(1).max(64).describe("One word for machines: why the status is what it is."),
  message: z.string().max(4096).describe("A sentence for people, with numbers."),
  lastTransitionTime: timeSchema.describe("When the status last changed."),
  observedGeneration: z.int().min(0).optional().describe("Generation of the object that was judged."),
});

export const conditionsSchema = listMap(z.array(conditionSchema).max(32), "type").describe(
  "What is known of the object, one entry for each type.",
);

export const observedGenerationSchema = z.int().min(0).optional().describe("Generation that this status speaks of.");

/** Which group it was made for. A group of the same name that is made later is another, and does not act on it. */
export const groupUidSchema = z
  .string()
  .max(64)
  .optional()
  .describe("UID of the NodeGroup that it was made for: a later one of the same name does not act on it.");

/** A copy or a restored object has another UID than its status names, if it has a status at all. */
export const claimedUidSchema = z
  .string()
  .max(64)
  .optional()
  .describe("UID of this object, once the operator has made it its own: a copy is not acted on before.");

/** Settings that a node reads at boot. */
export const propertiesSchema = z.record(z.string(), textSchema(1024)).meta({ maxProperties: 32 });

/** Tags of a machine, within what every cloud takes beside the operator's own. */
export const tagsSchema = z.record(z.string(), lineSchema(256)).meta({ maxProperties: 24 });

/** Metadata that readers of a custom resource may rely on: what the API server always fills in. */
export const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.int().optional(),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  finalizers: z.array(z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z
    .array(
      z.object({
        apiVersion: z.string(),
        kind: z.string(),
        name: z.string(),
        uid: z.string(),
        controller: z.boolean().optional(),
        blockOwnerDeletion: z.boolean().optional(),
      }),
    )
    .optional(),
});
