/** What a Kubernetes server said, from the bytes of HTTP to the types of the port. */
import type { IncomingMessage } from "node:http";
import {
  ApiError,
  type KubernetesList,
  type KubernetesObject,
  type ResourceType,
  type WatchEvent,
} from "./kubernetes-api.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** A body that is not what the Kubernetes API answers: a proxy's page, or a broken stream. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
}

/** The response's body as a JSON object; throws `AnswerError` when it is none. */
export async function jsonObject(response: IncomingMessage): Promise<Record<string, unknown>> {
  return parseObject(await bodyText(response));
}

/** The refusal that the response carries: the server's Status, or what the HTTP code says when there is none. */
export async function failure(response: IncomingMessage): Promise<ApiError> {
  const code = response.statusCode ?? 0;
  const text = await bodyText(response);
  const status = statusOf(text);
  const reason = typeof status["reason"] === "string" ? status["reason"] : (reasons[code] ?? "Unknown");
  const message = typeof status["message"] === "string" ? status["message"] : `HTTP ${code}: ${text.slice(0, 200)}`;
  return new ApiError(code, reason, message);
}

/** One object of the API; throws `AnswerError` for anything else. */
export function objectOf(body: JsonObject): KubernetesObject {
  if (!isKubernetesObject(body)) throw new AnswerError("the answer is no Kubernetes object");
  return body;
}

/** A list; its items get the kind that the server leaves out in lists of built-in kinds. */
export function listOf(type: ResourceType, body: JsonObject): KubernetesList {
  const metadata = isRecord(body["metadata"]) ? body["metadata"] : {};
  const { resourceVersion, continue: next } = metadata;
  if (!Array.isArray(body["items"]) || typeof resourceVersion !== "string") {
    throw new AnswerError("the answer is no Kubernetes list");
  }
  const apiVersion = type.group === "" ? type.version : `${type.group}/${type.version}`;
  const items = body["items"].map((item: unknown) => objectOf({ apiVersion, kind: type.kind, ...recordOf(item) }));
  const rest = typeof next === "string" && next !== "" ? { continue: next } : {};
  return { metadata: { resourceVersion, ...rest }, items };
}

/** One line of a watch; throws `AnswerError` when it cannot be read. */
export function watchEventOf(line: string): WatchEvent {
  const { type, object } = parseObject(line);
  const body = recordOf(object);
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: objectOf(body) };
    case "BOOKMARK":
      return { type, resourceVersion: textOf(recordOf(body["metadata"])["resourceVersion"]) };
    case "ERROR":
      return { type, code: Number(body["code"] ?? 500), message: textOf(body["message"]) };
    default:
      throw new AnswerError(`the watch sent an event of unknown type ${String(type)}`);
  }
}

/** Words of the API for codes that may come without a Status, from proxies and from servers that are starting. */
const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Gone",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

async function bodyText(response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  const chunks: string[] = [];
  for await (const chunk of response as AsyncIterable<string>) chunks.push(chunk);
  return chunks.join("");
}

function statusOf(text: string): JsonObject {
  try {
    return parseObject(text);
  } catch {
    return {};
  }
}

function parseObject(text: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw new AnswerError(`the answer is no JSON: ${text.slice(0, 80)}`, { cause });
  }
  if (!isRecord(body)) throw new AnswerError("the answer is no JSON object");
  return body;
}

function isKubernetesObject(body: JsonObject): body is KubernetesObject {
  const { apiVersion, kind, metadata } = body;
  return typeof apiVersion === "string" && typeof kind === "string" && isRecord(metadata) && "name" in metadata;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function recordOf(value: unknown): JsonObject {
  return isRecord(value) ? value : {};
}
