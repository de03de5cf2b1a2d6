/** The query parameters of a request, read once and typed. Throws 400 for values that mean nothing. */
import type { DeleteOptions, ListOptions } from "../../runtime/kubernetes-api.ts";
import { isObject, type JsonObject, member } from "./json.ts";
import type { FieldValidation, WriteOptions } from "./resources.ts";
import { badRequest, invalidOption } from "./status.ts";
import type { IncludeObject } from "./table.ts";

export type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions";

/** `userAgent`: by whom the fields are written where the request names no manager. */
export function writeOptions(
  query: URLSearchParams,
  options: OptionsKind,
  userAgent: string | undefined,
): WriteOptions {
  const dryRun = isDryRun(query.getAll("dryRun"), options);
  const manager = managerOf(query, options) ?? userAgent?.split("/", 1)[0]?.slice(0, 128) ?? "unknown";
  const validation = query.get("fieldValidation");
  if (validation === null || validation === "") return { dryRun, manager };
  if (isFieldValidation(validation)) return { dryRun, manager, fieldValidation: validation };
  const message = `Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`;
  throw invalidOption(options, "fieldValidation", message);
}

/** What an apply asks for beyond other writes: its manager must have a name. */
export function applyOptions(query: URLSearchParams): { readonly force: boolean; readonly manager: string } {
  const manager = managerOf(query, "PatchOptions");
  if (manager === undefined) {
    throw invalidOption("PatchOptions", "fieldManager", "Required value: is required for apply patch", "Required");
  }
  const force = query.get("force") ?? "false";
  if (!["true", "1", "false", "0", ""].includes(force))
    throw badRequest(`force: Invalid value: ${JSON.stringify(force)}: it must be true or false`);
  return { manager, force: force === "true" || force === "1" };
}

const longestManager = 128;

function managerOf(query: URLSearchParams, options: string): string | undefined {
  const manager = query.get("fieldManager");
  if (manager === null || manager === "") return undefined;
  if (manager.length <= longestManager) return manager;
  const message = `Too long: may not be more than ${String(longestManager)} bytes`;
  throw invalidOption(options, "fieldManager", message, "TooLong");
}

function isDryRun(values: readonly unknown[], options: string): boolean {
  const given = values.filter((value) => value !== "");
  if (given.every((value) => value === "All")) return given.length > 0;
  throw invalidOption(options, "dryRun", `Unsupported value: ${JSON.stringify(given)}: supported values: "All"`);
}

function isFieldValidation(value: string): value is FieldValidation {
  return value === "Strict" || value === "Warn" || value === "Ignore";
}

export function listOptions(
  query: URLSearchParams,
  namespace: string | undefined,
): ListOptions & { readonly resourceVersionMatch?: string } {
  const limit = optionalNumber(query, "limit");
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...given(query, "labelSelector"),
    ...given(query, "fieldSelector"),
    ...given(query, "continue"),
    ...given(query, "resourceVersion"),
    ...given(query, "resourceVersionMatch"),
    ...(limit === undefined ? {} : { limit }),
  };
}

export function isWatch(query: URLSearchParams): boolean {
  const value = query.get("watch");
  return value !== null && value !== "false" && value !== "0";
}

export function optionalNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: it must be a whole number`);
  return Number(text);
}

export function includeObject(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject");
  return value === "None" || value === "Object" ? value : "Metadata";
}

/** With a body, even an empty object, the query does not count. */
export function deleteOptions(body: unknown, query: URLSearchParams): DeleteOptions & { readonly dryRun: boolean } {
  if (isObject(body)) {
    checkOptionsKind(body);
    const dryRun = Array.isArray(body["dryRun"]) ? (body["dryRun"] as readonly unknown[]) : [];
    return {
      ...propagation(body["propagationPolicy"]),
      ...preconditions(body),
      dryRun: isDryRun(dryRun, "DeleteOptions"),
    };
  }
  return { ...propagation(query.get("propagationPolicy")), dryRun: isDryRun(query.getAll("dryRun"), "DeleteOptions") };
}

/** Another object in the place of the options is a mistake: nothing is deleted. */
function checkOptionsKind(body: JsonObject): void {
  const { kind = "DeleteOptions" } = body;
  if (kind === "DeleteOptions" || kind === "") return;
  throw badRequest(`the body of a deletion must be DeleteOptions, not ${JSON.stringify(kind)}`);
}

function propagation(value: unknown): Pick<DeleteOptions, "propagationPolicy"> {
  if (value === undefined || value === null || value === "") return {};
  if (value === "Background" || value === "Foreground" || value === "Orphan") return { propagationPolicy: value };
  const supported = '"Foreground", "Background", "Orphan", "nil"';
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`;
  throw invalidOption("DeleteOptions", "propagationPolicy", message);
}

function preconditions(body: unknown): Pick<DeleteOptions, "preconditions"> {
  const uid = member(body, ["preconditions", "uid"]);
  const resourceVersion = member(body, ["preconditions", "resourceVersion"]);
  if (typeof uid !== "string" && typeof resourceVersion !== "string") return {};
  return {
    preconditions: {
      ...(typeof uid === "string" ? { uid } : {}),
      ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
    },
  };
}

function given<N extends string>(query: URLSearchParams, name: N): Partial<Record<N, string>> {
  const value = query.get(name);
  return value === null || value === "" ? {} : ({ [name]: value } as Record<N, string>);
}
