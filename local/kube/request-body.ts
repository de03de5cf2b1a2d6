/** The body of a request as JSON, by its content type. Refuses what this server does not read, and says what to send instead. */
import { parse } from "yaml";
import { messageOf } from "../../runtime/thrown.ts";
import { unrecognized } from "./incoming-object.ts";
import { StatusError, badRequest, unsupported } from "./status.ts";
import type { Patch } from "./patches.ts";
import type { Kind } from "./kinds.ts";

const kubernetesProtobuf = "application/vnd.kubernetes.protobuf";

/** Throws 400 for what cannot be parsed, 415 for other types; undefined for an empty body. */
export function objectBody(contentType: string, body: Buffer, kind: Kind): unknown {
  if (contentType === kubernetesProtobuf) {
    throw unsupported(
      "the embedded API does not read protobuf, which `kubectl create namespace|configmap|secret` sends: " +
        "write a manifest and use `kubectl apply -f`",
    );
  }
  if (body.length === 0) return undefined;
  if (contentType === "application/yaml") return parsed("yaml", kind, (): unknown => parse(body.toString()));
  if (contentType !== "" && contentType !== "application/json") {
    throw unsupported(
      "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml",
    );
  }
  return parsed("json", kind, (): unknown => JSON.parse(body.toString()));
}

/** What a PATCH asks for: a change of the object, or a configuration to apply. */
export type PatchRequest = Patch | { readonly kind: "Apply"; readonly body: unknown };

/** A built-in kind's strategic merge equals a JSON merge here: none of them has a list that would be merged by key. */
export function patchBody(contentType: string, body: Buffer, kind: Kind): PatchRequest {
  switch (contentType) {
    case "application/json-patch+json":
      return { kind: "Json", body: decoded(body) };
    case "application/merge-patch+json":
      return { kind: "Merge", body: decoded(body) };
    case "application/strategic-merge-patch+json":
      if (!kind.custom) return { kind: "Merge", body: decoded(body) };
      break;
    case "application/apply-patch+yaml":
      return { kind: "Apply", body: parsed("yaml", kind, (): unknown => parse(body.toString())) };
  }
  throw unsupported(
    "the body of the request was in an unknown format - accepted media types include: " +
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );
}

function decoded(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw badRequest(`error decoding patch: ${oneLine(error)}`);
  }
}

function parsed(format: string, kind: Kind, parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    throw unrecognized(kind, `couldn't get version/kind; ${format} parse error: ${oneLine(error)}`);
  }
}

function oneLine(error: unknown): string {
  return messageOf(error).split("\n", 1).join("");
}

/** What express says of a body that it will not take. */
export function bodyError(error: unknown): StatusError | undefined {
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  if (status === 413)
    return new StatusError(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728");
  return typeof status === "number" && status >= 400 && status < 500 && error instanceof Error
    ? new StatusError(status, "BadRequest", error.message)
    : undefined;
}
