/** The kinds of Kubernetes itself that the product and kubectl need: a few fields of each, no more. */
import { CelRules } from "./cel-rules.ts";
import { isObject, type JsonObject, member, without } from "./json.ts";
import { type Kind, type PrinterColumn, withCommonFields } from "./kinds.ts";
import { badRequest, type FieldError, qualifiedResource } from "./status.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const text: StructuralSchema = { type: "string" };
const whole: StructuralSchema = { type: "integer" };
const texts: StructuralSchema = { type: "object", additionalProperties: text };

function object(properties: Readonly<Record<string, StructuralSchema>>): StructuralSchema {
  return { type: "object", properties };
}

function column(
  name: string,
  from: string | ((object: JsonObject) => unknown),
  more: Partial<PrinterColumn> = {},
): PrinterColumn {
  const source = typeof from === "string" ? { jsonPath: from } : { jsonPath: "", cell: from };
  return { name, type: "string", description: "", priority: 0, ...source, ...more };
}

const age = column("Age", ".metadata.creationTimestamp", { type: "date" });

interface BuiltIn {
  readonly group?: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly description: string;
  readonly properties: Readonly<Record<string, StructuralSchema>>;
  readonly columns: readonly PrinterColumn[];
  readonly more?: Partial<Kind>;
}

function builtIn({ group = "", kind, plural, shortNames = [], description, properties, columns, more }: BuiltIn): Kind {
  const type = { group, version: "v1", kind, plural, namespaced: kind !== "Namespace" };
  const schema = withCommonFields({ type: "object", description, properties });
  return {
    type,
    resource: qualifiedResource(type),
    singular: kind.toLowerCase(),
    listKind: `${kind}List`,
    shortNames,
    categories: [],
    description,
    schema,
    rules: new CelRules({}),
    columns,
    hasStatus: false,
    countsGenerations: false,
    custom: false,
    nameRule: "Subdomain",
    selectableFields: [],
    versionedReplace: false,
    createsOnReplace: false,
    ...more,
  };
}

const namespaceKind = builtIn({
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  description: "Namespace provides a scope for names.",
  properties: {
    spec: object({ finalizers: { type: "array", items: text } }),
    status: object({ phase: text }),
  },
  columns: [column("Status", ".status.phase"), age],
  more: {
    nameRule: "Label",
    // The finalizer keeps a deleted namespace until the collector has emptied it.
    shape: (namespace) => ({
      ...namespace,
      spec: { finalizers: member(namespace, ["spec", "finalizers"]) ?? ["kubernetes"] },
      status: isObject(namespace["status"]) ? namespace["status"] : { phase: "Active" },
    }),
  },
});

const configMapKind = builtIn({
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  description: "ConfigMap holds configuration data for pods to consume.",
  properties: { data: texts, binaryData: texts, immutable: { type: "boolean" } },
  columns: [
    column("Data", (map) => countMembers(map["data"]) + countMembers(map["binaryData"]), { type: "integer" }),
    age,
  ],
  more: { extraErrors: keyErrors },
});

const secretKind = builtIn({
  kind: "Secret",
  plural: "secrets",
  description: "Secret holds secret data of a certain type.",
  properties: { data: texts, stringData: texts, type: text, immutable: { type: "boolean" } },
  columns: [
    column("Type", ".type"),
    column("Data", (secret) => countMembers(secret["data"]), { type: "integer" }),
    age,
  ],
  more: { shape: withEncodedData, extraErrors: keyErrors },
});

const keyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' " +
  "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function keyErrors(object: JsonObject): readonly FieldError[] {
  return ["data", "binaryData"].flatMap((field) => {
    const keys = isObject(object[field]) ? Object.keys(object[field]) : [];
    const bad = keys.filter((key) => !/^[-._a-zA-Z0-9]+$/.test(key));
    return bad.map((key) => invalidValue(`${field}[${key}]`, key, keyRule));
  });
}

/** `stringData` is a convenience of writing: it is stored, encoded, among `data`. */
function withEncodedData(secret: JsonObject): JsonObject {
  const plain = isObject(secret["stringData"]) ? Object.entries(secret["stringData"]) : [];
  const encoded = plain.map(([name, value]): [string, unknown] => [
    name,
    Buffer.from(String(value)).toString("base64"),
  ]);
  const data = { ...(isObject(secret["data"]) ? secret["data"] : {}), ...Object.fromEntries(encoded) };
  checkEncoding(data);
  return {
    ...without(secret, "stringData"),
    type: secret["type"] ?? "Opaque",
    ...(countMembers(data) === 0 ? {} : { data }),
  };
}

function checkEncoding(data: JsonObject): void {
  const isBad = Object.values(data).some((value) => Buffer.from(String(value), "base64").toString("base64") !== value);
  if (isBad)
    throw badRequest(
      'Secret in version "v1" cannot be handled as a Secret: illegal base64 data: use stringData for plain text',
    );
}

const leaseKind = builtIn({
  group: "coordination.k8s.io",
  kind: "Lease",
  plural: "leases",
  description: "Lease defines a lease concept.",
  properties: {
    spec: object({
      holderIdentity: text,
      leaseDurationSeconds: whole,
      acquireTime: { type: "string", format: "micro-time" },
      renewTime: { type: "string", format: "micro-time" },
      leaseTransitions: whole,
      strategy: text,
      preferredHolder: text,
    }),
  },
  columns: [column("Holder", ".spec.holderIdentity"), age],
  more: { versionedReplace: true, createsOnReplace: true, extraErrors: leaseErrors },
});

function leaseErrors(lease: JsonObject): readonly FieldError[] {
  const seconds = member(lease, ["spec", "leaseDurationSeconds"]);
  const transitions = member(lease, ["spec", "leaseTransitions"]);
  const errors: FieldError[] = [];
  if (typeof seconds === "number" && seconds <= 0)
    errors.push(invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
  if (typeof transitions === "number" && transitions < 0)
    errors.push(invalidValue("spec.leaseTransitions", transitions, "must be greater than or equal to 0"));
  return errors;
}

const involvedFields = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] as const;
const reference = object(Object.fromEntries(involvedFields.map((name) => [name, text])));

const eventKind = builtIn({
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  description: "Event is a report of an event somewhere in the cluster.",
  properties: {
    involvedObject: reference,
    related: reference,
    reason: text,
    message: text,
    source: object({ component: text, host: text }),
    firstTimestamp: { ...text, nullable: true },
    lastTimestamp: { ...text, nullable: true },
    eventTime: { ...text, nullable: true, format: "micro-time" },
    count: whole,
    type: text,
    action: text,
    series: object({ count: whole, lastObservedTime: { type: "string", format: "micro-time" } }),
    reportingComponent: text,
    reportingInstance: text,
  },
  columns: [
    column("Last Seen", (event) => event["lastTimestamp"] ?? event["eventTime"] ?? event["firstTimestamp"], {
      type: "date",
    }),
    column("Type", ".type"),
    column("Reason", ".reason"),
    column("Object", involvedName),
    column("Subobject", ".involvedObject.fieldPath", { priority: 1 }),
    column("Source", ".source.component", { priority: 1 }),
    column("Message", ".message"),
    column("First Seen", (event) => event["firstTimestamp"] ?? event["eventTime"], { type: "date", priority: 1 }),
    column("Count", (event) => event["count"] ?? 1, { type: "integer", priority: 1 }),
    column("Name", ".metadata.name", { priority: 1 }),
  ],
  more: {
    selectableFields: [
      ...involvedFields.map((name) => `involvedObject.${name}`),
      "reason",
      "type",
      "source",
      "reportingComponent",
    ],
    createsOnReplace: true,
    extraErrors: eventErrors,
    shape: (event) => ({ ...emptyEvent, ...event }),
  },
});

const emptyEvent = {
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: "",
  reportingInstance: "",
};

function involvedName(event: JsonObject): string {
  const kind = member(event, ["involvedObject", "kind"]);
  const name = member(event, ["involvedObject", "name"]);
  return `${typeof kind === "string" ? kind.toLowerCase() : ""}/${typeof name === "string" ? name : ""}`;
}

function eventErrors(event: JsonObject): readonly FieldError[] {
  const involved = member(event, ["involvedObject", "namespace"]) ?? "default";
  if (involved === member(event, ["metadata", "namespace"])) return [];
  return [invalidValue("involvedObject.namespace", involved, "does not match event.namespace")];
}

function invalidValue(field: string, value: unknown, why: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

function countMembers(value: unknown): number {
  return isObject(value) ? Object.keys(value).length : 0;
}

/** All of them, as they are served beside the custom kinds. */
export const builtInKinds: readonly Kind[] = [namespaceKind, eventKind, configMapKind, secretKind, leaseKind];
export { eventKind, namespaceKind };
