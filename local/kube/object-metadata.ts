/** Judges what every object has in common: its name, labels, annotations, finalizers and owners. */
import { isList, isObject, type JsonObject } from "./json.ts";
import type { FieldError } from "./status.ts";
import type { StructuralSchema } from "./structural-schema.ts";

const text: StructuralSchema = { type: "string" };
const texts: StructuralSchema = { type: "object", additionalProperties: text };

/** Metadata that clients may send. Of `managedFields` see managed-fields.ts. */
export const metadataSchema: StructuralSchema = {
  type: "object",
  description: "Standard object's metadata.",
  properties: {
    annotations: { ...texts, description: "Unstructured values that tools keep with the object." },
    creationTimestamp: { ...text, nullable: true, description: "When the server created the object." },
    deletionGracePeriodSeconds: { type: "integer", description: "Seconds allowed for a graceful end." },
    deletionTimestamp: { ...text, nullable: true, description: "When the deletion was asked for." },
    finalizers: {
      type: "array",
      items: text,
      description: "Who must act before the object is removed from the registry.",
    },
    generateName: { ...text, description: "Prefix of a name that the server completes." },
    generation: { type: "integer", description: "Rises with each change of the desired state." },
    labels: { ...texts, description: "Values by which objects are grouped and selected." },
    managedFields: { type: "array", items: { "x-kubernetes-preserve-unknown-fields": true } },
    name: { ...text, description: "Name, unique within a namespace." },
    namespace: { ...text, description: "The space within which the name is unique." },
    ownerReferences: {
      type: "array",
      description: "Objects that this one depends on: it is deleted when all of them are gone.",
      items: {
        type: "object",
        properties: {
          apiVersion: text,
          kind: text,
          name: text,
          uid: text,
          controller: { type: "boolean" },
          blockOwnerDeletion: { type: "boolean" },
        },
      },
    },
    resourceVersion: { ...text, description: "Opaque version of the object." },
    selfLink: text,
    uid: { ...text, description: "Unique in time and space." },
  },
};

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const maxAnnotationBytes = 256 * 1024;

const subdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
  "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const namePartRule =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with " +
  "an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

export type NameRule = "Subdomain" | "Label";

/** What is wrong with an object's metadata. Types have been judged before. */
export function metadataErrors(metadata: JsonObject, nameRule: NameRule): readonly FieldError[] {
  return [
    ...nameErrors(metadata["name"], nameRule),
    ...entries(metadata["labels"]).flatMap(([key, value]) => labelErrors(key, value)),
    ...annotationErrors(metadata["annotations"]),
    ...finalizerErrors(metadata["finalizers"]),
    ...ownerErrors(metadata["ownerReferences"]),
  ];
}

/** Finalizers that appear while the object is being deleted. */
export function finalizerAdditionErrors(before: readonly string[], after: readonly string[]): readonly FieldError[] {
  const added = after.filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  return [{ reason: "FieldValueForbidden", field: "metadata.finalizers", message }];
}

function nameErrors(name: unknown, rule: NameRule): readonly FieldError[] {
  if (typeof name !== "string" || name === "") {
    const message = "Required value: name or generateName is required";
    return [{ reason: "FieldValueRequired", field: "metadata.name", message }];
  }
  const maximum = rule === "Label" ? 63 : 253;
  if (name.length > maximum)
    return [wrong("metadata.name", name, `must be no more than ${String(maximum)} characters`)];
  if (rule === "Label") return dnsLabel.test(name) ? [] : [wrong("metadata.name", name, labelRule)];
  return dnsSubdomain.test(name) ? [] : [wrong("metadata.name", name, subdomainRule)];
}

function labelErrors(key: string, value: unknown): readonly FieldError[] {
  const ofKey = qualifiedNameErrors("metadata.labels", key);
  if (typeof value !== "string") return ofKey;
  if (value.length > 63) return [...ofKey, wrong("metadata.labels", value, "must be no more than 63 bytes")];
  return labelValue.test(value) ? ofKey : [...ofKey, wrong("metadata.labels", value, labelValueRule)];
}

function qualifiedNameErrors(field: string, key: string): readonly FieldError[] {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  const ofPrefix =
    prefix === undefined || dnsSubdomain.test(prefix) ? [] : [wrong(field, key, `prefix part ${subdomainRule}`)];
  if (name.length > 63) return [...ofPrefix, wrong(field, key, "name part must be no more than 63 characters")];
  return namePart.test(name) ? ofPrefix : [...ofPrefix, wrong(field, key, namePartRule)];
}

function annotationErrors(annotations: unknown): readonly FieldError[] {
  const all = entries(annotations);
  const bytes = all.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)), 0);
  const tooLong: FieldError = {
    reason: "FieldValueTooLong",
    field: "metadata.annotations",
    message: `Too long: may not be more than ${String(maxAnnotationBytes)} bytes`,
  };
  const ofKeys = all.flatMap(([key]) => qualifiedNameErrors("metadata.annotations", key.toLowerCase()));
  return bytes > maxAnnotationBytes ? [...ofKeys, tooLong] : ofKeys;
}

function finalizerErrors(finalizers: unknown): readonly FieldError[] {
  if (!isList(finalizers)) return [];
  return finalizers.flatMap((finalizer) => qualifiedNameErrors("metadata.finalizers", String(finalizer)));
}

function ownerErrors(owners: unknown): readonly FieldError[] {
  if (!isList(owners)) return [];
  const ofEach = owners
    .filter(isObject)
    .flatMap((owner) => ["apiVersion", "kind", "name", "uid"].flatMap((name) => missingOwnerField(owner, name)));
  const controllers = owners.filter((owner) => isObject(owner) && owner["controller"] === true);
  if (controllers.length < 2) return ofEach;
  const message = "Invalid value: only one reference can have Controller set to true";
  return [...ofEach, { reason: "FieldValueInvalid", field: "metadata.ownerReferences", message }];
}

function missingOwnerField(owner: JsonObject, name: string): readonly FieldError[] {
  const value = owner[name];
  if (typeof value === "string" && value !== "") return [];
  const noun = name === "apiVersion" ? "version " : name === "kind" ? "kind " : "";
  return [wrong(`metadata.ownerReferences.${name}`, "", `${noun}must not be empty`)];
}

function entries(value: unknown): readonly (readonly [string, unknown])[] {
  return isObject(value) ? Object.entries(value) : [];
}

function wrong(field: string, value: string, why: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}
