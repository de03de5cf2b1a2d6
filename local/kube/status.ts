/** The server's refusals: a Status with its details, thrown where the refusal is decided. */
import { ApiError, type ResourceType } from "../../runtime/kubernetes-api.ts";

/** One thing that is wrong with an object, and where. */
export interface FieldError {
  readonly reason:
    | "FieldValueInvalid"
    | "FieldValueRequired"
    | "FieldValueNotSupported"
    | "FieldValueTypeInvalid"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueDuplicate"
    | "FieldValueForbidden";
  /** Path as users read it: `spec.roles[0].role`. */
  readonly field: string;
  /** Without the field: `Required value`. */
  readonly message: string;
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** An ApiError that carries what a Status body says beyond its message. */
export class StatusError extends ApiError {
  readonly details: StatusDetails | undefined;
  /** `metadata.continue` of an expired list. */
  readonly continueToken: string | undefined;
  constructor(code: number, reason: string, message: string, details?: StatusDetails, continueToken?: string) {
    super(code, reason, message);
    this.details = details;
    this.continueToken = continueToken;
  }
}

/** The JSON body of a refusal. */
export function statusBody(error: StatusError): Record<string, unknown> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: error.continueToken === undefined ? {} : { continue: error.continueToken },
    status: "Failure",
    message: error.message,
    ...(error.reason === "" ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}

/** `nodegroups.streamfleet.dev`, or `leases` for the core group. */
export function qualifiedResource(type: ResourceType): string {
  return type.group === "" ? type.plural : `${type.plural}.${type.group}`;
}

export function qualifiedKind(type: ResourceType): string {
  return type.group === "" ? type.kind : `${type.kind}.${type.group}`;
}

function resourceDetails(type: ResourceType, name: string): StatusDetails {
  return { name, ...(type.group === "" ? {} : { group: type.group }), kind: type.plural };
}

function kindDetails(type: ResourceType, name: string): StatusDetails {
  return { name, ...(type.group === "" ? {} : { group: type.group }), kind: type.kind };
}

export function notFound(type: ResourceType, name: string): StatusError {
  const message = `${qualifiedResource(type)} "${name}" not found`;
  return new StatusError(404, "NotFound", message, resourceDetails(type, name));
}

/** The object is there, and has no such part: `kubectl scale` of a kind that is sized by its spec. */
export function noSubresource(type: ResourceType, name: string, subresource: string): StatusError {
  const advice = `change its spec instead: kubectl explain ${type.kind.toLowerCase()}.spec`;
  const message = `${qualifiedResource(type)} "${name}" has no ${JSON.stringify(subresource)}: ${advice}`;
  return new StatusError(404, "NotFound", message, resourceDetails(type, name));
}

export function alreadyExists(type: ResourceType, name: string, deleting: boolean): StatusError {
  const message = `${deleting ? "object is being deleted: " : ""}${qualifiedResource(type)} "${name}" already exists`;
  return new StatusError(409, "AlreadyExists", message, resourceDetails(type, name));
}

export function conflict(type: ResourceType, name: string, why?: string): StatusError {
  const modified = "the object has been modified; please apply your changes to the latest version and try again";
  const message = `Operation cannot be fulfilled on ${qualifiedResource(type)} "${name}": ${why ?? modified}`;
  return new StatusError(409, "Conflict", message, resourceDetails(type, name));
}

/** A deletion whose precondition does not hold. */
export function preconditionFailed(type: ResourceType, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedKind(type)} "${name}": ${why}`;
  return new StatusError(409, "Conflict", message, kindDetails(type, name));
}

export function forbidden(type: ResourceType, name: string, why: string): StatusError {
  const message = `${qualifiedResource(type)} "${name}" is forbidden: ${why}`;
  return new StatusError(403, "Forbidden", message, resourceDetails(type, name));
}

/** A path that exists, asked by a method that it does not take. */
export function methodNotAllowed(type: ResourceType, verb: string): StatusError {
  const message = `${verb} is not supported on resources of kind "${qualifiedResource(type)}"`;
  const details = { ...(type.group === "" ? {} : { group: type.group }), kind: type.plural };
  return new StatusError(405, "MethodNotAllowed", message, details);
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, "BadRequest", message);
}

/** 422 with a cause for each error, as `kubectl` prints them. */
export function invalid(type: ResourceType, name: string, errors: readonly FieldError[]): StatusError {
  const message = `${qualifiedKind(type)} "${name}" is invalid: ${aggregate(errors)}`;
  return new StatusError(422, "Invalid", message, { ...kindDetails(type, name), causes: causesOf(errors) });
}

/** A patch whose result has fields that the schema does not know. */
export function invalidPatch(patched: unknown, problem: string): StatusError {
  const cause = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${problem}`;
  return new StatusError(422, "Invalid", ` "" is invalid: patch: ${cause}`, {
    causes: [{ reason: "FieldValueInvalid", message: cause, field: "patch" }],
  });
}

/** The server writes a zero number into this one message. */
export function missingResourceVersion(type: ResourceType, name: string): StatusError {
  const cause = "Invalid value: 0: must be specified for an update";
  const message = `${qualifiedResource(type)} "${name}" is invalid: metadata.resourceVersion: ${cause}`;
  return new StatusError(422, "Invalid", message, {
    ...resourceDetails(type, name),
    causes: [{ reason: "FieldValueInvalid", message: cause, field: "metadata.resourceVersion" }],
  });
}

/** A query parameter or an option of a deletion that means nothing: `options` is `CreateOptions`, `DeleteOptions`, … */
export function invalidOption(
  options: string,
  field: string,
  message: string,
  why: "NotSupported" | "Required" | "TooLong" = "NotSupported",
): StatusError {
  return new StatusError(422, "Invalid", `${options}.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "meta.k8s.io",
    kind: options,
    causes: [{ reason: `FieldValue${why}`, message, field }],
  });
}

/** What this server leaves out, and what to use instead. */
export function unsupported(message: string): StatusError {
  return new StatusError(415, "UnsupportedMediaType", message);
}

function causesOf(errors: readonly FieldError[]): readonly StatusCause[] {
  return errors.map(({ reason, message, field }) => ({ reason, message, field }));
}

function aggregate(errors: readonly FieldError[]): string {
  const lines = [...new Set(errors.map((error) => `${error.field}: ${error.message}`))];
  return lines.length === 1 ? (lines[0] ?? "") : `[${lines.join(", ")}]`;
}
