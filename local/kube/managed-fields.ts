/**
 * Who manages which fields of an object: `metadata.managedFields`. An object is followed from its first server-side apply on,
 * as the real server follows one whose tracking was cleared; before it no write pays for it.
 */
import type { KubernetesObject, ObjectMeta } from "../../runtime/kubernetes-api.ts";
import {
  changedFields,
  fieldName,
  type FieldSet,
  fieldsOf,
  fromFieldsV1,
  mergedFields,
  stepsOf,
  toFieldsV1,
  valueAt,
  withoutFields,
} from "./field-sets.ts";
import { isList, isObject, type JsonObject, member, sameJson, without } from "./json.ts";
import type { Kind } from "./kinds.ts";
import { metadataSchema } from "./object-metadata.ts";
import { StatusError } from "./status.ts";
import type { StructuralSchema } from "./structural-schema.ts";

/** Who writes, and when (RFC 3339, seconds). */
export interface Writer {
  readonly manager: string;
  readonly time: string;
}

interface Entry {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly time?: string;
  readonly fields: FieldSet;
}

const beforeFirstApply = "before-first-apply";
const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** What the server itself writes is nobody's. */
const serversOwn = [
  ...["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp"],
  ...["deletionGracePeriodSeconds", "managedFields", "selfLink", "generateName"],
] as const;

/** A configuration merged into the live object. `managed` is what the result says of its managers, but for the time. */
export interface Applied {
  readonly object: JsonObject;
  readonly entries: readonly Entry[];
}

/**
 * Server-side apply: `config` merged into the live object, without what its manager applied before and applies no more.
 * Throws 409 where another manager has a field with another value, unless forced.
 */
export function serverSideApply(
  kind: Kind,
  live: KubernetesObject,
  config: JsonObject,
  { manager, force }: { readonly manager: string; readonly force: boolean },
): Applied {
  const schema = managedSchema(kind);
  const known = entriesOf(live.metadata);
  const entries = known.length > 0 ? known : [everythingOf(kind, live)];
  const own = entries.find((entry) => isApplyOf(entry, manager))?.fields ?? new Set<string>();
  const others = entries.filter((entry) => !isApplyOf(entry, manager));
  const wanted = fieldsOf(managedPart(kind, config), schema);
  const merged = mergedFields(live, config, schema);
  const taken = new Set([...wanted].filter((path) => isOtherwise(live, merged, path, schema)));
  if (!force) refuseConflicts(kind, live, { others, taken, manager, schema });
  const left = others.map((entry) => ({ ...entry, fields: entry.fields.difference(taken) }));
  const dropped = left.reduce<FieldSet>((rest, { fields }) => rest.difference(fields), own.difference(wanted));
  const object = withoutFields(merged, dropped, schema) as JsonObject;
  return { object, entries: [...left, { manager, operation: "Apply", fields: wanted }] };
}

function isApplyOf(entry: Entry, manager: string): boolean {
  return entry.operation === "Apply" && entry.manager === manager;
}

function isOtherwise(live: unknown, merged: unknown, path: string, schema: StructuralSchema): boolean {
  const steps = stepsOf(path);
  const before = valueAt(live, steps, schema);
  return !isObject(before) && !sameJson(before, valueAt(merged, steps, schema));
}

interface Contest {
  readonly others: readonly Entry[];
  readonly taken: FieldSet;
  readonly manager: string;
  readonly schema: StructuralSchema;
}

function refuseConflicts(kind: Kind, live: KubernetesObject, { others, taken, manager, schema }: Contest): void {
  // What `kubectl apply` wrote without the server's help is kubectl's own.
  const allowed = manager === "kubectl" ? lastApplied(kind, live, schema) : new Set<string>();
  const conflicts = others.flatMap((entry) =>
    [...entry.fields.intersection(taken).difference(allowed)].map((path) => ({ manager: entry, path })),
  );
  if (conflicts.length > 0) throw conflictError(kind, conflicts);
}

function lastApplied(kind: Kind, live: KubernetesObject, schema: StructuralSchema): FieldSet {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined) return new Set();
  try {
    const config: unknown = JSON.parse(text);
    return isObject(config) ? fieldsOf(managedPart(kind, config), schema) : new Set();
  } catch {
    return new Set();
  }
}

function conflictError(kind: Kind, conflicts: readonly { readonly manager: Entry; readonly path: string }[]) {
  const causes = conflicts.map(({ manager, path }) => ({ who: shownManager(kind, manager), field: fieldName(path) }));
  const byManager = [...Map.groupBy(causes, ({ who }) => who)];
  const [only] = causes;
  const text =
    causes.length === 1 && only !== undefined
      ? `1 conflict: conflict with ${only.who}: ${only.field}`
      : `${String(causes.length)} conflicts: ${byManager.map(([who, of]) => listed(who, of)).join("\n")}`;
  return new StatusError(409, "Conflict", `Apply failed with ${text}`, {
    causes: causes.map(({ who, field }) => ({
      reason: "FieldManagerConflict" as const,
      message: `conflict with ${who}`,
      field,
    })),
  });
}

function listed(who: string, conflicts: readonly { readonly field: string }[]): string {
  return `conflicts with ${who}:\n${conflicts.map(({ field }) => `- ${field}`).join("\n")}`;
}

function shownManager(kind: Kind, { manager, operation }: Entry): string {
  const quoted = JSON.stringify(manager);
  return operation === "Apply" ? quoted : `${quoted} using ${versionOf(kind)}`;
}

/** The object with its managers after an apply. A time is kept where the apply changed no value. */
export function withManagers(
  kind: Kind,
  live: KubernetesObject | undefined,
  next: KubernetesObject,
  entries: readonly Entry[],
  { manager, time }: Writer,
): KubernetesObject {
  const former = live === undefined ? undefined : entriesOf(live.metadata).find((one) => isApplyOf(one, manager));
  const isChanged = live !== undefined && !sameJson(comparable(live), comparable(next));
  const stamp = isChanged ? time : former?.time;
  const timed = entries.map((entry) =>
    isApplyOf(entry, manager) && stamp !== undefined ? { ...entry, time: stamp } : entry,
  );
  return withEntries(kind, next, timed);
}

/** What the managers of a new object are: the one that applied it. */
export function firstManager(kind: Kind, config: JsonObject, { manager }: Writer): readonly Entry[] {
  return [{ manager, operation: "Apply", fields: fieldsOf(managedPart(kind, config), managedSchema(kind)) }];
}

/** An update takes the fields that it changes, without asking. An object that nobody applied is not followed. */
export function afterUpdate(
  kind: Kind,
  current: KubernetesObject,
  next: KubernetesObject,
  writer: Writer,
): KubernetesObject {
  const given = member(next.metadata, ["managedFields"]);
  const followed = entriesOf(current.metadata);
  if (followed.length === 0) return withEntries(kind, next, []);
  if (given !== undefined && !sameJson(given, member(current.metadata, ["managedFields"]))) {
    return withEntries(kind, next, entriesOf(next.metadata));
  }
  const schema = managedSchema(kind);
  const after = managedPart(kind, next);
  const changed = changedFields(managedPart(kind, current), after, schema);
  if (changed.size === 0) return withEntries(kind, next, followed);
  return withEntries(kind, next, updated(followed, changed, fieldsOf(after, schema), writer));
}

function updated(
  entries: readonly Entry[],
  changed: FieldSet,
  present: FieldSet,
  { manager, time }: Writer,
): readonly Entry[] {
  const isOwn = (entry: Entry): boolean => entry.operation === "Update" && entry.manager === manager;
  const own = entries.find(isOwn)?.fields ?? new Set<string>();
  const others = entries.filter((entry) => !isOwn(entry));
  const fields = own.union(changed).intersection(present);
  return [
    ...others.map((entry) => ({ ...entry, fields: entry.fields.difference(changed) })),
    { manager, operation: "Update", time, fields },
  ];
}

/** What was there before the first apply belongs to whoever wrote it. */
function everythingOf(kind: Kind, live: KubernetesObject): Entry {
  const fields = fieldsOf(managedPart(kind, live), managedSchema(kind));
  return { manager: beforeFirstApply, operation: "Update", fields };
}

function withEntries(kind: Kind, object: KubernetesObject, entries: readonly Entry[]): KubernetesObject {
  const ordered = [...entries]
    .filter(({ fields }) => fields.size > 0)
    .sort((a, b) => Number(b.operation === "Apply") - Number(a.operation === "Apply"))
    .map(({ manager, operation, time, fields }) => ({
      apiVersion: versionOf(kind),
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(fields),
      manager,
      operation,
      ...(time !== undefined && { time }),
    }));
  const metadata = without(object.metadata as ObjectMeta & { managedFields?: unknown }, "managedFields");
  return {
    ...object,
    metadata: (ordered.length === 0 ? metadata : { ...metadata, managedFields: ordered }) as ObjectMeta,
  };
}

/** The entries of an object; one that is not of this form is as good as none. */
function entriesOf(metadata: ObjectMeta): readonly Entry[] {
  const found = member(metadata, ["managedFields"]);
  if (!isList(found)) return [];
  return found.flatMap((entry): Entry[] => {
    if (!isObject(entry)) return [];
    const { manager, operation, time, fieldsV1, subresource } = entry;
    if (typeof manager !== "string" || (operation !== "Apply" && operation !== "Update")) return [];
    if (subresource !== undefined && subresource !== "") return [];
    const fields = fromFieldsV1(fieldsV1);
    return [{ manager, operation, ...(typeof time === "string" && { time }), fields }];
  });
}

/** The object without its version and its managers: whether an apply has changed a value. */
function comparable({ metadata, ...rest }: KubernetesObject): JsonObject {
  return {
    ...rest,
    metadata: without(metadata as unknown as JsonObject, "managedFields", "resourceVersion", "generation"),
  };
}

function managedPart(kind: Kind, object: JsonObject | KubernetesObject): JsonObject {
  const apart = kind.hasStatus
    ? (["apiVersion", "kind", "metadata", "status"] as const)
    : ["apiVersion", "kind", "metadata"];
  const metadata = (object as JsonObject)["metadata"];
  const own = isObject(metadata) ? without(metadata, ...serversOwn) : {};
  const rest = without(object as JsonObject, ...apart);
  return Object.keys(own).length === 0 ? rest : { ...rest, metadata: own };
}

/** The kind's schema, with the lists of the metadata as the real server knows them. */
function managedSchema(kind: Kind): StructuralSchema {
  const { properties = {} } = metadataSchema;
  const metadata: StructuralSchema = {
    ...metadataSchema,
    properties: {
      ...properties,
      finalizers: { ...properties["finalizers"], "x-kubernetes-list-type": "set" },
      ownerReferences: {
        ...properties["ownerReferences"],
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["uid"],
      },
    },
  };
  return { ...kind.schema, properties: { ...kind.schema.properties, metadata } };
}

function versionOf({ type }: Kind): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}
