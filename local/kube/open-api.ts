/** OpenAPI v3 documents of the kinds: what `kubectl explain` shows, and what lets `kubectl apply` validate on the server. */
import { createHash } from "node:crypto";
import type { JsonObject } from "./json.ts";
import type { Kind } from "./kinds.ts";
import { metadataSchema } from "./object-metadata.ts";

export interface OpenApiDocument {
  /** As in the index: `apis/streamfleet.dev/v1alpha1`. */
  readonly path: string;
  readonly body: string;
  /** Changes when the document does. */
  readonly hash: string;
}

const metaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** One document for each group and version. */
export function openApiDocuments(kinds: readonly Kind[]): readonly OpenApiDocument[] {
  const groups = Map.groupBy(kinds, ({ type }) => pathOf(type));
  return [...groups].map(([path, members]) => {
    const body = JSON.stringify(documentOf(members));
    return { path, body, hash: createHash("sha512").update(body).digest("hex").toUpperCase() };
  });
}

/** `/openapi/v3`: where the documents are. */
export function openApiIndex(documents: readonly OpenApiDocument[]): JsonObject {
  const paths = documents.map(({ path, hash }): [string, JsonObject] => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` },
  ]);
  return { paths: Object.fromEntries(paths) };
}

function pathOf({ group, version }: Kind["type"]): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

function documentOf(kinds: readonly Kind[]): JsonObject {
  const schemas = kinds.map((kind): [string, JsonObject] => [schemaName(kind), schemaOf(kind)]);
  return {
    openapi: "3.0.0",
    info: { title: "Streamfleet's embedded Kubernetes API", version: "v1" },
    paths: Object.fromEntries(
      kinds.map((kind) => [itemPath(kind), { get: operation(kind, "get"), patch: operation(kind, "patch") }]),
    ),
    components: { schemas: { [metaName]: metadataSchema, ...Object.fromEntries(schemas) } },
  };
}

function itemPath({ type }: Kind): string {
  return `/${pathOf(type)}/${type.namespaced ? "namespaces/{namespace}/" : ""}${type.plural}/{name}`;
}

function gvk({ type }: Kind): JsonObject {
  return { group: type.group, version: type.version, kind: type.kind };
}

/** kubectl asks whether the operation takes `fieldValidation` before it trusts the server with validation. */
function operation(kind: Kind, action: "get" | "patch"): JsonObject {
  const parameters = action === "get" ? [] : ["dryRun", "fieldManager", "fieldValidation", "force"];
  return {
    parameters: parameters.map((name) => ({ name, in: "query", schema: { type: "string" } })),
    responses: { 200: { description: "OK" } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk(kind),
  };
}

function schemaName({ type }: Kind): string {
  const reversed = type.group === "" ? "io.k8s.api.core" : type.group.split(".").reverse().join(".");
  return `${reversed}.${type.version}.${type.kind}`;
}

function schemaOf(kind: Kind): JsonObject {
  const metadata = { allOf: [{ $ref: `#/components/schemas/${metaName}` }] };
  return {
    ...kind.schema,
    description: kind.description,
    properties: { ...kind.schema.properties, metadata },
    "x-kubernetes-group-version-kind": [gvk(kind)],
  };
}
