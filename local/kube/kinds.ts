/** The kinds that are served: those of the CustomResourceDefinitions given, and the few built-in ones. */
import { z } from "zod";
import type { ResourceType } from "../../runtime/kubernetes-api.ts";
import { messageOf } from "../../runtime/thrown.ts";
import { CelRules } from "./cel-rules.ts";
import type { NameRule } from "./object-metadata.ts";
import { checkPatterns } from "./schema-validation.ts";
import { type FieldError, qualifiedResource } from "./status.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import type { JsonObject } from "./json.ts";

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description: string;
  readonly priority: number;
  /** As in a CRD: `.spec.size`. */
  readonly jsonPath: string;
  /** For built-in kinds, whose cells are more than one field. */
  readonly cell?: (object: JsonObject) => unknown;
}

export interface Kind {
  readonly type: ResourceType;
  /** Resource and group: `nodegroups.streamfleet.dev`. */
  readonly resource: string;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly description: string;
  readonly schema: StructuralSchema;
  readonly rules: CelRules;
  readonly columns: readonly PrinterColumn[];
  readonly hasStatus: boolean;
  /** Whether changes of the desired state are counted in `metadata.generation`. */
  readonly countsGenerations: boolean;
  readonly custom: boolean;
  readonly nameRule: NameRule;
  /** Field selectors beyond `metadata.name` and `metadata.namespace`. */
  readonly selectableFields: readonly string[];
  /** A PUT must say which version it replaces. */
  readonly versionedReplace: boolean;
  /** A PUT of an object that is not there creates it. */
  readonly createsOnReplace: boolean;
  /** What the schema cannot say of a built-in kind. */
  readonly extraErrors?: (object: JsonObject) => readonly FieldError[];
  /** What a built-in kind becomes on arrival. */
  readonly shape?: (object: JsonObject) => JsonObject;
}

/** A definition that this server cannot serve. The message names the definition and what is wrong with it. */
export class CrdError extends Error {
  override readonly name = "CrdError";
  readonly isForPeople = true;
}

const columnSchema = z.object({
  name: z.string(),
  type: z.enum(["string", "integer", "number", "boolean", "date"]),
  format: z.string().optional(),
  description: z.string().optional(),
  priority: z.number().default(0),
  jsonPath: z.string(),
});

const versionSchema = z.object({
  name: z.string(),
  served: z.boolean(),
  storage: z.boolean(),
  schema: z.object({
    openAPIV3Schema: z.custom<StructuralSchema>((value) => typeof value === "object" && value !== null),
  }),
  subresources: z.object({ status: z.object({}).optional() }).optional(),
  additionalPrinterColumns: z.array(columnSchema).optional(),
  selectableFields: z.array(z.object({ jsonPath: z.string() })).optional(),
});

const crdSchema = z.object({
  kind: z.literal("CustomResourceDefinition"),
  spec: z.object({
    group: z.string(),
    scope: z.enum(["Namespaced", "Cluster"]),
    names: z.object({
      kind: z.string(),
      listKind: z.string().optional(),
      plural: z.string(),
      singular: z.string().optional(),
      shortNames: z.array(z.string()).default([]),
      categories: z.array(z.string()).default([]),
    }),
    versions: z.array(versionSchema).length(1, "exactly one version can be served here"),
  }),
});

type CrdSpec = z.output<typeof crdSchema>["spec"];

/** The kind that a CustomResourceDefinition (a parsed manifest) defines. Throws CrdError. */
export function customKind(crd: unknown): Kind {
  const parsed = crdSchema.safeParse(crd);
  if (!parsed.success) throw new CrdError(`not a usable CustomResourceDefinition: ${z.prettifyError(parsed.error)}`);
  const { spec } = parsed.data;
  try {
    return toKind(spec);
  } catch (cause) {
    const why = messageOf(cause);
    throw new CrdError(`${spec.names.plural}.${spec.group}: ${why}`, { cause });
  }
}

function toKind(spec: CrdSpec): Kind {
  const [version] = spec.versions;
  if (version === undefined) throw new CrdError("no version");
  const { names, group } = spec;
  const type = {
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    namespaced: spec.scope === "Namespaced",
  };
  const schema = withCommonFields(version.schema.openAPIV3Schema);
  checkPatterns(schema);
  return {
    type,
    resource: qualifiedResource(type),
    singular: names.singular ?? names.kind.toLowerCase(),
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames,
    categories: names.categories,
    description: schema.description ?? "",
    schema,
    rules: new CelRules(schema),
    columns: columnsOf(version.additionalPrinterColumns),
    hasStatus: version.subresources?.status !== undefined,
    countsGenerations: true,
    custom: true,
    nameRule: "Subdomain",
    selectableFields: (version.selectableFields ?? []).map((field) => field.jsonPath.replace(/^\./, "")),
    versionedReplace: true,
    createsOnReplace: false,
  };
}

/** Metadata has a schema of its own; here it is kept as it is. */
export function withCommonFields(schema: StructuralSchema): StructuralSchema {
  const common = {
    apiVersion: { type: "string", description: "Version of the schema that the object follows." },
    kind: { type: "string", description: "The kind that the object is of." },
    metadata: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  } as const;
  return { ...schema, type: "object", properties: { ...schema.properties, ...common } };
}

const ageColumn: PrinterColumn = {
  name: "Age",
  type: "date",
  description:
    "CreationTimestamp is a timestamp representing the server time when this object was created. " +
    "It is represented in RFC3339 form and is in UTC.",
  priority: 0,
  jsonPath: ".metadata.creationTimestamp",
};

function columnsOf(columns: readonly z.output<typeof columnSchema>[] | undefined): readonly PrinterColumn[] {
  if (columns === undefined) return [ageColumn];
  return columns.map(({ name, type, format, description, priority, jsonPath }) => ({
    name,
    type,
    ...(format === undefined ? {} : { format }),
    description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority,
    jsonPath,
  }));
}
