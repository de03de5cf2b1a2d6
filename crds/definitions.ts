/** The CustomResourceDefinitions, made from the zod schemas: one for each kind, ready to be written as YAML. */
import type { z } from "zod";
import { launchBatchSchema } from "./launch-batch.ts";
import { launchConfigSchema } from "./launch-config.ts";
import { apiGroup, apiVersionName, category, type Kind, kinds } from "./names.ts";
import { nodeGroupSchema } from "./node-group.ts";
import { scalePolicySchema } from "./scale-policy.ts";
import { streamNodeSchema } from "./stream-node.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

/** A column of `kubectl get`. Priority 1 shows with `-o wide` only. */
interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: number;
}

interface KindDefinition {
  readonly schema: z.ZodObject;
  readonly description: string;
  readonly columns: readonly PrinterColumn[];
}

const age: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since the object was made.",
};

function column(name: string, jsonPath: string, description: string, priority = 0): PrinterColumn {
  return { name, type: "string", jsonPath, description, ...(priority > 0 && { priority }) };
}

function condition(name: string, type: string, description: string, priority = 0): PrinterColumn {
  return column(name, `.status.conditions[?(@.type=="${type}")].status`, description, priority);
}

const definitions: Readonly<Record<Kind, KindDefinition>> = {
  NodeGroup: {
    schema: nodeGroupSchema,
    description: "A cluster of live-streaming servers in one or more regions: origins, edges, relays and transcoders.",
    columns: [
      column("Origins", ".status.summary.origins", "Origins as in service/desired."),
      column("Edges", ".status.summary.edges", "Edges as in service/desired."),
      condition("Ready", "Ready", "Whether each minimum is in service."),
      column("Load", ".status.summary.load", "Load of the edges."),
      age,
      column("Relays", ".status.summary.relays", "Relays as in service/desired.", 1),
      column("Transcoders", ".status.summary.transcoders", "Transcoders as in service/desired.", 1),
      column("Policy", ".spec.scalePolicyRef.name", "The ScalePolicy.", 1),
      column("Config", ".spec.launchConfigRef.name", "The LaunchConfig.", 1),
      column("Pause", ".spec.pause.mode", "What is paused.", 1),
      column("Reason", '.status.conditions[?(@.type=="Ready")].reason', "Why it is ready, or not.", 1),
    ],
  },
  ScalePolicy: {
    schema: scalePolicySchema,
    description: "How many nodes of each role a NodeGroup has in each region, and how it scales between the limits.",
    columns: [
      condition("Accepted", "Accepted", "Whether it is valid."),
      column("Mode", ".status.scaleOutMode", "Scale-out mode that holds."),
      { name: "Groups", type: "integer", jsonPath: ".status.usedBy", description: "NodeGroups that use it." },
      age,
    ],
  },
  LaunchConfig: {
    schema: launchConfigSchema,
    description: "What nodes are launched from: image, machine types, tags and user data.",
    columns: [
      condition("Accepted", "Accepted", "Whether it is valid and its platform is there."),
      column("Revision", ".status.revision", "Hash of the content."),
      { name: "Groups", type: "integer", jsonPath: ".status.usedBy", description: "NodeGroups that use it." },
      age,
      column("Image", ".spec.image", "Machine image.", 1),
    ],
  },
  LaunchBatch: {
    schema: launchBatchSchema,
    description: "One numbered decision to launch nodes. Written by the operator.",
    columns: [
      column("Role", ".spec.role", "Role of the nodes."),
      column("Region", ".spec.region", "Region to launch in."),
      column("Slots", ".status.slots", "Slots to fill."),
      { name: "Launched", type: "integer", jsonPath: ".status.launched", description: "Machines launched." },
      column("Reason", ".spec.reason", "Why it was decided."),
      age,
      condition("Complete", "Complete", "Whether every slot is settled.", 1),
    ],
  },
  StreamNode: {
    schema: streamNodeSchema,
    description: "One live-streaming server and its machine, from launch to termination. Written by the operator.",
    columns: [
      column("Role", ".spec.role", "What the node does."),
      column("Phase", ".status.phase", "Where it is in its life."),
      column("Address", ".status.registration.address", "Where clients reach it."),
      column("Region", ".spec.region", "Region of its machine."),
      column("Machine", ".spec.providerId", "The cloud's id of its machine."),
      age,
      column("Zone", ".status.machine.zone", "Zone of its machine.", 1),
      column("Type", ".spec.launch.instanceType", "Machine type.", 1),
      column("Batch", ".spec.batch", "The LaunchBatch that asked for it.", 1),
    ],
  },
};

/** A CustomResourceDefinition as a plain object. */
export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced";
    readonly names: Readonly<Record<string, unknown>> & {
      readonly kind: Kind;
      readonly plural: string;
      readonly shortNames: readonly string[];
    };
    readonly versions: readonly (Readonly<Record<string, unknown>> & {
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
    })[];
  };
}

/** Every CRD of the product, in the order of `kinds`. */
export function customResourceDefinitions(): readonly CustomResourceDefinition[] {
  return (Object.keys(definitions) as Kind[]).map(customResourceDefinition);
}

function customResourceDefinition(kind: Kind): CustomResourceDefinition {
  const { plural, singular, shortName } = kinds[kind];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], categories: [category] },
      versions: [
        {
          name: apiVersionName,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definitions[kind].columns,
          schema: { openAPIV3Schema: objectSchema(definitions[kind]) },
        },
      ],
    },
  };
}

function objectSchema({ schema, description }: KindDefinition): StructuralSchema {
  const parts = Object.entries(schema.shape).filter(([name]) => name !== "metadata");
  const rules = schema.meta()?.["x-kubernetes-validations"];
  return {
    type: "object",
    description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: "Group and version of the API: streamfleet.dev/v1alpha1." },
      kind: { type: "string", description: "Kind of the object." },
      // Rules may name it, so the schema must.
      metadata: { type: "object", properties: { name: { type: "string" } } },
      ...Object.fromEntries(parts.map(([name, part]) => [name, structuralSchema(part as z.ZodType)])),
    },
    ...(rules !== undefined && { "x-kubernetes-validations": rules }),
  };
}
