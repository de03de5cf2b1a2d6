/** Objects as the rows of a Table, which is what `kubectl get` prints. */
import { JSONPath } from "jsonpath-plus";
import { fromRfc3339, type Instant } from "../../domain/time.ts";
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { shownAge } from "./age.ts";
import { isList, type JsonObject } from "./json.ts";
import type { Kind, PrinterColumn } from "./kinds.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  readonly metadata: JsonObject;
  readonly includeObject: IncludeObject;
  readonly now: Instant;
  /** False for the later events of a watch, which do not repeat them. */
  readonly withColumns: boolean;
}

const nameColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a " +
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation " +
    "idempotence and configuration definition. Cannot be updated. More info: " +
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  priority: 0,
};

/** A row for each object, with the cells of its kind's columns. */
export function tableOf(kind: Kind, objects: readonly KubernetesObject[], options: TableOptions): JsonObject {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: options.metadata,
    columnDefinitions: options.withColumns ? definitions(kind) : null,
    rows: objects.map((object) => ({
      cells: [object.metadata.name, ...kind.columns.map((column) => cellOf(column, object, options.now))],
      object: included(object, options.includeObject),
    })),
  };
}

function definitions(kind: Kind): readonly JsonObject[] {
  const columns = kind.columns.map(({ name, type, format = "", description, priority }) => {
    return { name, type, format, description, priority };
  });
  return [nameColumn, ...columns];
}

/** An object as its metadata alone. */
export function partialObject(object: KubernetesObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

function included(object: KubernetesObject, include: IncludeObject): unknown {
  if (include === "None") return null;
  return include === "Object" ? object : partialObject(object);
}

function cellOf(column: PrinterColumn, object: KubernetesObject, now: Instant): unknown {
  const value = column.cell === undefined ? firstMatch(column.jsonPath, object) : column.cell(object);
  if (value === undefined || value === null) return column.type === "date" ? "<unknown>" : null;
  switch (column.type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return ageOf(value, now);
    case "string":
      return shownText(value);
  }
}

function firstMatch(path: string, object: KubernetesObject): unknown {
  const found: unknown = JSONPath({ path: `$${path}`, json: object, wrap: true, eval: "safe" });
  return isList(found) ? found[0] : undefined;
}

function ageOf(value: unknown, now: Instant): string {
  const at = typeof value === "string" ? fromRfc3339(value) : undefined;
  return at === undefined ? "<invalid>" : shownAge(now - at);
}

function shownText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
