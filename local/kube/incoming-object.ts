/** What arrives, made into an object of a kind: decoded, pruned, defaulted, judged. */
import type { KubernetesObject } from "../../runtime/kubernetes-api.ts";
import { isObject, jsonCopy, type JsonObject, member, without } from "./json.ts";
import type { Kind } from "./kinds.ts";
import { metadataErrors, metadataSchema } from "./object-metadata.ts";
import { defaulted, pruned } from "./schema-shaping.ts";
import { hindersRules, rulesNotChecked, schemaErrors } from "./schema-validation.ts";
import { badRequest, type FieldError, invalid, StatusError } from "./status.ts";
import type { StructuralSchema } from "./structural-schema.ts";

export interface Incoming {
  readonly object: KubernetesObject;
  /** Paths of the fields that were dropped because the schema does not know them. */
  readonly unknownFields: readonly string[];
}

/** Decodes a body: it must be an object of this kind with readable metadata. Throws 400 and 422. */
export function decode(kind: Kind, body: unknown): Incoming {
  const copy = jsonCopy(body);
  if (!isObject(copy)) throw unrecognized(kind, "the body is not a JSON object");
  if (kind.custom || copy["kind"] !== undefined || copy["apiVersion"] !== undefined) checkType(kind, copy);
  const unknownFields: string[] = [];
  const metadata = decodeMetadata(kind, copy["metadata"], unknownFields);
  const rest = pruned(without(copy, "metadata"), kind.schema, "", unknownFields) as JsonObject;
  const filled = defaulted(rest, kind.schema) as JsonObject;
  const shaped = kind.shape === undefined ? filled : kind.shape(filled);
  const object = {
    ...shaped,
    apiVersion: apiVersionOf(kind),
    kind: kind.type.kind,
    metadata,
  } as unknown as KubernetesObject;
  if (!kind.custom) checkBuiltInTypes(kind, object);
  return { object, unknownFields };
}

export function apiVersionOf(kind: Kind): string {
  const { group, version } = kind.type;
  return group === "" ? version : `${group}/${version}`;
}

function checkType(kind: Kind, body: JsonObject): void {
  const wanted = apiVersionOf(kind);
  if (typeof body["kind"] !== "string" || body["kind"] === "")
    throw unrecognized(kind, `Object 'Kind' is missing in '${JSON.stringify(body)}'`);
  if (body["apiVersion"] !== wanted) {
    const found = typeof body["apiVersion"] === "string" ? body["apiVersion"] : "";
    throw badRequest(`the API version in the data (${found}) does not match the expected API version (${wanted})`);
  }
  if (body["kind"] === kind.type.kind) return;
  const message = `Invalid value: "${body["kind"]}": must be ${kind.type.kind}`;
  const name = member(body, ["metadata", "name"]);
  const error: FieldError = { reason: "FieldValueInvalid", field: "kind", message };
  throw invalid({ ...kind.type, kind: body["kind"] }, typeof name === "string" ? name : "", [error]);
}

/** A body that cannot be taken for an object of this kind. */
export function unrecognized(kind: Kind, why: string): StatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind.type.kind}): ${why}`);
}

/** A configuration that is applied: decoded as an object, but with nothing filled in, for a default belongs to nobody. */
export function decodeApplied(
  kind: Kind,
  body: unknown,
): { readonly config: JsonObject; readonly unknownFields: readonly string[] } {
  const copy = withoutNulls(jsonCopy(body));
  if (!isObject(copy)) throw unrecognized(kind, "the body is not a JSON object");
  checkType(kind, copy);
  if (member(copy, ["metadata", "managedFields"]) !== undefined) throw badRequest("metadata.managedFields must be nil");
  const unknownFields: string[] = [];
  const metadata = decodeMetadata(kind, copy["metadata"], unknownFields);
  const rest = pruned(without(copy, "metadata"), kind.schema, "", unknownFields) as JsonObject;
  const own = kind.hasStatus ? without(rest, "status") : rest;
  return { config: { ...own, apiVersion: copy["apiVersion"], kind: copy["kind"], metadata }, unknownFields };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]));
}

/** Metadata without what the server keeps to itself. */
function decodeMetadata(kind: Kind, metadata: unknown, unknownFields: string[]): JsonObject {
  const known = pruned(metadata ?? {}, metadataSchema, "metadata", unknownFields);
  const filled = defaulted(known, metadataSchema);
  const [typeError] = schemaErrors(filled, metadataSchema, undefined);
  if (typeError !== undefined || !isObject(filled)) throw typeMismatch(kind, "ObjectMeta", typeError);
  return withoutEmpty(without(filled, "selfLink"));
}

/** Empty lists and maps are as good as none, and the server does not store them. */
function withoutEmpty(metadata: JsonObject): JsonObject {
  const isEmpty = (value: unknown): boolean =>
    value === "" || value === null || (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => !isEmpty(value)));
}

function typeMismatch(kind: Kind, struct: string, error: FieldError | undefined): StatusError {
  const [, found = "value", wanted = "object"] = /"(\w+)": .* must be of type (\w+)/.exec(error?.message ?? "") ?? [];
  // A map is named, its key is not.
  const field = (error?.field ?? "").replace(/^(labels|annotations|data|binaryData|stringData)\..*$|\[\d+\]/g, "$1");
  const shown = found === "integer" ? "number" : found;
  return cannotBeHandled(
    kind,
    `json: cannot unmarshal ${shown} into Go struct field ${struct}.${field} of type ${wanted}`,
  );
}

export function cannotBeHandled(kind: Kind, why: string): StatusError {
  const { version, kind: name } = kind.type;
  return badRequest(`${name} in version "${version}" cannot be handled as a ${name}: ${why}`);
}

export function strictProblem(unknownFields: readonly string[]): string {
  return `strict decoding error: ${unknownFields.map((field) => `unknown field "${field}"`).join(", ")}`;
}

/** The types of built-in kinds are part of their decoding, and so are the six digits of a MicroTime. */
function checkBuiltInTypes(kind: Kind, object: KubernetesObject): void {
  const [error] = schemaErrors(object, kind.schema, undefined);
  if (error !== undefined) throw typeMismatch(kind, kind.type.kind, error);
  checkMicroTimes(kind, object, kind.schema);
}

const microTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})$/;
const layout = "2006-01-02T15:04:05.000000Z07:00";

function checkMicroTimes(kind: Kind, value: unknown, schema: StructuralSchema): void {
  if (!isObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const inner = value[name];
    if (property.format !== "micro-time") checkMicroTimes(kind, inner, property);
    else if (typeof inner === "string" && !microTime.test(inner)) {
      const fraction = /(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.exec(inner)?.[0] ?? inner;
      throw cannotBeHandled(kind, `parsing time "${inner}" as "${layout}": cannot parse "${fraction}" as ".000000"`);
    }
  }
}

/** Largest object (bytes of JSON), as etcd takes them. */
const largestObject = 1_572_864;

function boundObject(object: KubernetesObject): void {
  if (JSON.stringify(object).length <= largestObject) return;
  throw new StatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${largestObject}`);
}

/** Refuses an object that its kind does not allow: 422 with every error. `existing` is what an update starts from. */
export function check(kind: Kind, object: KubernetesObject, existing: KubernetesObject | undefined): void {
  boundObject(object);
  const errors = allErrors(kind, object, existing);
  // The name is what may be missing.
  const name = object.metadata.name as string | undefined;
  if (errors.length > 0) throw invalid(kind.type, name ?? "", errors);
}

function allErrors(
  kind: Kind,
  object: KubernetesObject,
  existing: KubernetesObject | undefined,
): readonly FieldError[] {
  const previous = existing === undefined ? undefined : { value: existing };
  const ofSchema = [
    ...metadataErrors(object.metadata as unknown as JsonObject, kind.nameRule),
    ...schemaErrors(object, kind.schema, previous),
    ...(kind.extraErrors?.(object) ?? []),
  ];
  if (kind.rules.isEmpty) return ofSchema;
  return ofSchema.some(hindersRules)
    ? [...ofSchema, rulesNotChecked]
    : [...ofSchema, ...kind.rules.errors(object, previous)];
}
